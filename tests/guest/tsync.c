/* Seccomp for all threads (TSYNC) and strict mode; membarrier. */
#include "say.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/membarrier.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

static int go, ready;
static pthread_barrier_t bar;

/* getppid answers `err`. */
static long attach(int err, unsigned flags)
{
    struct sock_filter f[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | err),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog p = { 4, f };
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p);
}

static void *look(void *a)
{
    pthread_barrier_wait(&bar);
    pthread_barrier_wait(&bar);
    long r = syscall(SYS_getppid);
    return (void *)(long)(r == -1 ? errno : 0);
}

static void *own_filter(void *a)
{
    attach(EDOM, 0);
    __atomic_store_n((int *)a, syscall(SYS_gettid), __ATOMIC_SEQ_CST);
    pthread_barrier_wait(&bar);
    pthread_barrier_wait(&bar);
    return NULL;
}

static void tsync(void)
{
    pthread_t t[3], o;
    void *v;
    int tid = 0;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    pthread_barrier_init(&bar, NULL, 4);
    for (int i = 0; i < 3; i++) pthread_create(&t[i], NULL, look, NULL);
    pthread_barrier_wait(&bar);
    say("for all threads", attach(EXDEV, SECCOMP_FILTER_FLAG_TSYNC));
    pthread_barrier_wait(&bar);
    for (int i = 0; i < 3; i++) { pthread_join(t[i], &v); note("thread: %s", strerror((long)v)); }
    pthread_barrier_init(&bar, NULL, 2);
    pthread_create(&o, NULL, own_filter, &tid);
    pthread_barrier_wait(&bar);
    yes("one has a filter of its own", attach(ENOENT, SECCOMP_FILTER_FLAG_TSYNC) == tid);
    say("the same by ESRCH", attach(ENOENT, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH));
    pthread_barrier_wait(&bar);
    pthread_join(o, NULL);
    say("nothing was attached", syscall(SYS_getppid));
    note("mode %d", prctl(PR_GET_SECCOMP));
    say("strict after a filter", prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
}

static void strict(void)
{
    pid_t c = fork();
    if (!c) {
        say("strict", prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
        write(1, "still writes\n", 13);
        syscall(SYS_exit, 5);
    }
    say_wait("exit", c);
    c = fork();
    if (!c) { syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL); syscall(SYS_getpid); _exit(1); }
    say_wait("getpid", c);
    say("strict with arguments", syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL));
}

/* Dekker's algorithm with one side's fence replaced: both must not see 0. */
static volatile int x, y, rx, ry;
static pthread_barrier_t b2;
static void *light(void *a)
{
    for (int i = 0; i < 2000; i++) {
        pthread_barrier_wait(&b2);
        x = 1;
        __asm__ volatile("" ::: "memory");
        rx = y;
        pthread_barrier_wait(&b2);
        pthread_barrier_wait(&b2);
    }
    return NULL;
}

static void membarriers(void)
{
    long q = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    yes("private expedited is there", q > 0 && (q & MEMBARRIER_CMD_PRIVATE_EXPEDITED) && (q & MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED));
    say("not registered", syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
    say("register", syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
    say("barrier", syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
    say("bad flags", syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 8, 0));
    say("bad command", syscall(SYS_membarrier, 1 << 20, 0, 0));
    say("core not registered", syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0));
    pid_t c = fork();
    if (!c) { say("child", syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0)); _exit(0); }
    say_wait("child", c);
    pthread_t t;
    int both = 0;
    pthread_barrier_init(&b2, NULL, 2);
    pthread_create(&t, NULL, light, NULL);
    for (int i = 0; i < 2000; i++) {
        x = y = 0;
        pthread_barrier_wait(&b2);
        y = 1;
        syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
        ry = x;
        pthread_barrier_wait(&b2);
        both += !rx && !ry;
        pthread_barrier_wait(&b2);
    }
    pthread_join(t, NULL);
    note("both saw nothing: %d", both);
}

int main(void)
{
    membarriers();
    strict();
    tsync();
    return 0;
}
