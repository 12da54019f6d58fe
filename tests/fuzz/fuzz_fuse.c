// uses: hv/dev/fs*.c hv/dev/queue.c hv/dev/bell.c hv/dev/log.c base/err.c
/* FUSE requests as a hostile guest sends them, to the handler on a scratch directory.
 * The input is a stream of records: opcode, node, flags, then the body's bytes. */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hv/dev/fs_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char scratch[] = "/tmp/fuzz_fuse_XXXXXX";
static struct fs_tree trees[3];
static int grants[2];           /* ours, the server's */
static int cwd, proc_fd;

static int rm(const char *path, const struct stat *st, int type, struct FTW *f)
{
    return f->level ? remove(path) : 0;
}

static void empty(void)
{
    nftw(scratch, rm, 16, FTW_DEPTH | FTW_PHYS);
}

static void finish(void)
{
    empty();
    rmdir(scratch);
}

static void populate(void)
{
    static const char *const names[] = { "a", "b", "d/c" };
    int fd;

    mkdirat(trees[0].fd, "d", 0755);
    for (unsigned i = 0; i < 3; i++) {
        fd = openat(trees[0].fd, names[i], O_CREAT | O_WRONLY, 0644);
        if (fd >= 0 && write(fd, "some text", 9) < 0)
            abort();
        close(fd);
    }
    symlinkat("a", trees[0].fd, "l");
}

static void start(void)
{
    const struct rlimit size = { 1 << 20, 1 << 20 }, files = { 512, 512 };

    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &size);
    setrlimit(RLIMIT_NOFILE, &files);
    cwd = open(".", O_PATH | O_CLOEXEC);
    proc_fd = open("/proc/self/fd", O_PATH | O_CLOEXEC);
    if (!mkdtemp(scratch) || proc_fd < 0)
        abort();
    atexit(finish);
    trees[0].fd = open(scratch, O_PATH | O_DIRECTORY | O_CLOEXEC);
    populate();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, grants) < 0)
        abort();
    trees[1] = (struct fs_tree){ openat(trees[0].fd, "d", O_PATH | O_CLOEXEC), true };
    trees[2] = (struct fs_tree){ openat(trees[0].fd, "a", O_PATH | O_CLOEXEC), false };
}

/* Puts names of the scratch directory where the request has its names, so that not all
 * of them miss. Returns the body's new length. */
static size_t put_names(uint32_t op, uint8_t *body, size_t len, unsigned which)
{
    static const uint8_t fixed[FUSE_TMPFILE + 1] = {
        [FUSE_MKNOD] = 16, [FUSE_MKDIR] = 8, [FUSE_RENAME] = 8, [FUSE_LINK] = 8,
        [FUSE_CREATE] = 16, [FUSE_RENAME2] = 16, [FUSE_TMPFILE] = 16, [FUSE_SETXATTR] = 8,
        [FUSE_GETXATTR] = 8,
    };
    static const char *const names[] = { "a", "b", "d", "c", "l", "new", "0", "user.x" };
    size_t at = fixed[op <= FUSE_TMPFILE ? op : op == XENC_FUSE_CREATE ? FUSE_CREATE : 0];

    if (len < at)
        memset(body + len, 0, at - len);
    for (int i = 0; i < 2; i++, which >>= 3) {
        strcpy((char *)body + at, names[which % 8]);
        at += strlen(names[which % 8]) + 1;
    }
    return at > len ? at : len;
}

/* One request from `data`; returns the bytes used. */
static size_t request(struct fs *fs, const uint8_t *data, size_t size)
{
    static uint8_t msg[512], out[70000];
    struct fuse_in_header h = { .opcode = data[0] % 56, .unique = 1,
                                .nodeid = data[1] & 1 ? 1 : data[1] / 2 % 16,
                                .uid = data[2] & 1 ? 1000 : 0 };
    size_t body = data[3] % 120, used;
    struct iovec in[3], to[2];

    if (body > size - 4)
        body = size - 4;
    if (data[0] >= 250)
        h.opcode = XENC_FUSE_GRANT;
    else if (data[0] >= 244)
        h.opcode = XENC_FUSE_CREATE;
    else if (data[0] >= 238)
        h.opcode = XENC_FUSE_LOOKUP;
    memcpy(msg + sizeof(h), data + 4, body);
    used = 4 + body;
    if (data[3] & 0x80)
        body = put_names(h.opcode, msg + sizeof(h), body, data[4 + (body ? body - 1 : 0)]);
    h.len = (uint32_t)(sizeof(h) + body);
    if ((data[2] & 0xf0) == 0xf0)
        h.len += data[3];
    memcpy(msg, &h, sizeof(h));
    if (h.opcode == XENC_FUSE_CREATE && data[2] & 16)   /* as it must be */
        memcpy(msg + sizeof(h), &(uint32_t){ O_RDWR | O_CREAT | O_EXCL }, 4);
    /* Not the disk's size: that is fallocate's own affair. */
    if (h.opcode == FUSE_FALLOCATE && body >= 24)
        memset(msg + sizeof(h) + 8 + 3, 0, 5), memset(msg + sizeof(h) + 16 + 3, 0, 5);
    in[0] = (struct iovec){ msg, 20 };
    in[1] = (struct iovec){ msg + 20, 20 };
    in[2] = (struct iovec){ msg + 40, body };
    to[0] = (struct iovec){ out, data[2] & 4 ? 16 : 30 };
    to[1] = (struct iovec){ out + 100, data[2] & 2 ? sizeof(out) - 100 : 300 };
    fs_handle(fs, in, 3, to, data[2] & 8 ? 1 : 2);
    if (h.opcode >= XENC_FUSE_GRANT)    /* without room for them, descriptors are closed */
        recv(grants[0], out, sizeof(out), MSG_DONTWAIT);
    return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned runs;
    struct err e;
    struct fs *fs;

    if (!trees[0].fd)
        start();
    else if (++runs % 64 == 0)
        empty(), populate();
    /* The server's working directory, only while it runs: files are named to us, too. */
    if (fchdir(proc_fd) < 0)
        abort();
    fs = fs_new(trees, 3, grants[1], NULL, &e);
    if (!fs)
        abort();
    while (size > 4) {
        size_t used = request(fs, data, size);

        data += used;
        size -= used;
    }
    fs_free(fs);
    return fchdir(cwd) < 0 ? -1 : 0;
}
