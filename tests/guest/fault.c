/* CPU faults as signals: codes and addresses. */
#include "say.h"
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

static sigjmp_buf back;
static volatile int sig, code, ctx_err;
static void *volatile addr;
static volatile long rip;

static void on(int s, siginfo_t *si, void *u)
{
    ucontext_t *uc = u;
    sig = s, code = si->si_code, addr = si->si_addr;
    rip = uc->uc_mcontext.gregs[REG_RIP];
    ctx_err = uc->uc_mcontext.gregs[REG_ERR];
    siglongjmp(back, 1);
}

static char *base;
static void tell(const char *what)
{
    long off = (char *)addr - base;
    if (code == SI_KERNEL && sig == SIGSEGV) note("%s: signal %d code %d at %ld", what, sig, code, (long)addr);
    else if (sig == SIGSEGV || sig == SIGBUS) note("%s: signal %d code %d at %ld write %d", what, sig, code, off, !!(ctx_err & 2));
    else note("%s: signal %d code %d, address is the instruction: %d", what, sig, code, (long)addr == rip);
}
#define TRY(what, stmt) do { sig = 0; if (!sigsetjmp(back, 1)) { stmt; note("%s: nothing", what); } else tell(what); } while (0)

static int recoveries;
static void grow(int s, siginfo_t *si, void *u)
{
    char *page = (char *)((unsigned long)si->si_addr & ~4095ul);
    if (mprotect(page, 4096, PROT_READ | PROT_WRITE)) _exit(9);
    recoveries++;
}

static void skip_insn(int s, siginfo_t *si, void *u)
{
    ((ucontext_t *)u)->uc_mcontext.gregs[REG_RIP] += 2;     /* ud2 */
    ((ucontext_t *)u)->uc_mcontext.gregs[REG_RAX] = 77;
}

int main(void)
{
    struct sigaction sa = { .sa_sigaction = on, .sa_flags = SA_SIGINFO };
    volatile int zero = 0, x = 1;
    int st;
    pid_t p;

    for (int s = 1; s <= 31; s++)
        if (s == SIGSEGV || s == SIGBUS || s == SIGFPE || s == SIGILL || s == SIGTRAP) sigaction(s, &sa, NULL);
    base = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(base + 4096, 4096);
    mprotect(base + 8192, 4096, PROT_READ);
    mprotect(base + 12288, 4096, PROT_NONE);
    TRY("read unmapped", x = *(volatile char *)(base + 4100));
    TRY("write unmapped", *(volatile char *)(base + 4100) = 1);
    TRY("write read-only", *(volatile char *)(base + 8200) = 1);
    TRY("read read-only", x = *(volatile char *)(base + 8200));
    TRY("read PROT_NONE", x = *(volatile char *)(base + 12290));
    TRY("write PROT_NONE", *(volatile char *)(base + 12290) = 1);
    TRY("jump to data", ((void (*)(void))base)());
    char *keep = base;
    base = 0;
    TRY("null", *(volatile int *)8 = 1);
    TRY("call null", ((void (*)(void))0)());
    TRY("non-canonical", x = *(volatile char *)0x8000000000000000ul);
    TRY("write kernel half", *(volatile char *)0xffffffff80000000ul = 1);
    base = keep;
    TRY("divide", x = x / zero);
    TRY("overflow", __asm__ volatile("movl $0x80000000, %%eax; cltd; movl $-1, %%ecx; idivl %%ecx" ::: "eax", "ecx", "edx"));
    /* Floating point: 1 / 0, with that exception unmasked. A handler has a fresh FPU, and so
     * have we after leaving it. (QEMU's emulator has no such exceptions of SSE's.) */
    const unsigned short cw = 0x37b;
    TRY("x87", __asm__ volatile("fldcw %0; fld1; fldz; fdivrp; fwait" :: "m"(cw)));
    TRY("ud2", __asm__ volatile("ud2"));
    TRY("privileged", __asm__ volatile("hlt"));
    TRY("int3", __asm__ volatile("int3"));

    /* A handler that repairs what was missing, and one that changes registers. */
    sa.sa_sigaction = grow;
    sigaction(SIGSEGV, &sa, NULL);
    char *area = mmap(NULL, 40960, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 10; i++) area[i * 4096 + i] = i;
    int sum = 0;
    for (int i = 0; i < 10; i++) sum += area[i * 4096 + i];
    note("repaired %d, sum %d", recoveries, sum);
    sa.sa_sigaction = skip_insn;
    sigaction(SIGILL, &sa, NULL);
    long rax;
    __asm__ volatile("xor %%eax, %%eax; ud2" : "=a"(rax));
    note("changed register: %ld", rax);

    /* Default actions, and faults while blocked or ignored. */
    static const int sigs[] = { SIGSEGV, SIGILL, SIGFPE };
    for (int i = 0; i < 3; i++)
        for (int how = 0; how < 3; how++) {
            if (!(p = fork())) {
                sigset_t set;
                signal(sigs[i], how == 1 ? SIG_IGN : how == 2 ? (void (*)(int))on : SIG_DFL);
                sigfillset(&set);
                if (how == 2) sigprocmask(SIG_BLOCK, &set, NULL);
                if (i == 0) *(volatile int *)4 = 0;
                if (i == 1) __asm__ volatile("ud2");
                if (i == 2) x = x / zero;
                _exit(1);
            }
            say_wait(how == 0 ? "default" : how == 1 ? "ignored" : "blocked", p);
        }
    /* A bad stack pointer when a signal comes. */
    if (!(p = fork())) {
        signal(SIGUSR1, (void (*)(int))on);
        __asm__ volatile("mov $39, %%eax; syscall; mov %%eax, %%edi; mov $10, %%esi; mov $62, %%eax;"
                         "mov $8, %%rsp; syscall; ud2" ::: "memory");
        _exit(1);
    }
    say_wait("no stack for the handler", p);
    return 0;
}
