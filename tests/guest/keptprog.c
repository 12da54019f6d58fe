/* A program that has just ended: its file can be written to and its file system unmounted
 * at once, and its next run finds nothing of the last one. */
#include "say.h"
#include <sys/mman.h>
#include <sys/mount.h>

#define LOW  ((char *)0x20000000)
#define HIGH ((char *)0x123456780000)
#define LEN  65536

static char zeros[16384];
static int data = 7;

static int absent(char *p)
{
    return msync(p, 4096, MS_ASYNC) < 0 && errno == ENOMEM;
}

static int take(char *p)
{
    char *got = mmap(p, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (got != p || got[0] || got[LEN - 1]) return 0;
    memset(got, 1, LEN);
    return 1;
}

/* 0: all was as in a first run. Leaves everything else behind that it can. */
static int child(void)
{
    int bad = data != 7;
    for (size_t i = 0; i < sizeof zeros; i++) bad |= zeros[i] != 0;
    if (bad) return 1;
    if (!absent(LOW) || !absent(HIGH)) return 2;
    data = 8;
    memset(zeros, 3, sizeof zeros);
    return take(LOW) && take(HIGH) ? 0 : 3;
}

static int run(const char *prog, char *arg)
{
    char *argv[] = { "p", arg, NULL };
    pid_t p = vfork();
    int st = -1;
    if (p == 0) {
        execv(prog, argv);
        _exit(127);
    }
    waitpid(p, &st, 0);
    return st;
}

static void copy_self(const char *to, const char *end)
{
    static char buf[1 << 16];
    int in = open("/proc/self/exe", O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    ssize_t n;
    while ((n = read(in, buf, sizeof buf)) > 0)
        if (write(out, buf, n) != n) exit(9);
    if (write(out, end, strlen(end)) < 0) exit(9);
    close(in), close(out);
}

static int tries(const char *prog, int (*then)(void))
{
    int failed = 0;
    for (int i = 0; i < 20; i++) {
        failed += run(prog, "child") != 0;
        failed += then() != 0;
    }
    return failed;
}

static int write_it(void)
{
    int fd = open("d/p", O_RDWR);
    if (fd < 0) return -1;
    close(fd);
    return truncate("d/p", lseek(open("d/p", O_RDONLY), 0, SEEK_END));
}

static int unmount_it(void)
{
    return umount("m") < 0 ? -1 : mount("d", "m", NULL, MS_BIND, NULL);
}

static int nothing(void) { return 0; }

int main(int argc, char **argv)
{
    if (argc > 1) return strcmp(argv[1], "sleep") ? child() : (pause(), 0);
    say("runs of itself", tries("/proc/self/exe", nothing));
    did("mkdir", mkdir("d", 0755));
    did("mkdir", mkdir("m", 0755));
    copy_self("d/p", "");
    did("bind", mount("d", "m", NULL, MS_BIND, NULL));
    say("then unmounted", tries("m/p", unmount_it));
    say("then written to", tries("d/p", write_it));
    pid_t p = fork();
    if (!p) execl("m/p", "p", "sleep", NULL), _exit(127);
    await_sleep(p);
    say("while it runs, written to", open("d/p", O_WRONLY));
    say("and unmounted", umount("m"));
    kill(p, SIGKILL);
    say_wait("killed", p);
    say("unmounted", umount("m"));
    say("unlinked", unlink("d/p"));
    copy_self("d/p", "");
    say("another in its place", run("d/p", "child"));
    unlink("d/p"), rmdir("d"), rmdir("m");
    return 0;
}
