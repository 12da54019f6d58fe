/* Restartable sequences: the CPU number that memory tells, counters that threads on one CPU
 * add to without locks, sections that a handler interrupts, and the call itself. */
#include "../guest/say.h"
#include <pthread.h>
#include <sched.h>
#include <sys/rseq.h>
#include <sys/syscall.h>

enum { CPUS = 64, THREADS = 4, TIMES = 20000 };
static struct { long n; char pad[56]; } counter[CPUS];
static long aborted, added;
static time_t last;         /* how long the threads may wait to be interrupted */

static struct rseq *area(void) { return (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset); }

/* Adds 1 to *p in several steps, if nothing comes in between: 0; -1: something did. */
static int add(volatile long *p, unsigned cpu, long delay)
{
    struct rseq *r = area();
    int failed = 0;
    __asm__ volatile(
        ".pushsection .data\n .balign 32\n"
        "3: .long 0, 0\n .quad 1f, 2f - 1f, 4f\n .popsection\n"
        "lea 3b(%%rip), %%rax\n mov %%rax, 8(%[r])\n"
        "1: cmp %[cpu], 4(%[r])\n jne 5f\n"
        "mov (%[p]), %%rcx\n inc %%rcx\n mov %[d], %%rdx\n"
        "6: dec %%rdx\n jns 6b\n"
        "mov %%rcx, (%[p])\n"
        "2: jmp 7f\n"
        ".byte 0x0f, 0xb9, 0x3d\n .long 0x53053053\n"
        "4: nop\n"
        "5: movl $-1, %[f]\n"
        "7:\n"
        : [f] "+m"(failed) : [r] "r"(r), [cpu] "r"(cpu), [p] "r"(p), [d] "r"(delay) : "rax", "rcx", "rdx", "memory", "cc");
    return failed;
}

/* Goes on until one addition has been begun anew: a host may let the first TIMES run through. */
static void *work(void *arg)
{
    long n = 0;
    while (n < TIMES || (!__atomic_load_n(&aborted, __ATOMIC_RELAXED) && time(NULL) < last)) {
        unsigned cpu = __atomic_load_n(&area()->cpu_id_start, __ATOMIC_RELAXED);
        if (cpu >= CPUS) return (void *)1;
        if (add(&counter[cpu].n, cpu, n % 16 ? 10 : 3000)) __atomic_add_fetch(&aborted, 1, __ATOMIC_RELAXED);
        else n++;
    }
    __atomic_add_fetch(&added, n, __ATOMIC_RELAXED);
    return NULL;
}

static volatile int handled, wrong;
static void on(int s) { handled++; if (area()->rseq_cs) wrong++; }

int main(void)
{
    pthread_t t[THREADS];
    cpu_set_t one;
    long sum = 0;
    void *bad = NULL, *r;
    yes("the C library has registered it", __rseq_size > 0 && (int)area()->cpu_id >= 0);
    yes("the right CPU", sched_getcpu() == (int)area()->cpu_id || sched_getcpu() == (int)area()->cpu_id);
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    sched_setaffinity(0, sizeof one, &one);
    yes("CPU 0", area()->cpu_id == 0 && area()->cpu_id_start == 0);
    last = time(NULL) + 20;
    for (int i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, NULL);     /* all on one */
    for (int i = 0; i < THREADS; i++) pthread_join(t[i], &r), bad = r ? r : bad;
    for (int i = 0; i < CPUS; i++) sum += counter[i].n, counter[i].n = 0;
    yes("no addition was lost", !bad && sum == added);
    yes("some were begun anew", aborted > 0);
    added = 0;
    CPU_SET(1, &one);
    sched_setaffinity(0, sizeof one, &one);
    for (int i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, NULL);
    for (int i = 0; i < THREADS; i++) pthread_join(t[i], &r), bad = r ? r : bad;
    sum = 0;
    for (int i = 0; i < CPUS; i++) sum += counter[i].n;
    yes("nor on two", !bad && sum == added);
    signal(SIGALRM, on);
    long tries = 0, aborts = 0;
    for (; handled < 3 && tries < 100; tries++) {
        struct itimerspec it = { { 0, 0 }, { 0, 3000000 } };
        timer_t id;
        timer_create(CLOCK_MONOTONIC, NULL, &id);
        timer_settime(id, 0, &it, NULL);
        aborts += add(&counter[0].n, area()->cpu_id, 60000000) != 0;
        timer_delete(id);
    }
    yes("a handler ends a section", aborts >= 1 && !wrong);
    struct rseq *a = area();
    say("again", syscall(SYS_rseq, a, 32, 0, 0x53053053));
    say("elsewhere", syscall(SYS_rseq, (char *)a + 64, 32, 0, 0x53053053));
    say("size", syscall(SYS_rseq, a, 31, 0, 0x53053053));
    say("other signature", syscall(SYS_rseq, a, 32, 1, 1));
    say("away", syscall(SYS_rseq, a, 32, 1, 0x53053053));
    note("%d", (int)a->cpu_id);
    say("twice", syscall(SYS_rseq, a, 32, 1, 0x53053053));
    say("back", syscall(SYS_rseq, a, 32, 0, 0x53053053));
    yes("a number again", (int)a->cpu_id >= 0);
    pid_t p = fork();
    if (!p) { yes("a child has it", (int)area()->cpu_id >= 0); say("again", syscall(SYS_rseq, a, 32, 0, 0x53053053)); _exit(0); }
    say_wait("child", p);
    return 0;
}
