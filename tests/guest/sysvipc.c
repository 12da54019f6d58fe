/* System V IPC: shared memory, semaphores, message queues. */
#include "say.h"
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <setjmp.h>

#define KEY 0x78656e63
union semun { int val; struct semid_ds *buf; unsigned short *array; struct seminfo *info; };
static long ptr(void *p) { return p == (void *)-1 ? -1 : 0; }
static sigjmp_buf env;
static void on(int s) { siglongjmp(env, s); }
static int poke(volatile char *p) { int s = sigsetjmp(env, 1); if (s) return s; *p = 1; return 0; }
static void nop(int s) { }

static int nattch(int id)
{
    struct shmid_ds d;
    return shmctl(id, IPC_STAT, &d) ? -1 : (int)d.shm_nattch;
}

static void shm(void)
{
    struct shmid_ds d;
    int id, st;
    say("no such key", shmget(KEY, 4096, 0));
    say("size 0", shmget(KEY, 0, IPC_CREAT | 0600));
    did("make", id = shmget(KEY, 10000, IPC_CREAT | IPC_EXCL | 0640));
    say("again, exclusive", shmget(KEY, 10000, IPC_CREAT | IPC_EXCL | 0640));
    yes("found", shmget(KEY, 0, 0) == id && shmget(KEY, 10000, IPC_CREAT) == id);
    say("found, too big", shmget(KEY, 10001, 0));
    char *p = shmat(id, NULL, 0), *q = shmat(id, NULL, SHM_RDONLY);
    did("attach", ptr(p));
    did("attach to read", ptr(q));
    p[9000] = 5;
    note("seen %d, zeros %d, write to read-only: signal %d", q[9000], q[100], poke(q));
    say("mprotect read-only", mprotect(q, 4096, PROT_READ | PROT_WRITE));
    shmctl(id, IPC_STAT, &d);
    note("size %zu attached %d mode %o", d.shm_segsz, (int)d.shm_nattch, d.shm_perm.mode);
    yes("pids", d.shm_cpid == getpid() && d.shm_lpid == getpid() && d.shm_atime && !d.shm_dtime);
    pid_t c = fork();
    if (!c) { p[0] = 7; note("in the child %d", nattch(id)); _exit(0); }
    say_wait("child", c);
    note("its byte %d, attached %d", p[0], nattch(id));
    c = fork();
    if (!c) { say("child detaches", shmdt(p)); note("attached %d", nattch(id)); kill(getpid(), SIGKILL); }
    say_wait("child", c);
    note("attached %d", nattch(id));
    c = fork();
    if (!c) { execl("/proc/self/exe", "sysvipc", "nothing", NULL); _exit(1); }
    say_wait("exec", c);
    note("attached %d", nattch(id));
    say("detach inside", shmdt(p + 4096));
    say("detach unaligned", shmdt(p + 1));
    munmap(p, 4096);
    note("partly unmapped: %d", nattch(id));
    say("the rest", shmdt(p));
    note("attached %d", nattch(id));
    say("detached already", shmdt(p));
    char *area = mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    say("at a taken place", ptr(shmat(id, area, 0)));
    yes("remap", shmat(id, area, SHM_REMAP) == area);
    yes("rounded", shmat(id, area + 20000, SHM_RND | SHM_REMAP) == area + 16384);
    say("unaligned", ptr(shmat(id, area + 20000, 0)));
    say("remap nowhere", ptr(shmat(id, NULL, SHM_REMAP)));
    note("%d %d, attached %d", area[9000], area[16384 + 9000], nattch(id));
    munmap(area, 65536);
    note("attached %d", nattch(id));
    say("remove", shmctl(id, IPC_RMID, NULL));
    say("key gone", shmget(KEY, 0, 0));
    shmctl(id, IPC_STAT, &d);
    note("still there, mode %o key %x, %d", d.shm_perm.mode, d.shm_perm.__key, q[9000]);
    p = shmat(id, NULL, 0);
    did("attach a removed one", ptr(p));
    shmdt(p);
    shmdt(q);
    say("gone", shmctl(id, IPC_STAT, &d));
    say("bad id", ptr(shmat(0x7ffffff, NULL, 0)));
    id = shmget(IPC_PRIVATE, 4096, 0600);
    shmctl(id, IPC_STAT, &d);
    d.shm_perm.mode = 0604;
    d.shm_perm.uid = 1000;
    say("set", shmctl(id, IPC_SET, &d));
    shmctl(id, IPC_STAT, &d);
    note("mode %o uid %d", d.shm_perm.mode, d.shm_perm.uid);
    c = fork();
    if (!c) {
        setgid(2000), setuid(2000);
        say("stranger reads", ptr(shmat(id, NULL, SHM_RDONLY)) );
        say("stranger writes", ptr(shmat(id, NULL, 0)));
        say("stranger removes", shmctl(id, IPC_RMID, NULL));
        _exit(0);
    }
    say_wait("stranger", c);
    say("lock", shmctl(id, SHM_LOCK, NULL));
    shmctl(id, IPC_STAT, &d);
    note("mode %o", d.shm_perm.mode);
    say("remove", shmctl(id, IPC_RMID, NULL));
    say("bad command", shmctl(id, 99, NULL));
    signal(SIGALRM, nop);
}

static struct sembuf op(int n, int o, int f) { struct sembuf s = { n, o, f }; return s; }
static long one(int id, int n, int o, int f) { struct sembuf s = { n, o, f }; return semop(id, &s, 1); }
static void vals(const char *what, int id)
{
    unsigned short v[3];
    semctl(id, 0, GETALL, v);
    note("%s: %d %d %d", what, v[0], v[1], v[2]);
}

static int sem(void)
{
    union semun u;
    int id;
    pid_t c;
    say("no sems", semget(KEY, 0, IPC_CREAT | 0600));
    say("too many", semget(KEY, 1 << 20, IPC_CREAT | 0600));
    did("make", id = semget(KEY, 3, IPC_CREAT | IPC_EXCL | 0600));
    say("more than there are", semget(KEY, 4, 0));
    yes("found", semget(KEY, 3, 0) == id && semget(KEY, 0, 0) == id);
    vals("new", id);
    u.val = 5;
    say("set", semctl(id, 1, SETVAL, u));
    say("get", semctl(id, 1, GETVAL));
    yes("by me", semctl(id, 1, GETPID) == getpid());
    u.val = 40000;
    say("too high", semctl(id, 1, SETVAL, u));
    say("no such", semctl(id, 3, GETVAL));
    say("up", one(id, 0, 3, 0));
    say("down", one(id, 0, -2, 0));
    say("not now", one(id, 0, -2, IPC_NOWAIT));
    say("not zero", one(id, 0, 0, IPC_NOWAIT));
    say("zero", one(id, 2, 0, IPC_NOWAIT));
    say("over the top", one(id, 0, 32767, 0));
    say("no such sem", one(id, 3, 1, 0));
    struct sembuf two[2] = { op(0, 1, 0), op(2, -1, IPC_NOWAIT) };
    say("all or nothing", semop(id, two, 2));
    vals("unchanged", id);
    say("none", semop(id, two, 0));
    say("many", semop(id, two, 501));
    c = fork();
    if (!c) _exit(one(id, 2, -1, 0) == 0 ? 3 : 4);
    while (semctl(id, 2, GETNCNT) != 1) nap(5);
    note("waiters %d %d", semctl(id, 2, GETNCNT), semctl(id, 2, GETZCNT));
    one(id, 2, 1, 0);
    say_wait("woken", c);
    note("waiters %d", semctl(id, 2, GETNCNT));
    c = fork();
    if (!c) _exit(one(id, 1, 0, 0) == 0 ? 3 : 4);
    while (semctl(id, 1, GETZCNT) != 1) nap(5);
    one(id, 1, -5, 0);
    say_wait("zero at last", c);
    return id;
}

static void sem_undoing(int id)
{
    union semun u;
    pid_t c;
    one(id, 1, 2, 0);
    c = fork();
    if (!c) { one(id, 0, 4, SEM_UNDO); one(id, 1, -2, SEM_UNDO); vals("in the child", id); kill(getpid(), SIGKILL); }
    say_wait("child", c);
    vals("undone", id);
    c = fork();
    if (!c) { one(id, 0, 4, SEM_UNDO); if (!fork()) _exit(0); wait(NULL); vals("fork does not inherit it", id);
        u.val = 9; semctl(id, 0, SETVAL, u); _exit(0); }
    say_wait("child", c);
    vals("SETVAL forgets it", id);
}

static void sem_ends(int id)
{
    struct semid_ds d;
    union semun u;
    pid_t c;
    c = fork();
    if (!c) { one(id, 2, -1, 0); _exit(0); }
    while (semctl(id, 2, GETNCNT) != 1) nap(5);
    kill(c, SIGKILL);
    say_wait("killed", c);
    note("waiters %d", semctl(id, 2, GETNCNT));
    struct timespec t = { 0, 20000000 };
    struct sembuf s = op(2, -1, 0);
    say("timeout", semtimedop(id, &s, 1, &t));
    t.tv_nsec = 2000000000;
    say("bad timeout", semtimedop(id, &s, 1, &t));
    struct sigaction sa = { .sa_handler = nop, .sa_flags = SA_RESTART };
    sigaction(SIGALRM, &sa, NULL);
    ualarm(20000, 0);
    say("interrupted", one(id, 2, -1, 0));
    unsigned short v[3] = { 7, 8, 9 };
    u.array = v;
    say("SETALL", semctl(id, 0, SETALL, u));
    vals("all", id);
    u.buf = &d;
    semctl(id, 0, IPC_STAT, u);
    note("n %d mode %o %d", (int)d.sem_nsems, d.sem_perm.mode, d.sem_otime && d.sem_ctime);
    u.val = 0;
    semctl(id, 2, SETVAL, u);
    c = fork();
    if (!c) { say("removed under it", one(id, 2, -1, 0)); _exit(0); }
    while (semctl(id, 2, GETNCNT) != 1) nap(5);
    say("remove", semctl(id, 0, IPC_RMID));
    say_wait("waiter", c);
    say("gone", one(id, 0, 1, 0));
}

static void contention(void)
{
    int id = semget(IPC_PRIVATE, 1, 0600);
    int m = shmget(IPC_PRIVATE, 4096, 0600);
    volatile int *n = shmat(m, NULL, 0);
    one(id, 0, 1, 0);
    for (int i = 0; i < 4; i++)
        if (!fork()) {
            for (int k = 0; k < 200; k++) {
                one(id, 0, -1, SEM_UNDO);
                int x = *n;
                sched_yield();
                *n = x + 1;
                one(id, 0, 1, SEM_UNDO);
            }
            _exit(0);
        }
    while (wait(NULL) > 0) continue;
    note("counted %d", *n);
    semctl(id, 0, IPC_RMID);
    shmctl(m, IPC_RMID, NULL);
}

struct m { long type; char text[100]; };
static void snd(int id, long type, const char *t) { struct m m = { type }; strcpy(m.text, t); msgsnd(id, &m, strlen(t), 0); }
static void rcv(const char *what, int id, long type, size_t max, int flags)
{
    struct m m = { 0 };
    ssize_t n = msgrcv(id, &m, max, type, flags);
    if (n < 0) say(what, n);
    else note("%s: %zd type %ld '%.*s'", what, n, m.type, (int)n, m.text);
}

static void msg(void)
{
    struct msqid_ds d;
    struct m m = { 1 };
    int id;
    pid_t c;
    did("make", id = msgget(KEY, IPC_CREAT | IPC_EXCL | 0600));
    say("type 0", msgsnd(id, &(struct m){ 0 }, 1, 0));
    say("too long", msgsnd(id, &m, 10000, 0));
    say("none", msgrcv(id, &m, 100, 0, IPC_NOWAIT));
    snd(id, 3, "three"); snd(id, 1, "one"); snd(id, 2, "two"); snd(id, 3, "drei"); snd(id, 1, "eins");
    msgctl(id, IPC_STAT, &d);
    note("%lu messages, %lu bytes of %lu", d.msg_qnum, d.__msg_cbytes, d.msg_qbytes);
    rcv("type 2", id, 2, 100, 0);
    rcv("first", id, 0, 100, 0);
    rcv("except 1", id, 1, 100, MSG_EXCEPT);
    snd(id, 7, "seven");
    rcv("lowest up to 5", id, -5, 100, 0);
    rcv("no such", id, 99, 100, IPC_NOWAIT);
    rcv("too small", id, 7, 3, IPC_NOWAIT);
    rcv("cut", id, 7, 3, MSG_NOERROR);
    rcv("last", id, 0, 100, 0);
    snd(id, 1, "");
    rcv("empty", id, 0, 100, 0);
    c = fork();
    if (!c) { rcv("child", id, 4, 100, 0); _exit(0); }
    nap(20);
    snd(id, 5, "not this");
    snd(id, 4, "this");
    say_wait("child", c);
    rcv("left", id, 0, 100, 0);
    /* full */
    char big[8008] = { 1 };
    msgsnd(id, big, 8000, 0), msgsnd(id, big, 8000, 0);
    say("full", msgsnd(id, big, 8000, IPC_NOWAIT));
    c = fork();
    if (!c) _exit(msgsnd(id, big, 8000, 0) ? errno : 0);
    await_sleep(c);
    say("receive", msgrcv(id, big, 8000, 0, 0));
    say_wait("sender", c);
    c = fork();
    if (!c) _exit(msgsnd(id, big, 8000, 0) ? errno : 0);
    await_sleep(c);
    say("remove", msgctl(id, IPC_RMID, NULL));
    say_wait("sender", c);
    id = msgget(IPC_PRIVATE, 0600);
    struct sigaction sa = { .sa_handler = nop, .sa_flags = SA_RESTART };
    sigaction(SIGALRM, &sa, NULL);
    ualarm(20000, 0);
    say("interrupted", msgrcv(id, big, 8000, 0, 0));
    c = fork();
    if (!c) { msgrcv(id, big, 8000, 0, 0); _exit(0); }
    await_sleep(c);
    kill(c, SIGKILL);
    say_wait("killed", c);
    msgctl(id, IPC_STAT, &d);
    d.msg_qbytes = 100;
    say("set", msgctl(id, IPC_SET, &d));
    say("over", msgsnd(id, big, 101, IPC_NOWAIT));
    say("fits", msgsnd(id, big, 100, IPC_NOWAIT));
    say("remove", msgctl(id, IPC_RMID, NULL));
}

static void text(const char *kind)
{
    char name[40], line[300];
    int n = 0;
    snprintf(name, sizeof name, "/proc/sysvipc/%s", kind);
    FILE *f = fopen(name, "r");
    while (f && fgets(line, sizeof line, f)) n++;
    note("%s: %s", kind, n >= 1 ? "read" : "no");
    if (f) fclose(f);
}

int main(int argc, char **argv)
{
    if (argc > 1) return 5;
    signal(SIGSEGV, on);
    signal(SIGBUS, on);
    shm();
    int id = sem();
    sem_undoing(id);
    sem_ends(id);
    contention();
    msg();
    text("shm"), text("sem"), text("msg");
    return 0;
}
