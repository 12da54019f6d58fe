/* What a program may do to its registers: segments and flags that the kernel must not trip
 * over. Each part is a child, whose end is told. */
#include "say.h"
#include <sys/wait.h>
#include <sys/syscall.h>
#include <ucontext.h>

#define FLAG_TF 0x100ul
#define FLAG_AC 0x40000ul

/* A call by its instruction alone, of the form that is patched when it is hot. */
static __attribute__((noinline)) long ppid(void)
{
    long r;
    asm volatile("mov $110, %%eax\n\tsyscall" : "=a"(r) : : "rcx", "r11", "memory");
    return r;
}

static long call3(long nr, long a, long b, long c)
{
    long r;
    asm volatile("syscall" : "=a"(r) : "a"(nr), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return r;
}

static int many(void)
{
    int wrong = 0;
    long want = ppid();
    for (int i = 0; i < 300; i++) wrong += ppid() != want;
    return wrong;
}

static void load_gs(unsigned short s) { asm volatile("mov %0, %%gs" : : "r"(s)); }

static void null_gs(void) { load_gs(0); _exit(many() + 10); }
static void data_gs(void) { load_gs(0x2b); _exit(many() + 10); }
static void gs_when_hot(void)
{
    many();
    load_gs(0);
    int r = many();
    load_gs(0x2b);
    r += many();
    int c = fork();
    if (!c) _exit(many());
    int st;
    waitpid(c, &st, 0);
    _exit(r + st + 10);
}

/* On hosts and in domains that do not allow the instruction there is nothing to see. */
static void not_allowed(int s) { _exit(10); }
static void base(unsigned long v) { asm volatile("wrgsbase %0" : : "r"(v)); }
static char block[4096];
static void gs_base(void)
{
    signal(SIGILL, not_allowed);
    base(0x1000);
    int r = many();
    base((unsigned long)block);         /* not hot: what is in there would be a stack */
    for (int i = 0; i < 40; i++) call3(SYS_getppid, 0, 0, 0);
    usleep(1000);
    base(0);
    _exit(r + 10);
}
static void read_gs(void) { char c; asm volatile("movb %%gs:0, %0" : "=r"(c)); _exit(c & 0); }
static void write_gs(void) { asm volatile("movq $0, %gs:0"); _exit(1); }
static void write_gs8(void) { asm volatile("movq $1, %gs:8"); _exit(1); }

static void flags(unsigned long set)
{
    asm volatile("pushfq\n\torq %0, (%%rsp)\n\tpopfq" : : "r"(set) : "memory", "cc");
}
static void unflag(unsigned long f)
{
    asm volatile("pushfq\n\tandq %0, (%%rsp)\n\tpopfq" : : "r"(~f) : "memory", "cc");
}

static void aligned(void)
{
    char name[64] __attribute__((aligned(16))) = "/proc/self/status", b[64];
    long fd, n, p = 0;
    struct { char pad; int w; } __attribute__((packed)) odd = { 0, 5 };
    many();
    flags(FLAG_AC);
    for (int i = 0; i < 100; i++) p += ppid() > 0;
    fd = call3(SYS_open, (long)name, 0, 0);
    n = call3(SYS_read, fd, (long)b + 1, 33);
    long f = call3(SYS_futex, (long)&odd.w, 0, 6);      /* an address that is not aligned */
    unflag(FLAG_AC);
    _exit((p == 100) + 2 * (n == 33) + 4 * (f == -EINVAL) + 10);
}

static volatile int steps;
static void on_step(int s, siginfo_t *si, void *u)
{
    ucontext_t *uc = u;
    if (++steps >= 4000) uc->uc_mcontext.gregs[REG_EFL] &= ~FLAG_TF;
}
static void stepping(void)
{
    struct sigaction sa = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };
    sigaction(SIGTRAP, &sa, NULL);
    many();
    flags(FLAG_TF);
    long p = ppid(), q = ppid();
    unflag(FLAG_TF);
    _exit(10 + (steps > 0) + 2 * (p == q));
}

/* DF, and a stack pointer that leads nowhere, are the program's own business too. */
static void backwards(void)
{
    many();
    asm volatile("std");
    long r = ppid();
    asm volatile("cld");
    _exit(r == ppid() ? 10 : 1);
}
static void no_stack(void)
{
    long r;
    many();
    asm volatile("mov %%rsp, %%rbx\n\txor %%esp, %%esp\n\tmov $110, %%eax\n\tsyscall\n\tmov %%rbx, %%rsp"
                 : "=a"(r) : : "rbx", "rcx", "r11", "memory");
    _exit(r == ppid() ? 10 : 1);
}

static void part(const char *name, void (*fn)(void))
{
    int st, c = fork();
    if (!c) fn();
    waitpid(c, &st, 0);
    note("%s: %s %d", name, WIFEXITED(st) ? "exit" : "signal", WIFEXITED(st) ? WEXITSTATUS(st) : WTERMSIG(st));
}

int main(void)
{
    part("null selector in gs", null_gs);
    part("data selector in gs", data_gs);
    part("gs when hot", gs_when_hot);
    part("gs base", gs_base);
    part("read at gs", read_gs);
    part("write at gs", write_gs);
    part("write at gs + 8", write_gs8);
    part("alignment checks", aligned);
    part("single steps", stepping);
    part("direction", backwards);
    part("no stack", no_stack);
    return 0;
}
