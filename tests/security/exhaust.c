/* Takes all there is. usage: exhaust MODE
 *   fork, threads       by the guest's own calls, until refused: "EAGAIN after N"
 *   rawfork, rawthreads by host calls of which the guest kernel knows nothing
 *   hog, rawhog         memory, until refused or killed; hogs: by many processes
 *   fds                 files open and mapped in many processes at once
 *   signals             every signal that passes to every process there might be
 *   spin                for ever, without a call
 *   rawexit             a process that ends behind the guest kernel's back */
#include "hostile.h"

#include <pthread.h>

static void sleep_on(void *arg)
{
    static uint32_t never;

    for (;;)
        raw(SYS_futex, (u64)&never, 0, 0, 0, 0, 0);
}

static void *sleep_thread(void *arg)
{
    sleep(1000);
    return NULL;
}

static int fork_bomb(void)
{
    for (int n = 0; n < 100000; n++) {
        pid_t p = fork();
        if (p == 0)
            sleep(1000);
        if (p < 0) {
            say("%s after %d", strerrorname_np(errno), n);
            kill(-1, SIGKILL);
            for (int i = 0; i < n; i++)
                if (wait(NULL) < 0)
                    say("wait: %s", strerrorname_np(errno));
            p = fork();
            if (p == 0)
                _exit(0);
            say("then: %s", p > 0 ? "fork works" : strerrorname_np(errno));
            return 0;
        }
    }
    say("never refused");
    return 1;
}

static int thread_bomb(void)
{
    pthread_attr_t a;
    pthread_t t;

    pthread_attr_init(&a);
    pthread_attr_setstacksize(&a, 16384);
    for (int n = 0; n < 100000; n++) {
        int e = pthread_create(&t, &a, sleep_thread, NULL);
        if (e) {
            say("%s after %d", strerrorname_np(e), n);
            return 0;
        }
    }
    say("never refused");
    return 1;
}

static int raw_bomb(u64 flags)
{
    for (int n = 0; n < 100000; n++) {
        long r = raw_clone(flags, sleep_on, NULL);
        if (r < 0) {
            say("%s after %d", strerrorname_np((int)-r), n);
            return 0;
        }
    }
    say("never refused");
    return 1;
}

static int hog(void)
{
    for (u64 mb = 0; mb < 100000; mb++) {
        char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) {
            say("%s after %d MiB", strerrorname_np(errno), (int)mb);
            return 0;
        }
        memset(p, 1, 1 << 20);
    }
    return 1;
}

/* The parent outlives its greedy children, or so it should be. */
static int hogs(void)
{
    int st = 0, killed = 0;

    for (int i = 0; i < 4; i++)
        if (fork() == 0)
            _exit(hog());
    while (wait(&st) > 0)
        killed += WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL;
    say("%s killed, the parent lives", killed ? "some" : "none");
    return 0;
}

static int raw_hog(void)
{
    for (u64 at = 0x4000000000ull;; at += 1 << 20) {
        long r = raw(SYS_mmap, at, 1 << 20, 3,
                     MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, ~0u, 0);
        if (r < 0 && r > -4096) {
            say("refused");
            return 0;
        }
        *(volatile char *)at = 1;
    }
}

static int fds(void)
{
    for (int i = 0; i < 20; i++) {
        if (fork())
            continue;
        for (int n = 0; n < 1000; n++) {
            int fd = open("/bin/busybox", O_RDONLY);
            char *p = fd < 0 ? MAP_FAILED
                             : mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
            if (p == MAP_FAILED || p[1] != 'E')
                break;
        }
        sleep(1);
        _exit(0);
    }
    while (wait(NULL) > 0)
        ;
    int fd = open("/bin/busybox", O_RDONLY);
    char c[4] = { 0 };
    say("then: %s", read(fd, c, 4) == 4 && c[1] == 'E' ? "files work" : "no file can be read");
    return 0;
}

static int signals(void)
{
    for (int pid = 1; pid < 40000; pid++) {
        raw(SYS_tgkill, (u64)pid, (u64)pid, pid & 1 ? PV_SIG_KICK : 0, 0, 0, 0);
        if (pid > 2 && pid < 200)
            raw(SYS_tgkill, (u64)pid, (u64)pid, PV_SIG_KICK, 0, 0, 0);
    }
    for (int s = 1; s <= 64; s++)
        if (s != SIGKILL && s != SIGSTOP && fork() == 0)
            _exit(kill(1, s) && kill(-1, s));
    while (wait(NULL) > 0)
        ;
    say("done");
    return 0;
}

static int raw_exit(void)
{
    pid_t p = fork();

    if (p == 0)
        raw(SYS_exit_group, 0, 0, 0, 0, 0, 0);
    say("%s", waitpid(p, NULL, 0) == p ? "reaped" : "not reaped");
    return 0;
}

static int spin(void)
{
    say("ready");
    for (;;)
        __asm__ volatile("");
    return 0;
}

static int raw_fork(void) { return raw_bomb(PV_CLONE_PROCESS); }
static int raw_threads(void) { return raw_bomb(PV_CLONE_THREAD); }

int main(int argc, char **argv)
{
    static const struct { const char *name; int (*fn)(void); } modes[] = {
        { "fork", fork_bomb }, { "threads", thread_bomb }, { "rawfork", raw_fork },
        { "rawthreads", raw_threads }, { "hog", hog }, { "hogs", hogs }, { "rawhog", raw_hog },
        { "fds", fds }, { "signals", signals }, { "spin", spin }, { "rawexit", raw_exit },
    };

    if (argc < 2)
        return 2;
    find_gadget();
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(argv[1], modes[i].name) == 0)
            return modes[i].fn();
    return 2;
}
