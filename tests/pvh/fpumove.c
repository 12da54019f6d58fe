/* Wide registers of many programs at once, over system calls that move them between CPUs,
 * put them to sleep and let others run; also of a thread beside a signal handler. */
#include "../guest/say.h"
#include <sched.h>
#include <sys/syscall.h>

static int avx;

/* The registers hold `seed`'s pattern over the system call: how many bytes differ. */
static int over(long nr, long a, long b, long c, unsigned char seed)
{
    unsigned char in[128] __attribute__((aligned(32))), out[128] __attribute__((aligned(32)));
    long r;
    int bad = 0;
    for (int i = 0; i < 128; i++) in[i] = seed * 31 + i * 7;
    if (avx)
        __asm__ volatile("vmovdqa (%5), %%ymm0; vmovdqa 32(%5), %%ymm5; vmovdqa 64(%5), %%ymm10; vmovdqa 96(%5), %%ymm15;"
                         "syscall;"
                         "vmovdqa %%ymm0, (%6); vmovdqa %%ymm5, 32(%6); vmovdqa %%ymm10, 64(%6); vmovdqa %%ymm15, 96(%6); vzeroupper"
                         : "=a"(r) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(in), "r"(out)
                         : "rcx", "r11", "xmm0", "xmm5", "xmm10", "xmm15", "memory");
    else
        __asm__ volatile("movdqa (%5), %%xmm0; movdqa 32(%5), %%xmm5; movdqa 64(%5), %%xmm10; movdqa 96(%5), %%xmm15;"
                         "syscall;"
                         "movdqa %%xmm0, (%6); movdqa %%xmm5, 32(%6); movdqa %%xmm10, 64(%6); movdqa %%xmm15, 96(%6)"
                         : "=a"(r) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(in), "r"(out)
                         : "rcx", "r11", "xmm0", "xmm5", "xmm10", "xmm15", "memory");
    for (int i = 0; i < 128; i++) bad += (avx || i % 32 < 16) && in[i] != out[i];
    return bad;
}

static int moves(int k)
{
    int n = sysconf(_SC_NPROCESSORS_ONLN), bad = 0;
    for (int i = 0; i < 120; i++) {
        unsigned long mask = 1ul << (i + k) % n;
        struct timespec t = { 0, 200000 };
        bad += over(SYS_sched_setaffinity, 0, sizeof mask, (long)&mask, k + i);
        bad += over(SYS_sched_yield, 0, 0, 0, k * 3 + i);
        if (i % 8 == 0) bad += over(SYS_nanosleep, (long)&t, 0, 0, k * 5 + i);
        bad += over(SYS_getppid, 0, 0, 0, i);
    }
    return bad != 0;
}

static volatile sig_atomic_t hits;
static void handler(int s) { hits++; over(SYS_sched_yield, 0, 0, 0, 250); }

int main(void)
{
    int sum = 0, st;
    avx = __builtin_cpu_supports("avx");
    for (int k = 0; k < 6; k++)
        if (!fork()) _exit(moves(k));
    while (wait(&st) > 0) sum += st;
    note("programs on the move: %d", sum);
    signal(SIGUSR1, handler);
    pid_t p = getpid(), c = fork();
    if (!c) {
        for (int i = 0; i < 100; i++) { kill(p, SIGUSR1); sched_yield(); }
        _exit(0);
    }
    int bad = 0;
    for (int i = 0; i < 400; i++) bad += over(SYS_sched_yield, 0, 0, 0, i);
    waitpid(c, &st, 0);
    for (int i = 0; i < 10; i++) bad += over(SYS_kill, p, SIGUSR1, 0, i);
    note("beside a handler: %d, %d", bad, hits > 10);
    return 0;
}
