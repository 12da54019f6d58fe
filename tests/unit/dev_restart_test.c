// uses: hv/dev/[!m]*.c base/err.c tests/unit/dev_guest.c
/* Workers of a driver domain killed at random moments of file requests: each request has
 * the one right result, and at the end nothing is left open. DEV_KILLS: how many kills. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dev_guest.h"
#include "tap.h"

static struct guest g;
static int bad;                 /* results that were not the expected ones */

/* In memory that the killer shares. */
static struct { unsigned kills, wanted; bool over; } *shared;

/* -- the killer, a process -- */

static pid_t worker(void)
{
    char path[64], text[32] = "";
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", g.pid, g.pid);
    f = fopen(path, "re");
    if (!f)
        return 0;
    if (!fgets(text, sizeof(text), f))
        text[0] = 0;
    fclose(f);
    return atoi(text);
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void spin(uint64_t ns)
{
    uint64_t end = now_ns() + ns;

    while (now_ns() < end)
        ;
}

/* A request is answered between two kills, or xenc-dev rightly gives up; every eighth
 * time a second kill hits the start of the next worker. */
static void kill_workers(unsigned seed)
{
    volatile uint16_t *used = guest_used(&g, DEV_FS, 1);
    const struct timespec nap = { 0, 50000 };

    while (shared->kills < shared->wanted && !shared->over) {
        uint16_t seen = used[1];
        pid_t pid;

        while (used[1] == seen && !shared->over)
            nanosleep(&nap, NULL);
        spin((uint64_t)rand_r(&seed) % 150000);
        for (int i = rand_r(&seed) % 8 == 0; i >= 0; i--) {
            pid = worker();
            if (pid > 0 && kill(pid, SIGKILL) == 0)
                shared->kills++;
            if (i)
                spin((uint64_t)rand_r(&seed) % 1500000);
        }
    }
}

/* -- requests -- */

static int ask(uint32_t op, uint64_t node, const void *a, size_t an, const void *b, size_t bn,
               void *out, size_t room)
{
    struct part p[] = { { a, an }, { b, bn } };

    return guest_fuse(&g, op, node, p, 2, out, room, NULL);
}

static void expect(int got, int want, const char *what)
{
    if (got == want)
        return;
    printf("# %s: %d, not %d\n", what, got, want);
    bad++;
}

static uint64_t entry(uint32_t op, uint64_t dir, const void *a, size_t an, const char *names,
                      size_t n, int want)
{
    struct fuse_entry_out o = { 0 };
    char what[64];

    snprintf(what, sizeof(what), "operation %u on %.20s", op, names);
    expect(ask(op, dir, a, an, names, n, &o, sizeof(o)), want, what);
    if (want == 0 && op != FUSE_LOOKUP)
        expect((int)o.attr.uid, 1000, "its owner");
    return o.nodeid;
}

static uint64_t create(uint64_t dir, const char *name, int flags, int want, uint64_t *fh)
{
    struct { struct fuse_entry_out e; struct fuse_open_out f; } o = { 0 };
    struct fuse_create_in in = { .flags = (uint32_t)flags, .mode = S_IFREG | 04755 };

    expect(ask(FUSE_CREATE, dir, &in, sizeof(in), name, strlen(name) + 1, &o, sizeof(o)), want,
           "create");
    if (want == 0)
        expect((int)(o.e.attr.mode & 07777), 04755, "its mode");
    *fh = o.f.fh;
    return o.e.nodeid;
}

static void put(uint64_t node, uint64_t fh, uint64_t at, const char *text)
{
    struct fuse_write_in in = { .fh = fh, .offset = at, .size = (uint32_t)strlen(text) };
    struct fuse_write_out o = { 0 };

    expect(ask(FUSE_WRITE, node, &in, sizeof(in), text, strlen(text), &o, sizeof(o)), 0, "write");
    expect((int)o.size, (int)strlen(text), "bytes written");
}

static void size_is(uint64_t node, int want, uint64_t ino)
{
    struct fuse_getattr_in in = { 0 };
    struct fuse_attr_out o = { 0 };

    expect(ask(FUSE_GETATTR, node, &in, sizeof(in), NULL, 0, &o, sizeof(o)), 0, "getattr");
    expect((int)o.attr.size, want, "size");
    expect(!ino || o.attr.ino == ino, 1, "inode");
}

static void release(uint64_t node, uint64_t fh, uint32_t op)
{
    struct fuse_release_in in = { .fh = fh };

    expect(ask(op, node, &in, sizeof(in), NULL, 0, NULL, 0), 0, "release");
}

static void forget(uint64_t node, uint64_t count);

/* A file made with a grant, of which a worker that died may have sent one too many. */
static void create_granted(uint64_t dir)
{
    struct { struct fuse_entry_out e; struct fuse_open_out f; struct xenc_grant_out g; } o = { 0 };
    struct fuse_create_in in = { .flags = O_RDWR | O_CREAT | O_EXCL, .mode = S_IFREG | 0600 };
    uint64_t cookie = 0;
    int fd, got = -1;

    expect(ask(XENC_FUSE_CREATE, dir, &in, sizeof(in), "g", 2, &o, sizeof(o)), 0, "create");
    while (got < 0 && (fd = guest_receive(&g, &cookie)) >= 0) {
        if (cookie == o.g.cookie)
            got = fd;
        else
            close(fd);
    }
    expect((int)pwrite(got, "given", 5, 0), 5, "written through the grant");
    close(got);
    size_is(o.e.nodeid, 5, 0);
    release(o.e.nodeid, o.f.fh, FUSE_RELEASE);
    expect(ask(FUSE_UNLINK, dir, "g", 2, NULL, 0, NULL, 0), 0, "unlink g");
    forget(o.e.nodeid, 1);
}

static void forget(uint64_t node, uint64_t count)
{
    struct fuse_in_header h = { .len = sizeof(h) + 8, .opcode = FUSE_FORGET, .nodeid = node };

    memcpy(g.mem + guest_buf(), &h, sizeof(h));
    memcpy(g.mem + guest_buf() + sizeof(h), &count, sizeof(count));
    guest_offer(&g, DEV_FS, 0, 0, guest_buf(), h.len, 0, 0);
    expect((int)guest_used_wait(&g, DEV_FS, 0, 5000), 0, "forget");
}

static void move(uint64_t dir, const char *names, size_t n, uint32_t flags)
{
    struct fuse_rename2_in in = { .newdir = dir, .flags = flags };

    expect(ask(FUSE_RENAME2, dir, &in, sizeof(in), names, n, NULL, 0), 0, "rename");
}

static int entries(uint64_t dir)
{
    struct fuse_open_in in = { 0 };
    struct fuse_open_out o = { 0 };
    struct fuse_read_in rd = { .size = 4096 };
    static uint8_t out[4096];
    struct part p = { &rd, sizeof(rd) };
    size_t len = 0;
    int n = 0;

    expect(ask(FUSE_OPENDIR, dir, &in, sizeof(in), NULL, 0, &o, sizeof(o)), 0, "opendir");
    rd.fh = o.fh;
    for (;;) {
        expect(guest_fuse(&g, FUSE_READDIR, dir, &p, 1, out, sizeof(out), &len), 0, "readdir");
        for (size_t at = 0; at < len; n++) {
            const struct fuse_dirent *d = (void *)(out + at);

            rd.offset = d->off;
            at += FUSE_DIRENT_SIZE(d);
        }
        if (!len || bad)
            break;
    }
    release(dir, o.fh, FUSE_RELEASEDIR);
    return n;
}

/* Everything that can't simply be done twice, in a directory of its own. */
static void round_of_requests(void)
{
    const struct fuse_mkdir_in md = { .mode = 0755 };
    const struct fuse_mknod_in mk = { .mode = S_IFREG | 0600 };
    struct fuse_link_in ln = { 0 };
    uint64_t d, f, k, fh, none;

    d = entry(FUSE_MKDIR, 1, &md, sizeof(md), "dir", 4, 0);
    f = create(d, "f", O_RDWR | O_APPEND | O_EXCL, 0, &fh);
    put(f, fh, 0, "some");
    put(f, fh, 4, " text");
    size_is(f, 9, 0);
    entry(FUSE_MKDIR, 1, &md, sizeof(md), "dir", 4, -EEXIST);
    create(d, "f", O_RDWR | O_EXCL, -EEXIST, &none);
    create_granted(d);
    k = entry(FUSE_MKNOD, d, &mk, sizeof(mk), "k", 2, 0);
    ln.oldnodeid = f;
    entry(FUSE_LINK, d, &ln, sizeof(ln), "a name too long to stand in the node", 37, 0);
    move(d, "a name too long to stand in the node\0h", 39, 0);
    move(d, "h\0k", 4, RENAME_EXCHANGE);
    expect(entry(FUSE_LOOKUP, d, NULL, 0, "k", 2, 0) == f, 1, "what k is");
    expect(entry(FUSE_LOOKUP, d, NULL, 0, "h", 2, 0) == k, 1, "what h is");
    none = entry(FUSE_SYMLINK, d, "s\0target", 9, "", 0, 0);
    expect(entries(d), 6, "entries");
    forget(none, 1);
    expect(ask(FUSE_UNLINK, d, "s", 2, NULL, 0, NULL, 0), 0, "unlink s");
    expect(ask(FUSE_UNLINK, d, "k", 2, NULL, 0, NULL, 0), 0, "unlink k");
    expect(ask(FUSE_UNLINK, d, "h", 2, NULL, 0, NULL, 0), 0, "unlink h");
    expect(ask(FUSE_UNLINK, d, "f", 2, NULL, 0, NULL, 0), 0, "unlink f");
    size_is(f, 9, 0);           /* by its descriptor alone */
    release(f, fh, FUSE_RELEASE);
    expect(ask(FUSE_RMDIR, 1, "dir", 4, NULL, 0, NULL, 0), 0, "rmdir");
    forget(f, 3);
    forget(k, 2);
    forget(d, 1);
}

static int open_files(void)
{
    char path[64];
    struct dirent *e;
    DIR *d;
    int n = 0;

    snprintf(path, sizeof(path), "/proc/%d/fd", g.pid);
    d = opendir(path);
    while (d && (e = readdir(d)))
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

static void test_kills(unsigned wanted)
{
    int before, rounds = 0;
    pid_t killer;

    /* What the test itself left open goes with the first one. */
    kill(worker(), SIGKILL);
    round_of_requests();
    before = open_files();
    shared->wanted = wanted;
    killer = fork();
    if (killer == 0) {
        kill_workers(getenv("DEV_SEED") ? (unsigned)atoi(getenv("DEV_SEED")) : (unsigned)now_ns());
        _exit(0);
    }
    while (shared->kills < wanted && !bad) {
        round_of_requests();
        rounds++;
    }
    shared->over = true;
    waitpid(killer, NULL, 0);
    round_of_requests();
    printf("# %u kills in %d rounds\n", shared->kills, rounds);
    tap_is(bad, 0, "each request had its one right result");
    tap_is(open_files(), before, "and nothing is left open");
}

/* A worker that dies at the same request again and again is not replaced for ever. */
static void test_stuck(void)
{
    const struct timespec nap = { 0, 1000000 };
    pid_t last = 0, pid;
    int status = 0, deaths = 0;

    for (int i = 0; i < 5000 && waitpid(g.pid, &status, WNOHANG) == 0; i++) {
        pid = worker();
        if (pid > 0 && pid != last && kill(pid, SIGSEGV) == 0) {
            last = pid;
            deaths++;
        }
        nanosleep(&nap, NULL);
    }
    g.pid = 0;
    printf("# %d crashes\n", deaths);
    tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 1, "many crashes end the driver domain");
    tap_ok(deaths >= 5 && deaths <= 20, "after more than a few");
}

int main(void)
{
    char dir[] = "/tmp/dev_restart_XXXXXX", cmd[64];
    unsigned kills = getenv("DEV_KILLS") ? (unsigned)atoi(getenv("DEV_KILLS")) : 2000;
    struct guest_host h = { .root = dir, .con = { { -1, -1 }, { -1, -1 } }, .exec = true };

    if (geteuid() != 0) {
        tap_skip("must be root to give files to others", "kills");
        return tap_end();
    }
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!mkdtemp(dir) || shared == MAP_FAILED)
        return 1;
    chmod(dir, 0777);
    guest_init(&g, &h);
    guest_start(&g, &h);
    g.uid = g.gid = 1000;
    struct fuse_init_in in = { .major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION };
    struct fuse_init_out out;
    tap_is(ask(FUSE_INIT, 0, &in, sizeof(in), NULL, 0, &out, sizeof(out)), 0, "INIT");
    test_kills(kills);
    test_stuck();
    guest_stop(&g);
    snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
    return tap_end() | (system(cmd) != 0);
}
