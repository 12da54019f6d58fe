/* Other processes' memory: process_vm_readv and writev towards children that compute, sleep
 * and are stopped; what processes have in common: kcmp. */
#include "say.h"
#include <linux/kcmp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static char text[] = "the first words";
static volatile int spinning, over;
static char *hole;      /* three pages, the middle one unmapped */

static pid_t child(int how)
{
    int p[2];
    char c;
    if (pipe(p)) exit(99);
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        strcpy(text, "changed by it  ");
        memset(hole, 'a', 4096), memset(hole + 8192, 'c', 4096);
        if (write(p[1], "x", 1) != 1) _exit(98);
        if (how == 0) for (; !over; spinning++) continue;
        if (how == 1) while (!over) usleep(1000000);
        if (how == 2) raise(SIGSTOP);
        _exit(text[0] == 'C' ? 42 : 1);
    }
    if (read(p[0], &c, 1) != 1) exit(97);
    if (how == 2) waitpid(pid, NULL, WUNTRACED);
    if (how == 1) await_sleep(pid);
    close(p[0]), close(p[1]);
    return pid;
}

static ssize_t get(pid_t p, void *to, void *from, size_t n)
{
    struct iovec l = { to, n }, r = { from, n };
    return process_vm_readv(p, &l, 1, &r, 1, 0);
}

static ssize_t put(pid_t p, void *to, const void *from, size_t n)
{
    struct iovec l = { (void *)(uintptr_t)from, n }, r = { to, n };
    return process_vm_writev(p, &l, 1, &r, 1, 0);
}

static void plain(int how, const char *name)
{
    char b[64] = "", big[12288];
    int one = 1;
    pid_t p = child(how);
    note("-- %s", name);
    say("read", get(p, b, text, sizeof text));
    note("%s", b);
    struct iovec l[3] = { { b, 3 }, { b + 10, 5 }, { b + 30, 20 } };
    struct iovec r[2] = { { text + 8, 6 }, { text, 4 } };
    memset(b, '.', 63);
    say("scattered", process_vm_readv(p, l, 3, r, 2, 0));
    note("%.40s", b);
    say("up to the hole", get(p, big, hole, sizeof big));
    say("the hole", get(p, big, hole + 4096, 100));
    say("into the hole", put(p, hole + 4000, big, 200));
    say("write", put(p, text, "C", 1));
    say("end it", put(p, (void *)(uintptr_t)&over, &one, sizeof one));
    if (how == 2) kill(p, SIGCONT);
    say_wait("child", p);
}

static void errors(void)
{
    char b[16];
    struct iovec l = { b, 16 };
    pid_t p = child(2);
    say("no such process", get(999999, b, text, 4));
    say("flags", process_vm_readv(p, &l, 1, &l, 1, 1));
    say("too many", process_vm_readv(p, &l, 1, &l, 2000, 0));
    say("nothing", process_vm_readv(p, &l, 0, &l, 1, 0));
    say("bad vector", process_vm_readv(p, (void *)8, 1, &l, 1, 0));
    say("read-only there", put(p, (void *)(uintptr_t)"constant", "x", 1));
    say("ourselves", get(getpid(), b, text, 4));
    kill(p, SIGKILL);
    waitpid(p, NULL, 0);
    say("gone", get(p, b, text, 4));
    p = child(2);
    if (!fork()) {
        if (setgid(1000) || setuid(1000)) _exit(9);
        say("another user's", get(p, b, text, 4));
        say("kcmp", syscall(SYS_kcmp, p, getpid(), KCMP_VM, 0, 0));
        _exit(0);
    }
    wait(NULL);
    kill(p, SIGKILL);
    waitpid(p, NULL, 0);
}

static int shares(void *arg) { pause(); return 0; }

static void compare(void)
{
    static char stack[65536];
    static const char *const kinds[] = { "file", "vm", "files", "fs", "sighand", "io", "sysvsem" };
    pid_t me = getpid(), p = clone(shares, stack + sizeof stack, CLONE_FS | CLONE_FILES | SIGCHLD, NULL);
    int fd = open("/dev/null", O_RDONLY), two = dup(fd), other = open("/dev/null", O_RDONLY);
    for (int k = KCMP_VM; k <= KCMP_SIGHAND; k++) {
        long r = syscall(SYS_kcmp, me, p, k, 0, 0);
        note("%s: %s", kinds[k], r == 0 ? "same" : r > 0 && r < 3 ? "other" : "?");
    }
    say("itself", syscall(SYS_kcmp, me, me, KCMP_VM, 0, 0));
    say("dup", syscall(SYS_kcmp, me, me, KCMP_FILE, fd, two));
    yes("another", syscall(SYS_kcmp, me, me, KCMP_FILE, fd, other) > 0);
    say("the child's", syscall(SYS_kcmp, me, p, KCMP_FILE, fd, two));
    say("closed", syscall(SYS_kcmp, me, me, KCMP_FILE, fd, 900));
    say("kind", syscall(SYS_kcmp, me, me, 99, 0, 0));
    kill(p, SIGKILL);
    waitpid(p, NULL, 0);
    say("dead", syscall(SYS_kcmp, me, p, KCMP_VM, 0, 0));
}

int main(void)
{
    hole = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(hole + 4096, 4096);
    plain(0, "computing");
    plain(1, "asleep");
    plain(2, "stopped");
    errors();
    compare();
    return 0;
}
