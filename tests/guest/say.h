/* For guest programs whose output is compared with the host's, byte for byte: results and
 * error names as they are, none of which may depend on the machine or on time. */
#ifndef SAY_H
#define SAY_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

/* "what: result", or "what: -1 error text"; returns the result. */
UNUSED static long say(const char *what, long r)
{
    if (r == -1) printf("%s: -1 %s\n", what, strerror(errno));
    else printf("%s: %ld\n", what, r);
    fflush(stdout);
    return r;
}

/* For results that are numbers of the machine (descriptors, ids): only whether it worked. */
UNUSED static long did(const char *what, long r)
{
    if (r == -1) printf("%s: -1 %s\n", what, strerror(errno));
    else printf("%s: ok\n", what);
    fflush(stdout);
    return r;
}

UNUSED static int yes(const char *what, int cond)
{
    printf("%s: %s\n", what, cond ? "yes" : "no");
    fflush(stdout);
    return cond;
}

__attribute__((unused, format(printf, 1, 2))) static void note(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    fflush(stdout);
}

/* What can't be tried on this machine: elsewhere these are lines that begin with `what`.
 * tests/guest/run compares without them, and shows the reason. */
UNUSED static void without(const char *what, const char *reason)
{
    printf("@@ without %s: %s\n", what, reason);
    fflush(stdout);
}

/* Waits until the process sleeps in its system call, five seconds at most. */
UNUSED static void await_sleep(pid_t pid)
{
    char path[40], buf[128], *p;
    for (int i = 0; i < 5000; i++) {
        snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        int fd = open(path, O_RDONLY);
        ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof buf - 1);
        close(fd);
        buf[n > 0 ? n : 0] = 0;
        p = strrchr(buf, ')');
        if (p && p[2] == 'S') return;
        usleep(1000);
    }
}

/* How a child ended, in words. */
UNUSED static void say_status(const char *what, int st)
{
    if (WIFEXITED(st)) note("%s: exit %d", what, WEXITSTATUS(st));
    else if (WIFSIGNALED(st)) note("%s: signal %d%s", what, WTERMSIG(st), "");
    else if (WIFSTOPPED(st)) note("%s: stopped %d", what, WSTOPSIG(st));
    else if (WIFCONTINUED(st)) note("%s: continued", what);
    else note("%s: status %x", what, st);
}

/* Waits for pid and says how it ended. */
UNUSED static void say_wait(const char *what, pid_t pid)
{
    int st;
    pid_t r;
    do r = waitpid(pid, &st, 0); while (r == -1 && errno == EINTR);
    if (r == -1) say(what, -1);
    else say_status(what, st);
}

UNUSED static void nap(int ms)
{
    struct timespec t = { ms / 1000, ms % 1000 * 1000000L };
    while (nanosleep(&t, &t) == -1 && errno == EINTR) continue;
}

UNUSED static long long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}
#endif
