// uses: hv/dev/[!m]*.c base/err.c tests/unit/dev_guest.c
/* The file system device end to end: a guest driver here, xenc-dev as a process on a
 * directory, first a fork of this program (sanitized), then the real binary in its jail. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dev_guest.h"
#include "tap.h"

static struct guest g;
static char root[64], path[256];

#define PART(x) { &(x), sizeof(x) }
#define STR(s)  { (s), strlen(s) + 1 }
#define CALL(op, node, out, ...) ({ \
    struct part parts_[] = { __VA_ARGS__ }; \
    guest_fuse(&g, (op), (node), parts_, sizeof(parts_) / sizeof(parts_[0]), \
               &(out), sizeof(out), NULL); })

static char none[64];           /* for replies nobody reads */

static const char *in_root(const char *name)
{
    snprintf(path, sizeof(path), "%s/%s", root, name);
    return path;
}

static int lookup(uint64_t dir, const char *name, struct fuse_entry_out *o)
{
    return CALL(FUSE_LOOKUP, dir, *o, STR(name));
}

static void put_file(const char *name, const char *text)
{
    int fd = open(in_root(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);

    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        perror(name);
    close(fd);
}

static void test_init(void)
{
    struct fuse_init_in in = { .major = 7, .minor = 38, .max_readahead = 65536,
                               .flags = FUSE_BIG_WRITES | FUSE_DO_READDIRPLUS |
                                        FUSE_WRITEBACK_CACHE };
    struct fuse_init_out out;

    tap_is(CALL(FUSE_INIT, 0, out, PART(in)), 0, "INIT");
    tap_ok(out.major == 7 && out.max_write == 1 << 20 &&
           out.flags == (FUSE_BIG_WRITES | FUSE_DO_READDIRPLUS), "what it offers");
    in.minor = 30;
    tap_is(CALL(FUSE_INIT, 0, out, PART(in)), -EPROTO, "an old version is refused");
}

static void test_lookup(void)
{
    struct fuse_entry_out o, p;
    struct fuse_attr_out a;
    struct fuse_getattr_in ga = { 0 };
    struct fuse_forget_in one = { 2 };
    struct stat st;

    put_file("hello", "hello, world\n");
    stat(in_root("hello"), &st);
    tap_is(lookup(1, "hello", &o), 0, "LOOKUP");
    tap_ok(o.attr.ino == st.st_ino && o.attr.size == 13 && o.attr.mode == 0100644 &&
           o.nodeid > 2, "its attributes");
    tap_ok(lookup(1, "hello", &p) == 0 && p.nodeid == o.nodeid, "the same node again");
    tap_is(CALL(FUSE_GETATTR, o.nodeid, a, PART(ga)), 0, "GETATTR");
    tap_is(a.attr.size, 13, "its size");
    tap_is(lookup(1, "nothing", &p), -ENOENT, "a missing name");
    tap_is(lookup(1, "..", &p), -EINVAL, "dot dot is refused");
    tap_is(lookup(1, "a/b", &p), -EINVAL, "a slash is refused");
    tap_is(lookup(1, "", &p), -EINVAL, "no name is refused");
    tap_is(lookup(o.nodeid, "x", &p), -ENOTDIR, "a file is no directory");
    tap_is(lookup(4711, "x", &p), -ENOENT, "an unknown node");
    /* No reply, but the buffer comes back. */
    guest_offer(&g, DEV_FS, 0, 0, guest_buf(), 56, 0, 0);
    memcpy(g.mem + guest_buf(), &(struct fuse_in_header){ .len = 56, .opcode = FUSE_FORGET,
           .nodeid = o.nodeid }, 40);
    tap_is(guest_used_wait(&g, DEV_FS, 0, 1000), 0, "FORGET's buffer comes back");
    CALL(FUSE_FORGET, o.nodeid, none, PART(one));
}

static void test_forget(void)
{
    struct { struct fuse_in_header h; struct fuse_forget_in f; } m = {
        { .len = sizeof(m), .opcode = FUSE_FORGET }, { 1 } };
    struct fuse_getattr_in ga = { 0 };
    struct fuse_entry_out o;
    struct fuse_attr_out a;

    put_file("forgotten", "x");
    lookup(1, "forgotten", &o);
    m.h.nodeid = o.nodeid;
    memcpy(g.mem + guest_buf(), &m, sizeof(m));
    guest_offer(&g, DEV_FS, 0, 0, guest_buf(), sizeof(m), 0, 0);
    guest_used_wait(&g, DEV_FS, 0, 1000);
    tap_is(CALL(FUSE_GETATTR, o.nodeid, a, PART(ga)), -ENOENT, "a forgotten node is gone");
}

static void test_write_read(void)
{
    struct fuse_create_in cr = { .flags = O_RDWR | O_CREAT, .mode = S_IFREG | 04755 };
    struct { struct fuse_entry_out e; struct fuse_open_out f; } c;
    struct fuse_write_in w = { .offset = 2, .size = 5 };
    struct fuse_read_in r = { .size = 100 };
    struct fuse_release_in rel = { 0 };
    struct fuse_write_out wo;
    struct stat st;
    char buf[100];
    size_t n = 0;

    g.uid = 1000;
    g.gid = 100;
    tap_is(CALL(FUSE_CREATE, 1, c, PART(cr), STR("new")), 0, "CREATE");
    stat(in_root("new"), &st);
    tap_ok(st.st_uid == 1000 && st.st_gid == 100 && st.st_mode == 0104755,
           "owner and mode are the guest's");
    tap_is(c.e.attr.uid, 1000, "and so is the reply's");
    w.fh = r.fh = rel.fh = c.f.fh;
    tap_is(CALL(FUSE_WRITE, c.e.nodeid, wo, PART(w), { "hello", 5 }), 0, "WRITE");
    tap_is(wo.size, 5, "all of it");
    tap_is(guest_fuse(&g, FUSE_READ, c.e.nodeid, (struct part[]){ PART(r) }, 1, buf,
                      sizeof(buf), &n), 0, "READ");
    tap_ok(n == 7 && !memcmp(buf, "\0\0hello", 7), "what was written");
    w.size = 50;
    tap_is(CALL(FUSE_WRITE, c.e.nodeid, wo, PART(w), { "hello", 5 }), -EINVAL,
           "a WRITE with less data than it says");
    tap_is(CALL(FUSE_CREATE, 1, c, PART(cr), STR("new")), 0, "CREATE of an existing file");
    cr.flags |= O_EXCL;
    tap_is(CALL(FUSE_CREATE, 1, c, PART(cr), STR("new")), -EEXIST, "... not with O_EXCL");
    tap_is(CALL(FUSE_RELEASE, c.e.nodeid, none, PART(rel)), 0, "RELEASE");
    tap_is(CALL(FUSE_RELEASE, c.e.nodeid, none, PART(rel)), -EBADF, "only once");
    r.fh = 1 << 30;
    tap_is(CALL(FUSE_READ, c.e.nodeid, buf, PART(r)), -EBADF, "an unknown handle");
    g.uid = g.gid = 0;
}

static void test_names(void)
{
    struct fuse_mkdir_in mk = { .mode = 02775 };
    struct fuse_mknod_in no = { .mode = S_IFIFO | 0600 };
    struct fuse_rename2_in rn = { .newdir = 1 };
    struct fuse_link_in ln;
    struct fuse_entry_out d, o;
    char target[16];
    struct stat st;

    tap_is(CALL(FUSE_MKDIR, 1, d, PART(mk), STR("dir")), 0, "MKDIR");
    chmod(in_root("dir"), 02775);
    if (chown(in_root("dir"), 0, 50) < 0 || chmod(path, 02775) < 0)
        perror("dir");
    g.gid = 100;
    tap_is(CALL(FUSE_MKNOD, d.nodeid, o, PART(no), STR("fifo")), 0, "MKNOD");
    tap_ok(o.attr.mode == (S_IFIFO | 0600) && o.attr.gid == 50,
           "its group is the set-group-id directory's");
    no.mode = S_IFSOCK | 0600;
    tap_is(CALL(FUSE_MKNOD, d.nodeid, o, PART(no), STR("sock")), 0, "MKNOD of a socket");
    no.mode = S_IFCHR | 0600;
    no.rdev = (uint32_t)makedev(1, 3);
    tap_is(CALL(FUSE_MKNOD, d.nodeid, o, PART(no), STR("null")), 0, "MKNOD of a device");
    tap_is(o.attr.rdev, makedev(1, 3), "its number");
    tap_is(CALL(FUSE_OPEN, o.nodeid, none, PART(((struct fuse_open_in){ O_RDONLY, 0 }))),
           -EINVAL, "devices of the host are never opened");
    tap_is(CALL(FUSE_SYMLINK, 1, o, STR("sym"), STR("hello")), 0, "SYMLINK");
    memset(target, 0, sizeof(target));
    tap_is(CALL(FUSE_READLINK, o.nodeid, target), 0, "READLINK");
    tap_ok(!strcmp(target, "hello"), "its target");
    lookup(1, "hello", &o);
    ln.oldnodeid = o.nodeid;
    tap_is(CALL(FUSE_LINK, d.nodeid, o, PART(ln), STR("hard")), 0, "LINK");
    tap_ok(o.nodeid == ln.oldnodeid && o.attr.nlink == 2, "it is the same file");
    tap_is(CALL(FUSE_RENAME2, d.nodeid, none, PART(rn), STR("hard"), STR("moved")), 0,
           "RENAME2");
    tap_ok(stat(in_root("moved"), &st) == 0 && st.st_ino == o.attr.ino, "moved it");
    rn.flags = 1;
    tap_is(CALL(FUSE_RENAME2, 1, none, PART(rn), STR("moved"), STR("hello")), -EEXIST,
           "RENAME_NOREPLACE");
    tap_is(CALL(FUSE_UNLINK, 1, none, STR("moved")), 0, "UNLINK");
    tap_is(lookup(1, "moved", &o), -ENOENT, "gone");
    tap_is(CALL(FUSE_RMDIR, 1, none, STR("dir")), -ENOTEMPTY, "RMDIR of a full directory");
    g.gid = 0;
}

static void test_attr(void)
{
    struct fuse_setattr_in sa = { .valid = FATTR_MODE | FATTR_UID | FATTR_GID | FATTR_SIZE |
        FATTR_MTIME, .mode = 06711, .uid = 7, .gid = 8, .size = 3, .mtime = 12345 };
    struct fuse_setxattr_in sx = { .size = 3 };
    struct fuse_getxattr_in gx = { .size = 64 };
    struct fuse_statfs_out sf;
    struct fuse_entry_out o;
    struct fuse_attr_out a;
    char buf[64];

    put_file("attr", "123456");
    lookup(1, "attr", &o);
    tap_is(CALL(FUSE_SETATTR, o.nodeid, a, PART(sa)), 0, "SETATTR");
    tap_ok(a.attr.mode == 0106711 && a.attr.uid == 7 && a.attr.gid == 8 &&
           a.attr.size == 3 && a.attr.mtime == 12345, "all of them");
    tap_is(CALL(FUSE_STATFS, 1, sf), 0, "STATFS");
    tap_ok(sf.st.bsize > 0 && sf.st.namelen > 0, "something plausible");
    tap_is(CALL(FUSE_SETXATTR, o.nodeid, none, { &sx, 8 }, STR("user.a"), { "xyz", 3 }), 0,
           "SETXATTR");
    tap_is(CALL(FUSE_GETXATTR, o.nodeid, buf, PART(gx), STR("user.a")), 0, "GETXATTR");
    tap_ok(!memcmp(buf, "xyz", 3), "its value");
    tap_is(CALL(FUSE_LISTXATTR, o.nodeid, buf, PART(gx)), 0, "LISTXATTR");
    tap_ok(!memcmp(buf, "user.a", 7), "its name");
    tap_is(CALL(FUSE_REMOVEXATTR, o.nodeid, none, STR("user.a")), 0, "REMOVEXATTR");
    tap_is(CALL(FUSE_GETXATTR, o.nodeid, buf, PART(gx), STR("user.a")), -ENODATA, "gone");
    sx.size = 4000;
    tap_is(CALL(FUSE_SETXATTR, o.nodeid, none, { &sx, 8 }, STR("user.a"), { "xyz", 3 }),
           -EINVAL, "SETXATTR with less value than it says");
}

/* Reads a whole directory in steps of `size` bytes; returns how many entries, `sum` of
 * the numbers in their names. */
static int read_dir(uint64_t node, uint32_t op, uint32_t size, int *sum)
{
    struct fuse_open_in in = { 0 };
    struct fuse_release_in rel = { 0 };
    struct fuse_read_in r = { .size = size };
    size_t head = op == FUSE_READDIRPLUS ? sizeof(struct fuse_entry_out) : 0, n;
    struct fuse_open_out o;
    char buf[8192];
    int count = 0;

    *sum = 0;
    if (CALL(FUSE_OPENDIR, node, o, PART(in)) < 0)
        return -1;
    rel.fh = r.fh = o.fh;
    for (;;) {
        struct part p[] = { PART(r) };

        if (guest_fuse(&g, op, node, p, 1, buf, size, &n) < 0)
            return -1;
        if (n == 0)
            break;
        for (size_t at = 0; at < n; count++) {
            struct fuse_dirent *d = (void *)(buf + at + head);

            if (d->namelen > 1 && d->name[0] == 'f')
                *sum += atoi(d->name + 1);
            r.offset = d->off;
            at += head + FUSE_DIRENT_SIZE(d);
        }
    }
    CALL(FUSE_RELEASEDIR, node, none, PART(rel));
    return count;
}

static void test_readdir(void)
{
    struct fuse_entry_out d;
    char name[32];
    int sum;

    mkdir(in_root("many"), 0755);
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "many/f%d", i);
        put_file(name, "");
    }
    lookup(1, "many", &d);
    tap_is(read_dir(d.nodeid, FUSE_READDIR, 4096, &sum), 502, "READDIR finds all");
    tap_is(sum, 499 * 250, "each once");
    tap_is(read_dir(d.nodeid, FUSE_READDIR, 600, &sum), 502, "in small steps too");
    tap_is(sum, 499 * 250, "each once");
    tap_is(read_dir(d.nodeid, FUSE_READDIRPLUS, 4096, &sum), 502, "READDIRPLUS finds all");
    tap_is(sum, 499 * 250, "each once");
}

static void test_grant(void)
{
    struct xenc_grant_in in = { .flags = O_RDONLY };
    struct xenc_grant_out out;
    struct fuse_entry_out o;
    uint64_t cookie = 0;
    char buf[8];
    int fd;

    lookup(1, "hello", &o);
    tap_is(CALL(XENC_FUSE_GRANT, o.nodeid, out, PART(in)), 0, "GRANT");
    fd = guest_receive(&g, &cookie);
    tap_ok(fd >= 0 && cookie == out.cookie, "the descriptor came before the reply");
    tap_ok(pread(fd, buf, 5, 0) == 5 && !memcmp(buf, "hello", 5), "it reads the file");
    tap_ok(pwrite(fd, buf, 5, 0) < 0 && errno == EBADF, "and doesn't write it");
    close(fd);
    in.flags = O_RDWR;
    tap_is(CALL(XENC_FUSE_GRANT, o.nodeid, out, PART(in)), 0, "GRANT for writing");
    fd = guest_receive(&g, &cookie);
    tap_is(pwrite(fd, "J", 1, 0), 1, "it writes");
    close(fd);
    in.flags = O_WRONLY;
    tap_is(CALL(XENC_FUSE_GRANT, o.nodeid, out, PART(in)), -EINVAL, "nothing else");
    in.flags = O_RDONLY;
    tap_is(CALL(XENC_FUSE_GRANT, 1, out, PART(in)), -EISDIR, "no directories");
}

static void test_granted_create(void)
{
    struct fuse_create_in cr = { .flags = O_RDWR | O_CREAT | O_EXCL, .mode = S_IFREG | 0400 };
    struct { struct fuse_entry_out e; struct fuse_open_out f; struct xenc_grant_out g; } c;
    struct fuse_write_in w = { .offset = 3, .size = 3 };
    struct fuse_release_in rel = { 0 };
    struct fuse_write_out wo;
    struct stat st;
    uint64_t cookie = 0;
    int fd;

    tap_is(CALL(XENC_FUSE_CREATE, 1, c, PART(cr), STR("given")), 0, "CREATE with a grant");
    fd = guest_receive(&g, &cookie);
    tap_ok(fd >= 0 && cookie == c.g.cookie, "its descriptor came before the reply");
    tap_is(pwrite(fd, "abc", 3, 0), 3, "it writes, whatever the mode says");
    close(fd);
    w.fh = rel.fh = c.f.fh;
    tap_is(CALL(FUSE_WRITE, c.e.nodeid, wo, PART(w), { "def", 3 }), 0, "the handle too");
    tap_is(CALL(FUSE_RELEASE, c.e.nodeid, none, PART(rel)), 0, "RELEASE");
    stat(in_root("given"), &st);
    tap_ok(st.st_size == 6 && st.st_mode == 0100400, "both wrote to the file");
    tap_is(CALL(XENC_FUSE_CREATE, 1, c, PART(cr), STR("given")), -EEXIST, "not twice");
    cr.flags = O_RDWR | O_CREAT;
    tap_is(CALL(XENC_FUSE_CREATE, 1, c, PART(cr), STR("x")), -EINVAL, "new files only");
    tap_is(guest_receive(&g, &cookie), -1, "and nothing was sent for these");
}

static void test_granted_lookup(void)
{
    struct { struct fuse_entry_out e; struct xenc_grant_out g; } l;
    uint64_t cookie = 0;
    char buf[8];
    int fd;

    tap_is(CALL(XENC_FUSE_LOOKUP, 1, l, STR("hello")), 0, "LOOKUP with a grant");
    fd = guest_receive(&g, &cookie);
    tap_ok(fd >= 0 && cookie == l.g.cookie && l.e.attr.size == 13, "its descriptor and size");
    tap_is(pread(fd, buf, 5, 0), 5, "it reads");
    tap_ok(pwrite(fd, buf, 5, 0) < 0 && errno == EBADF, "and does not write");
    close(fd);
    tap_is(CALL(XENC_FUSE_LOOKUP, 1, l, STR("many")), 0, "of a directory");
    tap_ok(S_ISDIR(l.e.attr.mode) && l.g.cookie == 0, "nothing is granted");
    tap_is(CALL(XENC_FUSE_LOOKUP, 1, l, STR("no such")), -ENOENT, "nor of what is not there");
    tap_is(guest_receive(&g, &cookie), -1, "and nothing was sent");
}

static void test_shares(void)
{
    struct fuse_create_in cr = { .flags = O_RDWR, .mode = 0644 };
    struct xenc_grant_in gr = { .flags = O_RDWR };
    struct fuse_open_in op = { .flags = O_WRONLY };
    struct fuse_setattr_in sa = { .valid = FATTR_MODE, .mode = 0 };
    struct fuse_rename_in rn;
    struct fuse_entry_out s, f, o;
    struct fuse_open_out opened;
    struct fuse_attr_out changed;

    tap_is(lookup(XENC_FS_SHARES, "0", &s), 0, "share 0");
    tap_ok(S_ISDIR(s.attr.mode), "is a directory");
    tap_is(lookup(s.nodeid, "ro", &f), 0, "its file");
    tap_is(CALL(FUSE_CREATE, s.nodeid, o, PART(cr), STR("x")), -EROFS, "read-only: CREATE");
    tap_is(CALL(FUSE_OPEN, f.nodeid, none, PART(op)), -EROFS, "OPEN for writing");
    tap_is(CALL(XENC_FUSE_GRANT, f.nodeid, none, PART(gr)), -EROFS, "GRANT");
    tap_is(CALL(FUSE_SETATTR, f.nodeid, none, PART(sa)), -EROFS, "SETATTR");
    tap_is(CALL(FUSE_UNLINK, s.nodeid, none, STR("ro")), -EROFS, "UNLINK");
    op.flags = O_RDONLY;
    tap_is(CALL(FUSE_OPEN, f.nodeid, opened, PART(op)), 0, "OPEN for reading");
    tap_is(lookup(1, "hello", &o), 0, "a file elsewhere");
    sa = (struct fuse_setattr_in){ .valid = FATTR_MODE | FATTR_FH, .fh = opened.fh, .mode = 0604 };
    tap_is(CALL(FUSE_SETATTR, o.nodeid, changed, PART(sa)), 0, "SETATTR of that, with the handle");
    tap_is(lookup(s.nodeid, "ro", &o), 0, "of a read-only file");
    tap_is(o.attr.mode, f.attr.mode, "does not change the read-only one");
    tap_is(lookup(XENC_FS_SHARES, "1", &o), 0, "share 1");
    tap_ok(S_ISREG(o.attr.mode), "is a file");
    tap_is(lookup(XENC_FS_SHARES, "2", &o), -ENOENT, "share 2 isn't");
    tap_is(lookup(XENC_FS_SHARES, "00", &o), -ENOENT, "numbers are plain");
    rn.newdir = s.nodeid;
    tap_is(CALL(FUSE_RENAME, 1, none, PART(rn), STR("hello"), STR("x")), -EROFS,
           "no move into it");
}

static void test_rest(void)
{
    struct fuse_create_in cr = { .flags = O_RDWR, .mode = S_IFREG | 0600 };
    struct { struct fuse_entry_out e; struct fuse_open_out f; } a, t;
    struct fuse_fallocate_in fa = { .offset = 8192, .length = 4096 };
    struct fuse_copy_file_range_in cp = { .off_in = 8192, .len = 100 };
    struct fuse_lseek_in ls = { .whence = SEEK_HOLE };
    struct fuse_fsync_in fy = { 0 };
    struct fuse_flush_in fl = { 0 };
    struct fuse_open_in op = { .flags = O_RDWR | O_TRUNC | O_APPEND };
    struct fuse_setattr_in sa = { .valid = FATTR_SIZE | FATTR_FH | FATTR_ATIME_NOW |
                                           FATTR_MTIME_NOW, .size = 5 };
    struct fuse_rename_in rn = { .newdir = 1 };
    struct fuse_link_in ln;
    struct { struct fuse_batch_forget_in h; struct fuse_forget_one one[2]; } bf = {
        { 2, 0 }, { { 1, 1 }, { 4711, 1 } } };
    struct fuse_lseek_out lo;
    struct fuse_write_out wo;
    struct fuse_attr_out ao;
    struct fuse_open_out oo;
    struct fuse_entry_out o;

    tap_is(CALL(FUSE_CREATE, 1, a, PART(cr), STR("rest")), 0, "CREATE");
    fa.fh = ls.fh = cp.fh_in = fy.fh = fl.fh = sa.fh = a.f.fh;
    tap_is(CALL(FUSE_FALLOCATE, a.e.nodeid, none, PART(fa)), 0, "FALLOCATE");
    tap_is(CALL(FUSE_LSEEK, a.e.nodeid, lo, PART(ls)), 0, "LSEEK");
    ls.whence = SEEK_SET;
    tap_is(CALL(FUSE_LSEEK, a.e.nodeid, lo, PART(ls)), -EINVAL, "... for data and holes only");
    tap_is(CALL(FUSE_FSYNC, a.e.nodeid, none, PART(fy)), 0, "FSYNC");
    fy.fsync_flags = FUSE_FSYNC_FDATASYNC;
    tap_is(CALL(FUSE_FSYNC, a.e.nodeid, none, PART(fy)), 0, "FSYNC of data");
    tap_is(CALL(FUSE_FLUSH, a.e.nodeid, none, PART(fl)), 0, "FLUSH");
    tap_is(CALL(FUSE_TMPFILE, 1, t, PART(cr), STR("")), 0, "TMPFILE");
    cp.fh_out = t.f.fh;
    tap_is(CALL(FUSE_COPY_FILE_RANGE, a.e.nodeid, wo, PART(cp)), 0, "COPY_FILE_RANGE");
    tap_is(wo.size, 100, "all of it");
    ln.oldnodeid = t.e.nodeid;
    tap_is(CALL(FUSE_LINK, 1, o, PART(ln), STR("named")), 0, "LINK of a nameless file");
    tap_is(CALL(FUSE_RENAME, 1, none, PART(rn), STR("named"), STR("renamed")), 0, "RENAME");
    tap_is(CALL(FUSE_SETATTR, a.e.nodeid, ao, PART(sa)), 0, "SETATTR through a handle");
    tap_is(ao.attr.size, 5, "the new size");
    tap_is(CALL(FUSE_OPEN, a.e.nodeid, oo, PART(op)), 0, "OPEN with O_TRUNC");
    tap_is(CALL(FUSE_GETATTR, a.e.nodeid, ao, PART(((struct fuse_getattr_in){ 1, 0, oo.fh }))),
           0, "GETATTR through a handle");
    tap_is(ao.attr.size, 0, "is empty");
    tap_is(CALL(FUSE_ACCESS, 1, none, PART(((struct fuse_access_in){ 0, 0 }))), -ENOSYS,
           "ACCESS is the guest's own business");
    memcpy(g.mem + guest_buf(), &(struct fuse_in_header){ .len = 40 + sizeof(bf),
           .opcode = FUSE_BATCH_FORGET }, 40);
    memcpy(g.mem + guest_buf() + 40, &bf, sizeof(bf));
    guest_offer(&g, DEV_FS, 0, 0, guest_buf(), 40 + sizeof(bf), 0, 0);
    tap_is(guest_used_wait(&g, DEV_FS, 0, 1000), 0, "BATCH_FORGET");
    tap_is(CALL(FUSE_OPENDIR, 1, oo, PART(op)), 0, "OPENDIR");
    fy.fh = oo.fh;
    tap_is(CALL(FUSE_FSYNCDIR, 1, none, PART(fy)), 0, "FSYNCDIR");
    tap_is(CALL(FUSE_READ, 1, none, PART(((struct fuse_read_in){ .fh = oo.fh, .size = 9 }))),
           -EBADF, "a directory isn't read as a file");
}

/* The real binary's confinement as the host kernel sees it. */
static void test_jail(bool root_user)
{
    char line[256];
    bool seccomp = false, nnp = false, caps = false;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/status", g.pid);
    f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f)) {
        seccomp |= !strcmp(line, "Seccomp:\t2\n");
        nnp |= !strcmp(line, "NoNewPrivs:\t1\n");
        caps |= !strcmp(line, root_user ? "CapPrm:\t000000008800001b\n"
                                        : "CapPrm:\t0000000000000000\n");
    }
    if (f)
        fclose(f);
    tap_ok(seccomp && nnp, "a filter and no new privileges");
    tap_ok(caps, "only the capabilities of a file server");
}

static void test_unprivileged(void)
{
    struct guest_host h = { .root = root, .con = { { -1, -1 }, { -1, -1 } }, .exec = true,
                            .nobody = true };
    struct fuse_create_in cr = { .flags = O_RDWR, .mode = S_IFREG | 0600 };
    struct { struct fuse_entry_out e; struct fuse_open_out f; } c;
    struct fuse_entry_out o;

    strcpy(root, "/tmp/dev_fs_XXXXXX");
    if (!mkdtemp(root) || chown(root, 65534, 65534) < 0)
        return;
    guest_init(&g, &h);
    guest_start(&g, &h);
    test_init();
    tap_is(CALL(FUSE_CREATE, 1, c, PART(cr), STR("mine")), 0, "CREATE without privileges");
    tap_is(c.e.attr.uid, 65534, "it is the server's own");
    tap_is(lookup(1, "mine", &o), 0, "LOOKUP");
    tap_is(CALL(FUSE_RENAME, 1, none, { &(uint64_t){ 1 }, 8 }, STR("mine"), STR("m2")), 0,
           "RENAME");
    test_jail(false);
    guest_stop(&g);
    snprintf(path, sizeof(path), "rm -rf %s", root);
    tap_is(system(path), 0, "clean up");
}

static void test_malformed(void)
{
    static const uint32_t lens[] = { 0, 1, 39, 41, 1 << 30 };
    struct fuse_in_header h = { .opcode = FUSE_GETATTR, .nodeid = 1 };
    struct fuse_entry_out o;

    for (unsigned i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        struct fuse_out_header oh;

        h.len = lens[i];
        memcpy(g.mem + guest_buf(), &h, sizeof(h));
        guest_offer(&g, DEV_FS, 1, 0, guest_buf(), 48, 0x200000, 256);
        guest_used_wait(&g, DEV_FS, 1, 1000);
        memcpy(&oh, g.mem + 0x200000, sizeof(oh));
        tap_is(oh.error, -EINVAL, "a length of %u", lens[i]);
    }
    tap_is(CALL(FUSE_LOOKUP, 1, o, { "abc", 3 }), -EINVAL, "a name without its end");
    tap_is(CALL(999, 1, o), -ENOSYS, "an unknown request");
    guest_offer(&g, DEV_FS, 1, 0, guest_buf(), 48, 0x200000, 8);
    tap_is(guest_used_wait(&g, DEV_FS, 1, 1000), 0, "no room for a reply");
    guest_offer(&g, DEV_FS, 1, 0, guest_buf(), 48, G_MEM, 8);
    for (int i = 0; i < 1000 && !(g.boot->dev[DEV_FS].status & 64); i++)
        usleep(1000);
    tap_ok(g.boot->dev[DEV_FS].status & 64, "a bad descriptor breaks the device");
    tap_is(waitpid(g.pid, NULL, WNOHANG), 0, "xenc-dev lives on");
    g.boot->dev[DEV_FS].status = 0;
    guest_ring(&g, DEV_FS);
    usleep(50000);
    guest_queue(&g, DEV_FS, 0);
    guest_queue(&g, DEV_FS, 1);
    guest_driver_ok(&g, DEV_FS);
    tap_is(lookup(1, "hello", &o), 0, "and serves again after a reset");
}

static void run(bool exec)
{
    struct guest_host h = { .root = root, .share = { "", "" }, .share_ro = { true },
                            .con = { { -1, -1 }, { -1, -1 } }, .exec = exec };
    char share[80], file[80];

    strcpy(root, "/tmp/dev_fs_XXXXXX");
    if (!mkdtemp(root))
        return;
    mkdir(in_root("share"), 0755);
    put_file("share/ro", "x");
    put_file("file", "y");
    snprintf(share, sizeof(share), "%s/share", root);
    snprintf(file, sizeof(file), "%s/file", root);
    h.share[0] = share;
    h.share[1] = file;
    printf("# %s\n", exec ? "the binary in its jail" : "a sanitized fork");
    guest_init(&g, &h);
    guest_start(&g, &h);
    test_init();
    test_lookup();
    test_forget();
    test_write_read();
    test_names();
    test_attr();
    test_readdir();
    test_grant();
    test_granted_create();
    test_granted_lookup();
    test_shares();
    test_rest();
    if (exec)
        test_jail(true);
    test_malformed();
    guest_stop(&g);
    snprintf(path, sizeof(path), "rm -rf %s", root);
    tap_is(system(path), 0, "clean up");
}

int main(void)
{
    if (geteuid() != 0) {
        tap_skip("must be root to change owners", "file system device");
        return tap_end();
    }
    umask(0);
    run(false);
    run(true);
    test_unprivileged();
    return tap_end();
}
