/* futex(2) by itself and below pthreads: mutexes, conditions, barriers, robust and PI
 * mutexes, words shared between processes. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "guest.h"

static long fx(int *w, int op, int val, const struct timespec *ts, int *w2, int v3)
{
    return syscall(SYS_futex, w, op, val, ts, w2, v3);
}

static int word;
static void *waiter(void *a) { return (void *)fx(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0); }
static void hit(int s) { }

static void raw(void)
{
    struct timespec ts = { 0, 10000000 };
    pthread_t t[3];
    long n = 0;

    check(fx(&word, FUTEX_WAIT, 1, NULL, NULL, 0) == -1 && errno == EAGAIN, "value differs");
    check(fx(&word, FUTEX_WAIT, 0, &ts, NULL, 0) == -1 && errno == ETIMEDOUT, "time");
    check(fx((int *)8, FUTEX_WAIT, 0, &ts, NULL, 0) == -1 && errno == EFAULT, "bad address");
    check(fx(&word, 99, 0, NULL, NULL, 0) == -1 && errno == ENOSYS, "no such operation");
    clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_nsec += 10000000;
    if (ts.tv_nsec >= 1000000000) { ts.tv_nsec -= 1000000000; ts.tv_sec++; }
    check(fx(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &ts, NULL, -1) == -1 &&
          errno == ETIMEDOUT, "time of day");
    struct sigaction sa = { .sa_handler = hit, .sa_flags = SA_RESTART };
    /* Again and again: the first may come before we wait. */
    struct itimerval it = { { 0, 10000 }, { 0, 10000 } };
    sigaction(SIGALRM, &sa, NULL);
    setitimer(ITIMER_REAL, &it, NULL);
    ts = (struct timespec){ 10, 0 };
    check(fx(&word, FUTEX_WAIT, 0, &ts, NULL, 0) == -1 && errno == EINTR, "a signal");
    memset(&it, 0, sizeof it);
    setitimer(ITIMER_REAL, &it, NULL);
    for (int i = 0; i < 3; i++) pthread_create(&t[i], NULL, waiter, NULL);
    usleep(50000);
    word = 1;
    for (int i = 0; n < 3 && i < 100; i++) {
        n += fx(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
        usleep(1000);
    }
    check(n == 3, "three woken one by one");
    for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
}

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static int counter, turn;

static void *adder(void *a)
{
    for (int i = 0; i < 20000; i++) {
        pthread_mutex_lock(&m);
        counter++;
        pthread_mutex_unlock(&m);
    }
    return NULL;
}

static void *player(void *a)
{
    int me = (int)(long)a;

    pthread_mutex_lock(&m);
    for (int i = 0; i < 500; i++) {
        while (turn % 3 != me) pthread_cond_wait(&c, &m);
        turn++;
        pthread_cond_broadcast(&c);
    }
    pthread_mutex_unlock(&m);
    return NULL;
}

static void locks(void)
{
    pthread_t t[4];
    struct timespec ts;

    for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, adder, NULL);
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
    check(counter == 80000, "a mutex and four threads");
    for (long i = 0; i < 3; i++) pthread_create(&t[i], NULL, player, (void *)i);
    for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
    check(turn == 1500, "a condition goes round");
    clock_gettime(CLOCK_REALTIME, &ts);
    pthread_mutex_lock(&m);
    check(pthread_cond_timedwait(&c, &m, &ts) == ETIMEDOUT, "pthread_cond_timedwait");
    pthread_mutex_unlock(&m);
}

struct shared { pthread_mutex_t m; sem_t s; int n; };

static void processes(void)
{
    struct shared *s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t a;
    int st;

    pthread_mutexattr_init(&a);
    pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&s->m, &a);
    sem_init(&s->s, 1, 0);
    for (int i = 0; i < 3; i++)
        if (fork() == 0) {
            for (int k = 0; k < 5000; k++) {
                pthread_mutex_lock(&s->m);
                s->n++;
                pthread_mutex_unlock(&s->m);
            }
            sem_post(&s->s);
            _exit(0);
        }
    for (int i = 0; i < 3; i++) sem_wait(&s->s);
    while (wait(NULL) > 0);
    check(s->n == 15000, "a mutex between processes");
    if (fork() == 0) {
        pthread_mutex_lock(&s->m);
        _exit(0);
    }
    wait(&st);
    check(pthread_mutex_lock(&s->m) == EOWNERDEAD, "a robust mutex tells that its owner died");
    pthread_mutex_consistent(&s->m);
    pthread_mutex_unlock(&s->m);
    check(pthread_mutex_lock(&s->m) == 0, "and can be used again");
}

static pthread_mutex_t pi;
static int pi_n;
static void *pi_adder(void *a)
{
    for (int i = 0; i < 3000; i++) {
        pthread_mutex_lock(&pi);
        pi_n++;
        pthread_mutex_unlock(&pi);
    }
    return NULL;
}

static void *pi_once(void *a)
{
    pthread_mutex_lock(&pi);
    pi_n++;
    pthread_mutex_unlock(&pi);
    return NULL;
}

static void owners(void)
{
    pthread_mutexattr_t a;
    pthread_t t[3];

    pthread_mutexattr_init(&a);
    pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT);
    check(pthread_mutex_init(&pi, &a) == 0, "PTHREAD_PRIO_INHERIT");
    for (int i = 0; i < 3; i++) pthread_create(&t[i], NULL, pi_adder, NULL);
    for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
    check(pi_n == 9000, "such a mutex and three threads");
    pi_n = 0;
    for (int k = 0; k < 300; k++) {
        for (int i = 0; i < 3; i++) pthread_create(&t[i], NULL, pi_once, NULL);
        for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
    }
    check(pi_n == 900, "and threads that end when they have had it");
}

int main(void)
{
    raw();
    locks();
    processes();
    owners();
    return guest_end();
}
