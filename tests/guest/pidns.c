/* Pid namespaces: numbers inside and outside, a /proc of its own, the first process's duties,
 * its protection and its end; unshare, setns, clone3's set_tid. */
#include "say.h"
#include <dirent.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static int up[2], down[2];      /* pipes: child to parent and back */

static pid_t newpid(u_int64_t more)
{
    struct clone_args ca = { .flags = CLONE_NEWPID | more, .exit_signal = SIGCHLD };
    fflush(stdout);
    return (pid_t)syscall(SYS_clone3, &ca, sizeof ca);
}

static void tell(int fd) { char c = 1; if (write(fd, &c, 1) != 1) _exit(99); }
static void hear(int fd) { char c; if (read(fd, &c, 1) != 1) _exit(98); }

static void pipes(void)
{
    if (pipe(up) || pipe(down)) exit(97);
}

/* The words after a name in /proc/PID/status; how many numbers there are. */
static int status_line(const char *pid, const char *name, int nr[8])
{
    char path[64], line[300];
    int n = -1;
    snprintf(path, sizeof path, "/proc/%s/status", pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f)) {
        if (strncmp(line, name, strlen(name)) || line[strlen(name)] != ':') continue;
        n = 0;
        for (char *p = strtok(line + strlen(name) + 1, "\t\n "); p && n < 8; p = strtok(NULL, "\t\n "))
            nr[n++] = atoi(p);
    }
    if (f) fclose(f);
    return n;
}

static void *thread(void *arg) { *(int *)arg = (int)syscall(SYS_gettid); return NULL; }

static void numbers(void)
{
    int nr[8], fd[2], tid = 0, ours = getpid();
    pthread_t th;
    char name[20];
    pipes();
    pid_t c = newpid(0);
    if (!c) {
        note("pid %d tid %ld ppid %d", getpid(), syscall(SYS_gettid), getppid());
        note("group %d session %d, of 1 %d", getpgrp(), getsid(0), getpgid(1));
        say("setsid", setsid());
        note("group %d session %d", getpgrp(), getsid(0));
        pthread_create(&th, NULL, thread, &tid);
        pthread_join(th, NULL);
        note("thread %d", tid);
        pid_t d = fork();
        if (!d) {
            note("child %d of %d", getpid(), getppid());
            _exit(getpid());
        }
        say("wait", wait(NULL));
        note("forked %d", d);
        say("kill outer", kill(ours, 0));
        say("priority of outer", getpriority(PRIO_PROCESS, (id_t)ours));
        say("affinity of outer", sched_getaffinity(ours, 8, nr));
        tell(up[1]);
        hear(down[0]);
        _exit(5);
    }
    hear(up[0]);
    snprintf(name, sizeof name, "%d", (int)c);
    int n = status_line(name, "NSpid", nr);
    note("NSpid has %d: outer ok %d, inner %d", n, n > 0 && nr[n - 2] == c, n > 0 ? nr[n - 1] : -1);
    n = status_line(name, "NSsid", nr);
    note("NSsid has %d, inner %d", n, n > 0 ? nr[n - 1] : -1);
    tell(down[1]);
    say_wait("child", c);
    /* credentials */
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fd)) exit(96);
    int on = 1;
    setsockopt(fd[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    setsockopt(fd[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    for (int inward = 0; inward < 2; inward++) {
        c = newpid(0);
        if ((c == 0) != inward) {
            if (c == 0) usleep(1000);
            if (write(fd[0], "x", 1) != 1) _exit(95);
            if (c == 0) _exit(0);
        }
        if ((c == 0) == inward) {
            char b[100], data;
            struct iovec io = { &data, 1 };
            struct msghdr h = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = b, .msg_controllen = sizeof b };
            say("recvmsg", recvmsg(fd[1], &h, 0));
            struct cmsghdr *m = CMSG_FIRSTHDR(&h);
            struct ucred u = { 0 };
            if (m) memcpy(&u, CMSG_DATA(m), sizeof u);
            if (inward) note("from above: pid %d", u.pid);
            else note("from below: its outer number %d", u.pid == c);
            if (c == 0) _exit(0);
        }
        say_wait("sender", c);
    }
    close(fd[0]), close(fd[1]);
}

static int ndirs(void)
{
    DIR *d = opendir("pd");
    struct dirent *e;
    int n = 0;
    while (d && (e = readdir(d)))
        if (e->d_name[0] >= '1' && e->d_name[0] <= '9') n++;
    if (d) closedir(d);
    return n;
}

static void own_proc(void)
{
    char link[64] = "", comm[32] = "";
    pid_t c = newpid(CLONE_NEWNS);
    if (!c) {
        mkdir("pd", 0755);
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
        yes("we are in the outer one", readlink("/proc/self", link, 60) > 1);
        say("mount", mount("p", "pd", "proc", 0, NULL));
        int n = (int)readlink("pd/self", link, 60);
        link[n > 0 ? n : 0] = 0;
        note("self %s", link);
        n = (int)readlink("pd/thread-self", link, 60);
        link[n > 0 ? n : 0] = 0;
        note("thread-self %s", link);
        note("processes %d", ndirs());
        pid_t d = fork();
        if (!d) { pause(); _exit(0); }
        note("processes %d", ndirs());
        FILE *f = fopen("pd/2/stat", "r");
        int pid, ppid, pgrp, sid;
        char st;
        if (f && fscanf(f, "%d %31s %c %d %d %d", &pid, comm, &st, &ppid, &pgrp, &sid) == 6)
            note("stat %d ppid %d group %d session %d", pid, ppid, pgrp, sid);
        if (f) fclose(f);
        say("not there", access("pd/3", F_OK));
        kill(d, SIGKILL);
        wait(NULL);
        note("processes %d", ndirs());
        umount2("pd", MNT_DETACH);
        rmdir("pd");
        _exit(0);
    }
    say_wait("own proc", c);
}

static volatile int last_pid, last_code, seen;
static void on_signal(int s, siginfo_t *i, void *u) { last_pid = i->si_pid; last_code = i->si_code; seen = s; }

static void first_process(void)
{
    struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
    int st;
    pipes();
    pid_t c = newpid(0);
    if (!c) {           /* protected against its own */
        pid_t d = fork();
        if (!d) {
            say("term to 1", kill(1, SIGTERM));
            say("kill to 1", kill(1, SIGKILL));
            say("stop to 1", kill(1, SIGSTOP));
            _exit(0);
        }
        say_wait("shooter", d);
        sigaction(SIGUSR1, &sa, NULL);
        sigaction(SIGCHLD, &sa, NULL);
        d = fork();
        if (!d) _exit(3);
        while (seen != SIGCHLD) usleep(1000);
        note("child's pid %d code %d", last_pid, last_code);
        say_wait("it", d);
        seen = 0;
        tell(up[1]);
        while (!seen) usleep(1000);
        note("from above: pid %d code %d", last_pid, last_code);
        /* orphans come to 1 */
        d = fork();
        if (!d) {
            if (!fork()) {
                while (getppid() != 1) usleep(1000);
                note("orphan %d of %d", getpid(), getppid());
                _exit(7);
            }
            _exit(0);
        }
        waitpid(d, NULL, 0);
        say("orphan", wait(&st));
        say_status("it", st);
        tell(up[1]);
        pause();
        pause();
        _exit(0);
    }
    hear(up[0]);
    kill(c, SIGUSR1);
    hear(up[0]);
    say("term from above does nothing", kill(c, SIGTERM));
    say("still there", kill(c, 0));
    say("kill from above", kill(c, SIGKILL));
    say_wait("first", c);
}

static void its_end(void)
{
    char x;
    int p[2], n = 0;
    pipes();
    if (pipe(p)) exit(94);
    pid_t c = newpid(0);
    if (!c) {
        close(p[0]);
        for (int i = 0; i < 3; i++)
            if (!fork()) {
                if (!fork()) { setsid(); signal(SIGTERM, SIG_IGN); tell(p[1]); pause(); _exit(0); }
                tell(p[1]);
                pause();
                _exit(0);
            }
        if (!newpid(0)) {       /* and one further in */
            if (!fork()) { tell(p[1]); pause(); _exit(0); }
            tell(p[1]);
            pause();
            _exit(0);
        }
        hear(down[0]);
        _exit(9);
    }
    close(p[1]);
    for (int i = 0; i < 8; i++) { hear(p[0]); n++; }
    note("%d live", n);
    tell(down[1]);
    say_wait("first", c);
    say("all of them are gone", read(p[0], &x, 1));
    close(p[0]);
}

static void unsharing(void)
{
    char a[100] = "", b[100] = "";
    pipes();
    fflush(stdout);
    pid_t u = fork();
    if (!u) {
        say("unshare", unshare(CLONE_NEWPID));
        yes("we stay", getpid() != 1);
        say("for children, no process yet", readlink("/proc/self/ns/pid_for_children", a, 99));
        say("again", unshare(CLONE_NEWPID));
        say("clone in a newer one", newpid(0));
        pthread_t th;
        int tid;
        note("thread: %s", strerror(pthread_create(&th, NULL, thread, &tid)));
        pid_t c = fork();
        if (!c) {
            note("first %d of %d", getpid(), getppid());
            pid_t d = fork();
            if (!d) _exit(getpid());
            say_wait("second", d);
            tell(up[1]);
            hear(down[0]);
            _exit(4);
        }
        hear(up[0]);
        readlink("/proc/self/ns/pid", a, 99);
        say("for children", readlink("/proc/self/ns/pid_for_children", b, 99) > 0);
        yes("differs", strcmp(a, b));
        pid_t d = fork();
        if (!d) { note("sibling %d of %d", getpid(), getppid()); _exit(0); }
        say_wait("sibling", d);
        tell(down[1]);
        say_wait("first", c);
        say("after its end", fork());
        _exit(0);
    }
    say_wait("unsharing", u);
}

static void joining(void)
{
    char path[64];
    pipes();
    pid_t c = newpid(0);
    if (!c) {
        int own = open("/proc/self/ns/pid", O_RDONLY);
        yes("no such process in the outer proc", own < 0 || getpid() == 1);
        tell(up[1]);
        hear(down[0]);
        pid_t r;
        int st, n = 0;
        while ((r = waitpid(-1, &st, WNOHANG)) > 0) n++;
        note("children of ours: %d", n);
        _exit(0);
    }
    hear(up[0]);
    snprintf(path, sizeof path, "/proc/%d/ns/pid", (int)c);
    int fd = open(path, O_RDONLY), own = open("/proc/self/ns/pid", O_RDONLY);
    fflush(stdout);
    pid_t j = fork();
    if (!j) {
        say("setns", setns(fd, CLONE_NEWPID));
        yes("not we", getpid() != 1);
        pid_t d = fork();
        if (!d) {
            yes("inside", getpid() > 1 && getpid() < 10);
            note("parent %d", getppid());
            say("outwards", setns(own, 0));
            say("to our own", setns(fd, 0));
            _exit(6);
        }
        say_wait("joined", d);
        say("back", setns(own, 0));
        d = fork();
        if (!d) { yes("outside", getpid() > 10); _exit(0); }
        say_wait("child", d);
        _exit(0);
    }
    say_wait("joiner", j);
    int pfd = (int)syscall(SYS_pidfd_open, c, 0);
    j = fork();
    if (!j) {
        say("by pidfd", setns(pfd, CLONE_NEWPID));
        if (!fork()) { yes("inside", getpid() < 10); _exit(0); }
        wait(NULL);
        _exit(0);
    }
    say_wait("joiner", j);
    tell(down[1]);
    say_wait("first", c);
    j = fork();
    if (!j) {
        say("setns to a dead one", setns(fd, 0));
        say("fork in it", fork());
        _exit(0);
    }
    say_wait("late", j);
    close(fd), close(own), close(pfd);
}

static void chosen(void)
{
    pid_t want[3] = { 1, 30100, 0 };
    struct clone_args ca = { .flags = CLONE_NEWPID, .exit_signal = SIGCHLD,
                             .set_tid = (u_int64_t)want, .set_tid_size = 2 };
    fflush(stdout);
    pid_t c = (pid_t)syscall(SYS_clone3, &ca, sizeof ca);
    if (!c) {
        note("%d", getpid());
        want[0] = 77;
        ca.flags = 0;
        ca.set_tid_size = 1;
        pid_t d = (pid_t)syscall(SYS_clone3, &ca, sizeof ca);
        if (!d) { note("%d", getpid()); _exit(0); }
        wait(NULL);
        say("forked", d);
        d = fork();
        if (!d) _exit(0);
        say("next", d);
        wait(NULL);
        _exit(0);
    }
    say_wait("chosen", c);
    say("outer number", c);
    want[0] = 2;
    ca.set_tid_size = 1;
    say("first must be 1", syscall(SYS_clone3, &ca, sizeof ca));
    say("thread", syscall(SYS_clone, CLONE_NEWPID | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, 0, 0, 0, 0));
    if (!fork()) {
        setgid(1000), setuid(1000);
        say("unprivileged", unshare(CLONE_NEWPID));
        _exit(0);
    }
    wait(NULL);
}

/* What lsns asks of them. */
static void family(void)
{
    char a[64] = "", b[64] = "", p[64];
    pid_t c = newpid(0);
    if (!c) {
        int fd = open("/proc/self/ns/pid", O_RDONLY);
        say("parent of ours", ioctl(fd, NS_GET_PARENT));
        pause();
        _exit(0);
    }
    await_sleep(c);
    snprintf(p, sizeof p, "/proc/%d/ns/pid", (int)c);
    int fd = open(p, O_RDONLY);
    note("type %x", ioctl(fd, NS_GET_NSTYPE));
    int up = ioctl(fd, NS_GET_PARENT), user = ioctl(fd, NS_GET_USERNS), uts = open("/proc/self/ns/uts", O_RDONLY);
    did("parent", up);
    snprintf(p, sizeof p, "/proc/self/fd/%d", up);
    readlink(p, a, 60), readlink("/proc/self/ns/pid", b, 60);
    yes("is ours", a[0] && !strcmp(a, b));
    did("user", user);
    note("type %x", ioctl(user, NS_GET_NSTYPE));
    say("parent of another kind", ioctl(uts, NS_GET_PARENT));
    say("owner of another kind", ioctl(uts, NS_GET_OWNER_UID, a));
    yes("close on exec", fcntl(up, F_GETFD) == FD_CLOEXEC);
    kill(c, SIGKILL);
    waitpid(c, NULL, 0);
    close(fd), close(up), close(user), close(uts);
}

int main(void)
{
    family();
    numbers();
    own_proc();
    first_process();
    its_end();
    unsharing();
    joining();
    chosen();
    return 0;
}
