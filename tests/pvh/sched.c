/* Who gets how much of a CPU, and which. Shares are compared roughly: within what any
 * scheduler of this kind keeps to, however busy the machine is otherwise. */
#include "../guest/say.h"
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { MAX = 4 };
struct kid { int nice, policy, prio, cpu; };

static void pin(int cpu)
{
    cpu_set_t s;
    CPU_ZERO(&s);
    CPU_SET(cpu, &s);
    if (sched_setaffinity(0, sizeof s, &s) < 0) say("sched_setaffinity", -1);
}

static double cpu_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

/* Runs the kids at once until they have used `total` seconds together: what each has. */
static void compete(const struct kid *k, int n, double total, double *used)
{
    volatile double *t = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    volatile int *go = (int *)(t + MAX);
    pid_t pid[MAX];

    for (int i = 0; i < n; i++) {
        if ((pid[i] = fork())) continue;
        struct sched_param p = { k[i].prio };
        pin(k[i].cpu);
        if (setpriority(PRIO_PROCESS, 0, k[i].nice) < 0) say("setpriority", -1);
        if (k[i].policy && sched_setscheduler(0, k[i].policy, &p) < 0) say("sched_setscheduler", -1);
        __atomic_add_fetch(go, 1, __ATOMIC_SEQ_CST);
        while (*go < n) nap(1);
        double sum = 0, from = cpu_time();
        while (sum < total) {
            for (volatile int w = 0; w < 20000; w++) ;
            t[i] = cpu_time() - from;
            sum = 0;
            for (int j = 0; j < n; j++) sum += t[j];
        }
        _exit(0);
    }
    for (int i = 0; i < n; i++) waitpid(pid[i], NULL, 0);
    for (int i = 0; i < n; i++) used[i] = t[i];
    munmap((void *)t, 4096);
}

static void between(const char *what, double ratio, double low, double high)
{
    if (!yes(what, ratio >= low && ratio <= high)) note("# ratio %.2f, not %.1f to %.1f", ratio, low, high);
}

static void shares(void)
{
    double u[MAX];

    compete((struct kid[]){ { 0 }, { 0 }, { 0 } }, 3, 1.2, u);
    between("equal", u[0] / u[1], 0.6, 1.67);
    between("equal, the third", u[0] / u[2], 0.6, 1.67);
    compete((struct kid[]){ { 0 }, { 5 } }, 2, 1.2, u);
    between("five steps of nice: 1.25^5", u[0] / u[1], 2.2, 4.4);
    compete((struct kid[]){ { 10 }, { 15 } }, 2, 1.2, u);
    between("the same further down", u[0] / u[1], 2.0, 4.6);
    compete((struct kid[]){ { 0 }, { 0, SCHED_IDLE } }, 2, 1.0, u);
    between("SCHED_IDLE gets little", u[0] / u[1], 15, 1e9);
    compete((struct kid[]){ { 0 }, { 0, SCHED_BATCH } }, 2, 1.0, u);
    between("SCHED_BATCH as much", u[0] / u[1], 0.6, 1.67);
    compete((struct kid[]){ { 0 }, { 0, SCHED_FIFO, 10 } }, 2, 1.0, u);
    between("SCHED_FIFO first", u[1] / u[0], 5, 1e12);
    compete((struct kid[]){ { 0, SCHED_FIFO, 10 }, { 0, SCHED_FIFO, 20 } }, 2, 0.6, u);
    between("and by priority", u[1] / u[0], 5, 1e12);
    compete((struct kid[]){ { 0, SCHED_RR, 10 }, { 0, SCHED_RR, 10 } }, 2, 1.6, u);
    between("SCHED_RR takes turns", u[1] / u[0], 0.5, 2);
}

static int spins_on(int cpu, int ms)
{
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    do {
        if (sched_getcpu() != cpu) return 0;
        clock_gettime(CLOCK_MONOTONIC, &b);
    } while ((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 < ms);
    return 1;
}

static void affinity(void)
{
    int stays = 1, n = sysconf(_SC_NPROCESSORS_ONLN), st;
    volatile int *stop = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t p;

    for (int k = 0; k < 6; k++) {
        int cpu = k % n;
        pin(cpu);
        stays &= spins_on(cpu, 5);
        nap(2);
        stays &= spins_on(cpu, 5);
        sched_yield();
        stays &= sched_getcpu() == cpu;
    }
    yes("stays where it is pinned", stays);
    /* Another process is moved while it runs. */
    if (!(p = fork())) {
        int was = sched_getcpu();
        while (sched_getcpu() == was && !*stop) ;
        _exit(sched_getcpu() == was);
    }
    nap(20);
    cpu_set_t s;
    CPU_ZERO(&s);
    CPU_SET((sched_getcpu() + 1) % n, &s);
    did("moves another", sched_setaffinity(p, sizeof s, &s));
    if (n > 1) {
        waitpid(p, &st, 0);
    } else {
        *stop = 1;
        waitpid(p, &st, 0);
        st = 0;
    }
    yes("which notices", st == 0);
    /* Two that may run anywhere share two CPUs out. */
    CPU_ZERO(&s);
    for (int i = 0; i < n; i++) CPU_SET(i, &s);
    sched_setaffinity(0, sizeof s, &s);
    pid_t kid[2];
    for (int k = 0; k < 2; k++)
        if (!(kid[k] = fork())) {
            while (!*stop) stop[1 + k * 4 + sched_getcpu() % 2]++;
            _exit(0);
        }
    int apart = 0;
    for (int k = 0; k < 200 && !apart; k++) {
        int a0 = stop[1], a1 = stop[2], b0 = stop[5], b1 = stop[6];
        nap(5);
        apart = n < 2 || (stop[1] > a0 && stop[6] > b1) || (stop[2] > a1 && stop[5] > b0);
    }
    *stop = 1;
    for (int k = 0; k < 2; k++) waitpid(kid[k], &st, 0);
    yes("both CPUs are used", apart);
}

int main(void)
{
    affinity();
    pin(0);
    shares();
    return 0;
}
