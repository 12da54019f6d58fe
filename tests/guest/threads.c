/* Threads: creation, joining, locks, conditions, local storage, cancellation. */
#include "say.h"
#include <pthread.h>
#include <semaphore.h>
#include <sched.h>
#include <sys/syscall.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static long counter;
static __thread int mine = 42;
static __thread char big_tls[5000];
static pthread_key_t key;
static int destroyed;
static int turn;

static void *adder(void *a)
{
    for (int i = 0; i < 5000; i++) {
        pthread_mutex_lock(&m);
        counter++;
        pthread_mutex_unlock(&m);
    }
    return (void *)((long)a * 2);
}

static void *tls(void *a)
{
    int ok = mine == 42 && big_tls[4999] == 0;
    mine = (int)(long)a;
    big_tls[4999] = 1;
    errno = (int)(long)a;
    sched_yield();
    return (void *)(long)(ok && mine == (long)a && errno == (long)a);
}

static void *pingpong(void *a)
{
    long id = (long)a;
    for (int i = 0; i < 300; i++) {
        pthread_mutex_lock(&m);
        while (turn != id) pthread_cond_wait(&c, &m);
        turn = !id;
        pthread_cond_broadcast(&c);
        pthread_mutex_unlock(&m);
    }
    return NULL;
}

static void *sleeper(void *a)
{
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL);
    for (;;) nap(1000);
    return NULL;
}

static void dtor(void *p) { __atomic_add_fetch(&destroyed, 1, __ATOMIC_RELAXED); }
static void *keyed(void *a) { pthread_setspecific(key, a); return NULL; }

static sem_t sem;
static void *poster(void *a) { for (int i = 0; i < 100; i++) sem_post(&sem); return NULL; }
static pthread_barrier_t bar;
static int passed;
static void *barrier(void *a)
{
    for (int i = 0; i < 20; i++)
        if (pthread_barrier_wait(&bar) == PTHREAD_BARRIER_SERIAL_THREAD)
            __atomic_add_fetch(&passed, 1, __ATOMIC_RELAXED);
    return NULL;
}
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static int pair[2], bad;
static void *rwuser(void *a)
{
    for (int i = 0; i < 500; i++) {
        if ((long)a == 0) {
            pthread_rwlock_wrlock(&rw);
            pair[0]++, pair[1]++;
        } else {
            pthread_rwlock_rdlock(&rw);
            if (pair[0] != pair[1]) bad = 1;
        }
        pthread_rwlock_unlock(&rw);
    }
    return NULL;
}

static void *exits(void *a) { pthread_exit((void *)7l); }
static void *ids(void *a)
{
    pid_t *p = a;
    p[0] = getpid(), p[1] = syscall(SYS_gettid);
    return NULL;
}

static void main_leaves(void)
{
    pid_t p = fork();
    if (!p) {
        pthread_t t;
        pthread_create(&t, NULL, (void *(*)(void *))(void *)sleep, (void *)0);
        pthread_join(t, NULL);
        pthread_create(&t, NULL, (void *(*)(void *))(void *)exit, (void *)6l);
        pthread_exit(NULL);     /* the process goes on with the other thread */
    }
    say_wait("main thread left first", p);
    if (!(p = fork())) {
        pthread_t t;
        pthread_create(&t, NULL, sleeper, NULL);
        _exit(8);               /* ends all */
    }
    say_wait("exit_group with threads", p);
    if (!(p = fork())) {
        pthread_t t;
        pthread_create(&t, NULL, sleeper, NULL);
        execl("/bin/busybox", "sh", "-c", "exit 11", (char *)NULL);
        _exit(1);
    }
    say_wait("exec with threads", p);
}

int main(void)
{
    pthread_t t[8];
    void *r;
    long sum = 0;

    for (long i = 0; i < 8; i++) pthread_create(&t[i], NULL, adder, (void *)i);
    for (int i = 0; i < 8; i++) pthread_join(t[i], &r), sum += (long)r;
    note("counter %ld, results %ld", counter, sum);
    for (long i = 0; i < 8; i++) pthread_create(&t[i], NULL, tls, (void *)(i + 100));
    for (int i = sum = 0; i < 8; i++) pthread_join(t[i], &r), sum += (long)r;
    note("thread-local: %ld of 8, here %d", sum, mine);
    for (long i = 0; i < 2; i++) pthread_create(&t[i], NULL, pingpong, (void *)i);
    for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
    note("ping-pong, turn %d", turn);
    pthread_create(&t[0], NULL, sleeper, NULL);
    nap(20);
    pthread_cancel(t[0]);
    pthread_join(t[0], &r);
    yes("cancelled", r == PTHREAD_CANCELED);
    pthread_key_create(&key, dtor);
    for (long i = 0; i < 4; i++) pthread_create(&t[i], NULL, keyed, (void *)(i + 1));
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
    note("destructors: %d", destroyed);
    sem_init(&sem, 0, 0);
    for (int i = 0; i < 3; i++) pthread_create(&t[i], NULL, poster, NULL);
    for (int i = 0; i < 300; i++) sem_wait(&sem);
    for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
    say("semaphore empty", sem_trywait(&sem));
    pthread_barrier_init(&bar, NULL, 5);
    for (int i = 0; i < 5; i++) pthread_create(&t[i], NULL, barrier, NULL);
    for (int i = 0; i < 5; i++) pthread_join(t[i], NULL);
    note("barriers: %d", passed);
    for (long i = 0; i < 4; i++) pthread_create(&t[i], NULL, rwuser, (void *)i);
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
    note("rwlock: %d %d bad %d", pair[0], pair[1], bad);
    pthread_create(&t[0], NULL, exits, NULL);
    pthread_join(t[0], &r);
    note("pthread_exit: %ld", (long)r);
    pid_t id[2];
    pthread_create(&t[0], NULL, ids, id);
    pthread_join(t[0], NULL);
    yes("one pid, two tids", id[0] == getpid() && id[1] != id[0]);
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_nsec += 30000000;
    if (ts.tv_nsec >= 1000000000) ts.tv_sec++, ts.tv_nsec -= 1000000000;
    pthread_mutex_lock(&m);
    note("timedwait: %s", strerror(pthread_cond_timedwait(&c, &m, &ts)));
    pthread_mutex_unlock(&m);
    pthread_attr_t at;
    pthread_attr_init(&at);
    pthread_attr_setdetachstate(&at, PTHREAD_CREATE_DETACHED);
    for (int i = 0; i < 100; i++) pthread_create(&t[0], &at, keyed, NULL);
    pthread_mutexattr_t ma;
    pthread_mutex_t rm;
    pthread_mutexattr_init(&ma);
    pthread_mutexattr_settype(&ma, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&rm, &ma);
    pthread_mutex_lock(&rm);
    note("error check: %s", strerror(pthread_mutex_lock(&rm)));
    main_leaves();
    return 0;
}
