/* vfork and posix_spawn, errors of exec among them. */
#include "say.h"
#include <spawn.h>
#include <sys/syscall.h>

extern char **environ;
static volatile int shared;

static void with_vfork(void)
{
    pid_t p;
    int st;

    shared = 1;
    if (!(p = vfork())) { shared = 2; _exit(4); }
    yes("vfork shares memory", shared == 2);
    say_wait("vfork _exit", p);
    if (!(p = vfork())) {
        execl("/bin/busybox", "sh", "-c", "exit 12", (char *)NULL);
        _exit(99);
    }
    say_wait("vfork exec", p);
    shared = 0;
    if (!(p = vfork())) {
        execl("/no/such", "x", (char *)NULL);
        shared = errno;
        _exit(127);
    }
    note("vfork exec error: %s", strerror(shared));
    say_wait("and", p);
    /* The parent stays asleep until the child's exec, though the child sleeps. */
    long long t = now_ms();
    if (!(p = vfork())) { struct timespec ts = { 0, 80000000 }; nanosleep(&ts, NULL); _exit(0); }
    yes("waits for it", now_ms() - t >= 75);
    waitpid(p, &st, 0);
    if (!(p = vfork())) { kill(getpid(), SIGKILL); _exit(1); }
    say_wait("killed in vfork", p);
    for (int i = 0; i < 50; i++) {
        if (!(p = vfork())) { execl("/bin/busybox", "true", (char *)NULL); _exit(1); }
        waitpid(p, &st, 0);
        if (st) note("round %d: %x", i, st);
    }
    note("fifty rounds");
    /* fork inside a vfork child. */
    if (!(p = vfork())) {
        pid_t q = syscall(SYS_fork);
        if (!q) _exit(3);
        int s2 = 0;
        waitpid(q, &s2, 0);
        _exit(WEXITSTATUS(s2) + 10);
    }
    say_wait("fork in vfork", p);
}

static int spawn(const char *what, const char *path, char *const argv[],
                 posix_spawn_file_actions_t *fa, posix_spawnattr_t *at)
{
    pid_t p;
    int r = posix_spawn(&p, path, fa, at, argv, environ);
    note("%s: %s", what, r ? strerror(r) : "started");
    if (!r) say_wait(what, p);
    return r;
}

static void spawns(void)
{
    char *ok[] = { "sh", "-c", "exit 5", NULL }, *out[] = { "sh", "-c", "echo out; echo err >&2", NULL };
    char buf[100];
    posix_spawn_file_actions_t fa;
    posix_spawnattr_t at;
    sigset_t s;

    spawn("plain", "/bin/busybox", ok, NULL, NULL);
    spawn("missing", "/no/such/thing", ok, NULL, NULL);
    spawn("a directory", "/bin", ok, NULL, NULL);
    int fd = open("notexec", O_CREAT | O_WRONLY, 0644);
    close(fd);
    spawn("no x bit", "./notexec", ok, NULL, NULL);
    chmod("notexec", 0755);
    spawn("empty", "./notexec", ok, NULL, NULL);

    posix_spawn_file_actions_init(&fa);
    posix_spawn_file_actions_addopen(&fa, 1, "spawn.out", O_CREAT | O_WRONLY | O_TRUNC, 0644);
    posix_spawn_file_actions_adddup2(&fa, 1, 2);
    spawn("file actions", "/bin/busybox", out, &fa, NULL);
    fd = open("spawn.out", O_RDONLY);
    int n = read(fd, buf, sizeof buf);
    close(fd);
    note("%.*s", n > 0 ? n : 0, buf);
    posix_spawn_file_actions_addopen(&fa, 3, "/no/dir/file", O_RDONLY, 0);
    spawn("a failing action", "/bin/busybox", out, &fa, NULL);

    posix_spawnattr_init(&at);
    sigemptyset(&s);
    sigaddset(&s, SIGUSR1);
    posix_spawnattr_setsigmask(&at, &s);
    posix_spawnattr_setpgroup(&at, 0);
    posix_spawnattr_setflags(&at, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    char *mask[] = { "sh", "-c", "kill -USR1 $$; exit 6", NULL };
    spawn("mask and group", "/bin/busybox", mask, NULL, &at);
    char *name[] = { "busybox", "true", NULL };
    pid_t p;
    int r = posix_spawnp(&p, "busybox", NULL, NULL, name, environ);
    note("spawnp: %s", r ? strerror(r) : "ok");
    if (!r) say_wait("spawnp", p);
    r = posix_spawnp(&p, "no-such-name", NULL, NULL, name, environ);
    note("spawnp missing: %s", strerror(r));
}

/* When posix_spawn has returned, the new program is what /proc shows. */
static void names_at_once(void)
{
    char *sleep_argv[] = { "busybox", "sleep", "30", NULL }, path[40], link[100], comm[40];
    int wrong = 0;
    for (int i = 0; i < 100; i++) {
        pid_t p;
        if (posix_spawn(&p, "/bin/busybox", NULL, NULL, sleep_argv, environ)) { wrong++; continue; }
        snprintf(path, sizeof path, "/proc/%d/exe", p);
        ssize_t n = readlink(path, link, sizeof link);
        wrong += n != 12 || memcmp(link, "/bin/busybox", 12);
        snprintf(path, sizeof path, "/proc/%d/comm", p);
        int f = open(path, O_RDONLY);
        n = read(f, comm, sizeof comm);
        close(f);
        wrong += n != 8 || memcmp(comm, "busybox", 7);
        kill(p, SIGKILL);
        waitpid(p, NULL, 0);
    }
    note("wrong names: %d", wrong);
}

int main(void)
{
    with_vfork();
    spawns();
    names_at_once();
    FILE *f = popen("echo popen; exit 3", "r");
    char line[50] = "";
    note("%s", fgets(line, sizeof line, f) ? line : "?");
    note("pclose: %d", WEXITSTATUS(pclose(f)));
    note("system: %d", WEXITSTATUS(system("exit 9")));
    return 0;
}
