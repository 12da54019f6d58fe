/* Job control: stopping, continuing, what the parent is told. */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <pthread.h>
#include "guest.h"

static volatile sig_atomic_t chld, conts;
static int last_code;
static void on_chld(int s, siginfo_t *si, void *c) { chld++; last_code = si->si_code; }
static void on_cont(int s) { conts++; }
static void *busy(void *a)
{
    while (a != (void *)1)
        if (a) getppid();
    return NULL;
}

static pid_t child(int threads, int caught)
{
    pid_t pid = fork();
    pthread_t t;

    if (pid) return pid;
    setpgid(0, 0);      /* SIGTSTP does nothing to an orphaned group */
    if (caught) signal(SIGCONT, on_cont);
    for (int i = 0; i < threads; i++) pthread_create(&t, NULL, busy, i ? &t : NULL);
    while (!caught || !conts) pause();
    _exit(7);
}

static void one(int sig, int threads, const char *what)
{
    int st;
    pid_t pid = child(threads, 0);
    char name[64];

    usleep(30000);
    chld = 0;
    kill(pid, sig);
    int r = waitpid(pid, &st, WUNTRACED);
    snprintf(name, sizeof name, "%s: stopped", what);
    check(r == pid && WIFSTOPPED(st) && WSTOPSIG(st) == sig, name);
    snprintf(name, sizeof name, "%s: SIGCHLD", what);
    check(chld == 1 && last_code == CLD_STOPPED, name);
    check(waitpid(pid, &st, WUNTRACED | WNOHANG) == 0, "reported once");
    kill(pid, SIGTERM);
    usleep(20000);
    check(waitpid(pid, &st, WNOHANG) == 0, "SIGTERM waits while it is stopped");
    kill(pid, SIGCONT);
    r = waitpid(pid, &st, 0);
    check(r == pid && WIFSIGNALED(st) && WTERMSIG(st) == SIGTERM, "and acts when continued");
}

int main(void)
{
    struct sigaction sa = { .sa_sigaction = on_chld, .sa_flags = SA_SIGINFO | SA_RESTART };
    int st;
    pid_t pid;

    sigaction(SIGCHLD, &sa, NULL);
    one(SIGSTOP, 0, "SIGSTOP");
    one(SIGTSTP, 0, "SIGTSTP");
    one(SIGSTOP, 2, "three threads");

    pid = child(0, 1);
    usleep(30000);
    kill(pid, SIGSTOP);
    waitpid(pid, &st, WUNTRACED);
    kill(pid, SIGCONT);
    check(waitpid(pid, &st, WCONTINUED) == pid, "WCONTINUED");
    if (WIFCONTINUED(st)) waitpid(pid, &st, 0);
    check(WIFEXITED(st) && WEXITSTATUS(st) == 7, "a SIGCONT handler runs");

    pid = child(0, 0);
    usleep(30000);
    kill(pid, SIGSTOP);
    waitpid(pid, &st, WUNTRACED);
    kill(pid, SIGKILL);
    check(waitpid(pid, &st, 0) == pid && WTERMSIG(st) == SIGKILL, "SIGKILL ends a stopped process");

    sa.sa_flags |= SA_NOCLDSTOP;
    sigaction(SIGCHLD, &sa, NULL);
    pid = child(0, 0);
    usleep(30000);
    chld = 0;
    kill(pid, SIGSTOP);
    waitpid(pid, &st, WUNTRACED);
    check(chld == 0, "SA_NOCLDSTOP");
    kill(pid, SIGKILL);
    waitpid(pid, &st, 0);
    return guest_end();
}
