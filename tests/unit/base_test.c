// uses: base/*.c
/* The host's helpers. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "abi/record.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/proc.h"
#include "tap.h"

static void errors(void)
{
    struct err e;
    char big[3000];

    tap_is(err_set(&e, ENOENT, "a %d", 5), -ENOENT, "err_set");
    tap_is(err_add(&e, "b"), -ENOENT, "err_add keeps the code");
    tap_ok(!strcmp(e.text, "b: a 5"), "context is in front");
    err_sys(&e, EPERM, "x\ny\033");
    tap_ok(!strcmp(e.text, "x?y?: Operation not permitted"), "one line");
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = 0;
    err_set(&e, EIO, "%s", big);
    err_add(&e, "%s", big);
    tap_is(strlen(e.text), sizeof(e.text) - 1, "long texts are cut");
}

static void logging(void)
{
    char *text = NULL;
    struct err e;
    int fd = memfd_create("log", MFD_CLOEXEC);

    log_to_fd(fd, true, LOG_WARN);
    log_info("no");
    log_error("a \"b\"\n\\ \001");
    log_to_fd(fd, false, LOG_DEBUG);
    log_debug("x=%d", 4);
    lseek(fd, 0, SEEK_SET);
    read_fd(fd, 4096, &text, NULL, &e);
    static const char want[] = "{\"level\":\"error\",\"msg\":\"a \\\"b\\\"\\n\\\\ \\u0001\","
                               "\"time\":\"2";
    tap_ok(text && strstr(text, want) == text, "JSON line");
    tap_ok(text && !strstr(text, "no\"") && strstr(text, "level=debug msg=\"x=4\"\n"), "text line");
    free(text);
    log_to_fd(2, false, LOG_INFO);
    close(fd);
}

static void buffers(void)
{
    struct buf b = { 0 };
    struct arena a = { 0 };

    buf_put_tlv_str(&b, 7, "abc");
    buf_put_tlv_u32(&b, 8, 9);
    size_t mark = buf_tlv_begin(&b, 10);
    buf_putz(&b, "12345678");
    buf_putz(&b, NULL);
    buf_tlv_end(&b, mark);
    struct xenc_tlv t;
    memcpy(&t, b.data, sizeof(t));
    tap_ok(t.tag == 7 && t.len == 4 && !memcmp(b.data + 8, "abc\0\0\0\0\0", 8), "tagged string");
    memcpy(&t, b.data + 16, sizeof(t));
    tap_ok(t.tag == 8 && t.len == 4 && b.data[24] == 9, "tagged number");
    memcpy(&t, b.data + 32, sizeof(t));
    tap_ok(t.tag == 10 && t.len == 10 && b.len == 56, "tagged parts");
    buf_extend(&b, SIZE_MAX / 2);
    tap_ok(b.failed && !buf_cstr(&b), "failure sticks");
    buf_dispose(&b);
    for (int i = 0; i < 5000; i++)
        buf_printf(&b, "%d,", i);
    tap_ok(strlen(buf_cstr(&b)) == b.len && !b.failed, "text grows");
    buf_dispose(&b);
    char *big = arena_alloc(&a, 100000), *s = arena_strdup(&a, "s");
    tap_ok(big && s && big[99999] == 0 && !strcmp(s, "s"), "arena");
    tap_ok(!arena_array(&a, SIZE_MAX / 4, 8), "arena refuses overflow");
    arena_dispose(&a);
}

static char dir[] = "/tmp/xenc-base-XXXXXX";

static void paths(int root, const char *how)
{
    static const struct { const char *path; int in_root, beneath; } cases[] = {
        { "f", 0, 0 }, { "d/../f", 0, 0 }, { "../f", 0, -EXDEV }, { "/f", 0, -EXDEV },
        { "up/f", 0, -EXDEV }, { "abs/f", 0, -EXDEV }, { "in/x", 0, 0 }, { "loop", -ELOOP, -ELOOP },
        { "d/", 0, 0 }, { ".", 0, 0 }, { "..", 0, -EXDEV }, { "f/x", -ENOTDIR, -ENOTDIR },
        { "none", -ENOENT, -ENOENT }, { "out/secret", -ENOENT, -EXDEV }, { "", -ENOENT, -ENOENT },
        { "chain/x", 0, 0 }, { "d/back/f", 0, 0 },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int a = open_in_root(root, cases[i].path, O_RDONLY, 0);
        int b = open_beneath(root, cases[i].path, O_RDONLY, 0);
        tap_is(a < 0 ? a : 0, cases[i].in_root, "%s: in root \"%s\"", how, cases[i].path);
        tap_is(b < 0 ? b : 0, cases[i].beneath, "%s: beneath \"%s\"", how, cases[i].path);
        if (a >= 0)
            close(a);
        if (b >= 0)
            close(b);
    }
    int fd = mkdirs_in_root(root, "up/new/../new/deep", 0755);
    tap_ok(fd >= 0 && faccessat(root, "new/deep", F_OK, 0) == 0, "%s: folders are made", how);
    if (fd >= 0)
        close(fd);
    tap_is(mkdirs_in_root(root, "f/x", 0755), -ENOTDIR, "%s: not in a file", how);
    fd = open_in_root(root, "made", O_CREAT | O_EXCL | O_WRONLY, 0600);
    tap_ok(fd >= 0, "%s: file is made", how);
    if (fd >= 0)
        close(fd);
    tap_is(open_in_root(root, "made", O_CREAT | O_EXCL | O_WRONLY, 0600), -EEXIST, "%s: once", how);
    tap_is(open_child(root, "in", O_RDONLY, 0), -ELOOP, "%s: child is no link", how);
    tap_is(open_child(root, "d/x", O_RDONLY, 0), -EXDEV, "%s: child is one name", how);
    tap_is(remove_tree_at(root, "new"), 0, "%s: removed", how);
    unlinkat(root, "made", 0);
}

static bool hide_openat2(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog prog = { .len = 4, .filter = code };

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0;
}

static void make_world(int top)
{
    struct err e;

    mkdirat(top, "root", 0755);
    mkdirat(top, "root/d", 0755);
    write_file_at(top, "secret", "s", 1, 0644, &e);
    write_file_at(top, "root/f", "f", 1, 0644, &e);
    write_file_at(top, "root/d/x", "x", 1, 0644, &e);
    symlinkat("..", top, "root/up");
    symlinkat("/", top, "root/abs");
    symlinkat("d", top, "root/in");
    symlinkat("loop", top, "root/loop");
    symlinkat("../../../../tmp", top, "root/out");
    symlinkat("in/../in/.", top, "root/chain");
    symlinkat("..", top, "root/d/back");
}

/* Deeper than there may be descriptors. */
static void deep_tree(int top)
{
    struct rlimit few = { 128, 128 };
    int fd = dup(top);

    setrlimit(RLIMIT_NOFILE, &few);
    for (int i = 0; i < 1500 && fd >= 0; i++) {
        mkdirat(fd, "deep", 0755);
        int next = openat(fd, "deep", O_RDONLY | O_DIRECTORY);
        close(fd);
        fd = next;
    }
    tap_ok(fd >= 0, "a tree of 1500 levels");
    close(fd);
    tap_is(remove_tree_at(top, "deep"), 0, "is removed with 128 descriptors");
}

static void processes(void)
{
    const char *const hello[] = { "sh", "-c", "read x; echo $x >&2; exit 7", NULL };
    const char *const sleeper[] = { "sleep", "30", NULL };
    struct proc_spec p = { .path = "/bin/sh", .argv = hello, .cwd_fd = -1,
                           .stdio = { -1, -1, -1 } };
    struct err e = { 0 };
    char text[16] = "";
    int in[2], out[2], status = 0;
    pid_t pid;

    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
        return;
    p.stdio[0] = in[0];
    p.stdio[2] = out[1];
    tap_is(proc_spawn(&p, &pid, &e), 0, "a child is started");
    write_all(in[1], "hi\n", 3);
    tap_is(proc_wait(pid, 5000, &status, &e), 0, "and awaited");
    tap_is(proc_exit_code(status), 7, "its exit status");
    tap_ok(read(out[0], text, 15) == 3 && !strcmp(text, "hi\n"), "its descriptors");
    p.path = "/nonexistent";
    tap_is(proc_spawn(&p, &pid, &e), -ENOENT, "a missing program is an error");
    tap_is(waitpid(-1, NULL, WNOHANG), -1, "and leaves no child");
    p = (struct proc_spec){ .path = "/bin/sleep", .argv = sleeper, .cwd_fd = -1,
                            .stdio = { -1, -1, -1 } };
    tap_is(proc_spawn(&p, &pid, &e), 0, "a slow child");
    tap_is(proc_wait(pid, 50, &status, &e), -ETIMEDOUT, "is ended");
    tap_is(proc_exit_code(status), 128 + SIGKILL, "by a signal");
}

int main(void)
{
    errors();
    logging();
    buffers();
    processes();
    if (!mkdtemp(dir))
        return 99;
    int top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    make_world(top);
    int root = openat(top, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    paths(root, "openat2");
    if (hide_openat2())
        paths(root, "walking");
    else
        tap_skip("no seccomp here", "without openat2");
    close(root);
    deep_tree(top);
    close(top);
    tap_is(remove_tree_at(AT_FDCWD, dir), 0, "clean up");
    return tap_end();
}
