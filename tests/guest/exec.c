/* exec: interpreters and their chains, every error, what survives. */
#include "say.h"
#include <sys/prctl.h>
#include <sys/mman.h>

extern char **environ;

static void put(const char *name, const void *data, size_t n, int mode)
{
    int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0644);
    if (write(fd, data, n) != (ssize_t)n) note("short write");
    fchmod(fd, mode);
    close(fd);
}
static void puts_(const char *name, const char *text, int mode) { put(name, text, strlen(text), mode); }

/* Runs it in a child; the exec error or the program's end. */
static void try(const char *path, char *const argv[])
{
    pid_t p = fork();
    if (!p) {
        execv(path, argv);
        note("%s: %s", path, strerror(errno));
        _exit(0);
    }
    say_wait(path, p);
}

static void scripts(void)
{
    char *a[] = { "zero", "one", "t w o", NULL };
    puts_("s1", "#!/bin/sh\necho \"$0|$1|$2|$#\"\nexit 3\n", 0755);
    puts_("s2", "#! /bin/sh  -e \necho \"$0|$-\"; false; echo not here\n", 0755);
    puts_("s3", "#!./s1\n", 0755);                  /* a script as interpreter */
    puts_("s4", "#!./s3\n", 0755);
    puts_("s5", "#!./s4\n", 0755);
    puts_("s6", "#!./s5\n", 0755);
    puts_("s7", "#!./s6\n", 0755);
    puts_("self", "#!./self\n", 0755);
    puts_("nointerp", "#!/no/interp\n", 0755);
    puts_("empty", "", 0755);
    puts_("bang", "#!", 0755);
    puts_("blank", "#!   \n", 0755);
    puts_("text", "echo plain text\n", 0755);
    puts_("noexec", "#!/bin/sh\n", 0644);
    puts_("nonl", "#!/bin/echo", 0755);
    puts_("tabs", "#!\t/bin/echo\ta b\tc  \nrest", 0755);
    char longline[400];
    memset(longline, 'a', sizeof longline);
    memcpy(longline, "#!/", 3);
    longline[sizeof longline - 1] = '\n';
    put("long", longline, sizeof longline, 0755);
    static const char *const all[] = { "./s1", "./s2", "./s3", "./s4", "./s5", "./s6", "./s7",
        "./self", "./nointerp", "./empty", "./blank", "./text", "./noexec", "./nonl",
        "./tabs", "./long", "/bin", "/no/such", "./s1/x", "" };
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) try(all[i], a);
    symlink("s1", "link");
    symlink("loop", "loop");
    try("./link", a);
    try("./loop", a);
    char name[5000];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    errno = 0;
    pid_t p = fork();
    if (!p) { execv(name, a); _exit(errno == ENAMETOOLONG ? 1 : 2); }
    say_wait("name too long", p);
}

static void binaries(void)
{
    char *a[] = { "x", NULL };
    unsigned char e[4096];
    int fd = open("/bin/busybox", O_RDONLY);
    if (read(fd, e, sizeof e) != sizeof e) note("read");
    close(fd);
    put("short", e, 40, 0755);
    put("cut", e, 100, 0755);
    e[18] = 183;                                    /* EM_AARCH64 */
    put("arm", e, sizeof e, 0755);
    e[18] = 62, e[16] = 1;                          /* ET_REL */
    put("rel", e, sizeof e, 0755);
    e[16] = 2, e[54] = 1;                           /* e_phentsize */
    put("phent", e, sizeof e, 0755);
    e[0] = 0;
    put("magic", e, sizeof e, 0755);
    try("./short", a);
    try("./arm", a);
    try("./rel", a);
    try("./phent", a);
    try("./magic", a);
    /* open for writing: ETXTBSY */
    put("busy", "#!/bin/sh\nexit 4\n", 17, 0755);
    fd = open("busy", O_WRONLY);
    try("./busy", a);
    close(fd);
    try("./busy", a);
}

/* What an exec keeps and what it resets; the program runs itself. */
static void survives(void)
{
    sigset_t s;
    int p[2];
    pid_t pid;

    if (pipe(p)) return;
    fcntl(p[1], F_SETFD, FD_CLOEXEC);
    if (!(pid = fork())) {
        char a[20], b[20];
        signal(SIGUSR1, SIG_IGN);
        signal(SIGUSR2, on_exit ? (void (*)(int))say_wait : SIG_DFL);
        sigemptyset(&s);
        sigaddset(&s, SIGHUP);
        sigprocmask(SIG_BLOCK, &s, NULL);
        raise(SIGHUP);
        umask(027);
        alarm(100);
        prctl(PR_SET_NAME, "before");
        snprintf(a, sizeof a, "%d", p[0]);
        snprintf(b, sizeof b, "%d", p[1]);
        char *argv[] = { "exec", "again", a, b, NULL }, *env[] = { "A=1", "B=two words", NULL };
        execve("/proc/self/exe", argv, env);
        say("exec self", -1);
        _exit(1);
    }
    say_wait("again", pid);
}

static int again(char **v)
{
    sigset_t s;
    struct sigaction sa;
    char name[20];

    note("argv0 %s", v[0]);
    for (char **e = environ; *e; e++) note("env %s", *e);
    yes("pipe kept", fcntl(atoi(v[2]), F_GETFD) == 0);
    say("close on exec", fcntl(atoi(v[3]), F_GETFD));
    sigprocmask(SIG_SETMASK, NULL, &s);
    yes("mask kept", sigismember(&s, SIGHUP) == 1 && sigismember(&s, SIGINT) == 0);
    sigpending(&s);
    yes("pending kept", sigismember(&s, SIGHUP) == 1);
    sigaction(SIGUSR1, NULL, &sa);
    yes("ignored kept", sa.sa_handler == SIG_IGN);
    sigaction(SIGUSR2, NULL, &sa);
    yes("caught reset", sa.sa_handler == SIG_DFL);
    note("umask %o", umask(0));
    yes("alarm kept", alarm(0) > 90);
    prctl(PR_GET_NAME, name);
    note("comm %s", name);
    return 0;
}

static void at_forms(void)
{
    char *a[] = { "sh", "-c", "echo via fd; exit 5", NULL };
    int fd = open("/bin/busybox", O_RDONLY | O_CLOEXEC);
    pid_t p;
    if (!(p = fork())) { fexecve(fd, a, environ); note("fexecve: %s", strerror(errno)); _exit(1); }
    say_wait("fexecve", p);
    fd = open("/bin", O_RDONLY | O_DIRECTORY);
    if (!(p = fork())) { execveat(fd, "busybox", a, environ, 0); _exit(1); }
    say_wait("execveat", p);
    symlink("/bin/busybox", "blink");
    if (!(p = fork())) {
        execveat(AT_FDCWD, "blink", a, environ, AT_SYMLINK_NOFOLLOW);
        note("nofollow: %s", strerror(errno));
        _exit(1);
    }
    say_wait("execveat nofollow", p);
    puts_("sfd", "#!/bin/sh\nexit 6\n", 0755);
    fd = open("sfd", O_RDONLY);
    if (!(p = fork())) { fexecve(fd, a, environ); _exit(1); }
    say_wait("script by fd", p);
    fd = memfd_create("prog", 0);
    int in = open("/bin/busybox", O_RDONLY);
    char buf[65536];
    for (ssize_t n; (n = read(in, buf, sizeof buf)) > 0;)
        if (write(fd, buf, n) != n) note("write");
    if (!(p = fork())) { fexecve(fd, a, environ); note("memfd: %s", strerror(errno)); _exit(1); }
    say_wait("from a memfd", p);
}

int main(int argc, char **argv)
{
    if (argc > 1) return again(argv);
    scripts();
    binaries();
    survives();
    at_forms();
    return 0;
}
