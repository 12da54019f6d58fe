/* fork: two processes from the call on, whatever the child does with its memory, its
 * registers and its time, and however it ends. A kernel that starts a child in its
 * parent's place must not be found out. */
#include "say.h"
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>

static int data[3000] = { 7 };
static int zeros[3000];
static char *heap, *anon, *shared;
static volatile sig_atomic_t got;

static void on_signal(int s) { got = s; }

/* Everything that a child can write to without a call, changed. */
static void spoil(char *local)
{
    memset(local, 'c', 100);
    for (int i = 0; i < 3000; i++) data[i] = zeros[i] = -1;
    memset(heap, 'c', 20000);
    memset(anon, 'c', 65536);
    signal(SIGUSR2, SIG_IGN);
}

static int intact(const char *local)
{
    for (int i = 0; i < 3000; i++)
        if (data[i] != (i ? 0 : 7) || zeros[i]) return 0;
    for (int i = 0; i < 20000; i++) if (heap[i] != 'p') return 0;
    for (int i = 0; i < 65536; i++) if (anon[i] != 'p') return 0;
    for (int i = 0; i < 100; i++) if (local[i] != 'p') return 0;
    return 1;
}

static int spoiled(void)
{
    return data[2999] == -1 && zeros[2999] == -1 && heap[19999] == 'c' && anon[65535] == 'c';
}

/* Ways of a child to end or go on, each after it has written everywhere. */
enum { EXIT, EXEC, EXEC_FAILS, SLEEP, PIPE, MAP, BRK, DEEP, FORK, CRASH, ABORT, STOP, SPIN, WAYS };
static const char *way_name[] = { "exit", "exec", "exec that fails", "sleep", "pipe", "map", "brk",
                                  "deep stack", "fork", "crash", "abort", "stop", "spin" };

static int deep(int n)
{
    volatile char frame[4000];

    memset((char *)frame, n, sizeof frame);
    return n ? deep(n - 1) + frame[n % 4000] : 0;
}

static void child_way(int way, int *up)
{
    char *argv[] = { "true", NULL }, *m;
    char c;
    pid_t p;

    switch (way) {
    case EXEC: execv("/bin/busybox", argv); break;
    case EXEC_FAILS: execv("/no/such", argv); break;
    case SLEEP: nap(5); break;
    case PIPE: if (read(up[0], &c, 1) != 1 || c != 'g') _exit(90); break;
    case MAP:
        m = mmap(NULL, 100000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(m, 1, 100000);
        munmap(anon, 32768);
        mprotect(anon + 32768, 4096, PROT_READ);
        break;
    case BRK: sbrk(100000); memset(sbrk(0) - 100000, 1, 100000); break;
    case DEEP: deep(100); break;
    case FORK:
        if (!(p = fork())) { data[1] = 5; _exit(spoiled() ? 3 : 91); }
        int st;
        waitpid(p, &st, 0);
        if (WEXITSTATUS(st) != 3 || data[1] != -1) _exit(92);
        break;
    case CRASH: *(volatile int *)8 = 1; break;
    case ABORT: signal(SIGABRT, SIG_DFL); raise(SIGABRT); break;
    case STOP: raise(SIGSTOP); break;
    case SPIN: while (!*(volatile char *)shared) continue; break;
    }
    if (!spoiled() && way != MAP) _exit(93);
    _exit(way == EXEC ? 94 : 20);
}

static void one_way(int way, int quiet)
{
    char local[100];
    int up[2], st;

    memset(local, 'p', 100);
    *shared = 0;
    pipe(up);
    pid_t p = fork();
    if (!p) {
        spoil(local);
        child_way(way, up);
    }
    int whole = intact(local);
    if (way == PIPE) write(up[1], "g", 1);
    *(volatile char *)shared = 1;
    if (way == STOP) {
        waitpid(p, &st, WUNTRACED);
        if (!quiet) say_status("stops", st);
        kill(p, SIGCONT);
    }
    waitpid(p, &st, 0);
    close(up[0]);
    close(up[1]);
    if (quiet && whole && intact(local)) return;
    note("%s: parent's memory %s", way_name[way], whole && intact(local) ? "intact" : "changed");
    say_status("child", st);
}

/* Rounding up 0x5f80, down 0x3f80, to nearest 0x1f80; no exceptions seen. */
static void set_mxcsr(unsigned v) { __asm__ volatile("ldmxcsr %0" : : "m"(v)); }
static unsigned get_mxcsr(void)
{
    unsigned v;
    __asm__ volatile("stmxcsr %0" : "=m"(v));
    return v & ~0x3fu;
}

/* Registers that a system call keeps: rounding mode, SSE registers, callee-saved ones. */
static void registers(void)
{
    double in = 1.25, out = 0;
    long r = SYS_fork, kept = 0x1234567;

    set_mxcsr(0x5f80);
    __asm__ volatile("movsd %3, %%xmm7\n\tmov %4, %%r12\n\tsyscall\n\t"
                     "test %%rax, %%rax\n\tjnz 1f\n\t"
                     "xorps %%xmm7, %%xmm7\n\txor %%r12, %%r12\n\tmov $60, %%eax\n\t"
                     "mov $6, %%edi\n\tsyscall\n1:\tmovsd %%xmm7, %1\n\tmov %%r12, %2"
                     : "+a"(r), "=m"(out), "=m"(kept) : "m"(in), "r"(kept)
                     : "rcx", "r11", "rdi", "r12", "xmm7", "memory");
    yes("registers survive", out == 1.25 && kept == 0x1234567 && get_mxcsr() == 0x5f80);
    say_wait("child", (pid_t)r);
    if (!fork()) { set_mxcsr(0x3f80); _exit(0); }
    wait(NULL);
    yes("rounding mode is the parent's", get_mxcsr() == 0x5f80);
    set_mxcsr(0x1f80);
}

/* A third process kills a child that computes, then its parent, which computes too. */
static void killed_while_computing(void)
{
    pid_t p = fork();

    if (!p) {
        int go[2], st;
        char c;
        alarm(9);
        pipe(go);
        pid_t q = fork();
        if (!q) for (;;) continue;
        if (!fork()) {
            nap(30);
            kill(q, SIGTERM);
            read(go[0], &c, 1);
            nap(30);
            kill(getppid(), SIGUSR1);
            _exit(0);
        }
        waitpid(q, &st, 0);
        say_status("computing child", st);
        signal(SIGUSR1, on_signal);
        write(go[1], "g", 1);
        while (!got) continue;
        _exit(got == SIGUSR1 ? 5 : 6);
    }
    say_wait("computing parent", p);
}

/* The same with a parent that is in fork when its child is killed, having just begun. */
static void killed_at_once(void)
{
    int st, odd = 0;

    for (int i = 0; i < 200; i++) {
        pid_t p = fork();
        if (!p) for (;;) continue;
        kill(p, SIGKILL);
        waitpid(p, &st, 0);
        odd += !WIFSIGNALED(st) || WTERMSIG(st) != SIGKILL;
    }
    say("children killed at once, odd ends", odd);
    struct itimerval in5 = { { 0, 0 }, { 0, 5000 } };
    got = 0;
    signal(SIGALRM, on_signal);
    setitimer(ITIMER_REAL, &in5, NULL);
    while (!got) continue;
    yes("the parent hears signals", got == SIGALRM);
}

/* What a child did is seen outside before it ends, and its parent goes on. */
static void both_run(void)
{
    int out[2];
    char c = 0;

    pipe(out);
    *shared = 0;
    pid_t p = fork();
    if (!p) {
        write(out[1], "x", 1);
        while (!*(volatile char *)shared) continue;
        write(out[1], "y", 1);
        _exit(0);
    }
    read(out[0], &c, 1);
    note("first %c", c);
    *(volatile char *)shared = 1;
    read(out[0], &c, 1);
    note("then %c", c);
    say_wait("writer", p);
    /* More than a pipe holds: the child waits for its parent. */
    if (!(p = fork())) {
        static char much[200000];
        _exit(write(out[1], much, sizeof much) == sizeof much ? 0 : 1);
    }
    size_t n = 0;
    char buf[5000];
    while (n < 200000) n += (size_t)read(out[0], buf, sizeof buf);
    say_wait("long writer", p);
}

static void times_and_ids(void)
{
    struct rusage before, after;
    pid_t me = getpid(), p;
    int st;

    if (!(p = fork())) _exit(getppid() == me && getpid() != me && syscall(SYS_gettid) == getpid() ? 0 : 1);
    say_wait("ids", p);
    getrusage(RUSAGE_CHILDREN, &before);
    if (!(p = fork())) { while (clock() < CLOCKS_PER_SEC / 25) continue; _exit(0); }
    waitpid(p, &st, 0);
    getrusage(RUSAGE_CHILDREN, &after);
    long us = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000000L + after.ru_utime.tv_usec -
              before.ru_utime.tv_usec + (after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1000000L +
              after.ru_stime.tv_usec - before.ru_stime.tv_usec;
    yes("the child's time is the child's", us > 25000 && us < 200000);
    getrusage(RUSAGE_CHILDREN, &before);
    for (int i = 0; i < 100; i++) { if (!(p = fork())) _exit(0); waitpid(p, &st, 0); }
    getrusage(RUSAGE_CHILDREN, &after);
    us = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000000L + after.ru_utime.tv_usec -
         before.ru_utime.tv_usec;
    yes("short children's is short", us >= 0 && us < 100000);
}

int main(void)
{
    heap = malloc(20000);
    anon = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(heap, 'p', 20000);
    memset(anon, 'p', 65536);
    for (int way = 0; way < WAYS; way++) one_way(way, 0);
    /* Again and again: what the kernel has learned of us must not matter. */
    for (int i = 0; i < 20; i++)
        for (int way = 0; way < WAYS; way++)
            if (way != STOP) one_way((way * 7 + i) % WAYS == STOP ? EXIT : (way * 7 + i) % WAYS, 1);
    registers();
    killed_while_computing();
    killed_at_once();
    both_run();
    times_and_ids();
    return 0;
}
