/* POSIX message queues and their file system. */
#include "say.h"
#include <mqueue.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/resource.h>

static void nop(int s) { }
static volatile int got, value, code, from;
static void on(int s, siginfo_t *si, void *c) { got++; value = si->si_value.sival_int; code = si->si_code; from = si->si_pid; }

static void rcv(const char *what, mqd_t q)
{
    char buf[8192];
    unsigned prio = 99;
    ssize_t n = mq_receive(q, buf, sizeof buf, &prio);
    if (n < 0) say(what, n);
    else note("%s: %zd prio %u '%.*s'", what, n, prio, (int)n, buf);
}

static void names(void)
{
    struct mq_attr a = { .mq_maxmsg = 3, .mq_msgsize = 100 };
    mqd_t q;
    mq_unlink("/xenc-test");
    say("none", mq_open("/xenc-test", O_RDWR));
    did("make", q = mq_open("/xenc-test", O_RDWR | O_CREAT | O_EXCL, 0640, &a));
    say("again", mq_open("/xenc-test", O_RDWR | O_CREAT | O_EXCL, 0640, &a));
    say("no slash", mq_open("xenc-test", O_RDWR));
    say("two", mq_open("/a/b", O_RDWR | O_CREAT, 0600, NULL));
    say("empty", mq_open("/", O_RDWR | O_CREAT, 0600, NULL));
    char name[300] = "/";
    memset(name + 1, 'x', 298);
    say("long", mq_open(name, O_RDWR | O_CREAT, 0600, NULL));
    a.mq_maxmsg = 0;
    say("no room at all", mq_open("/xenc-bad", O_RDWR | O_CREAT, 0600, &a));
    struct mq_attr b;
    say("getattr", mq_getattr(q, &b));
    note("%ld of %ld bytes, now %ld, flags %lx", b.mq_maxmsg, b.mq_msgsize, b.mq_curmsgs, b.mq_flags);
    mq_close(q);
    q = mq_open("/xenc-test2", O_RDWR | O_CREAT, 0600, NULL);
    mq_getattr(q, &b);
    note("default: %ld of %ld bytes", b.mq_maxmsg, b.mq_msgsize);
    mq_close(q);
    say("unlink", mq_unlink("/xenc-test2"));
    say("unlink again", mq_unlink("/xenc-test2"));
    pid_t c = fork();
    if (!c) {
        setgid(2000), setuid(2000);
        say("stranger", mq_open("/xenc-test", O_RDONLY));
        say("stranger unlinks", mq_unlink("/xenc-test"));
        a.mq_maxmsg = 11;
        say("more than msg_max", mq_open("/xenc-bad", O_RDWR | O_CREAT, 0600, &a));
        _exit(0);
    }
    say_wait("stranger", c);
}

static void messages(void)
{
    mqd_t q = mq_open("/xenc-test", O_RDWR), r = mq_open("/xenc-test", O_RDONLY);
    char buf[200] = "";
    pid_t c;
    say("send", mq_send(q, "low", 3, 1));
    say("send", mq_send(q, "high", 4, 9));
    say("send", mq_send(q, "low2", 4, 1));
    struct mq_attr a;
    mq_getattr(q, &a);
    note("now %ld", a.mq_curmsgs);
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    say("full, late", mq_timedsend(q, "x", 1, 0, &t));
    t.tv_nsec = -1;
    say("bad time", mq_timedsend(q, "x", 1, 0, &t));
    say("too big", mq_send(q, buf, 101, 0));
    say("bad prio", mq_send(q, buf, 1, 32768));
    say("send by the reader", mq_send(r, buf, 1, 0));
    say("small buffer", mq_receive(q, buf, 99, NULL));
    rcv("first", q), rcv("second", r), rcv("third", q);
    a.mq_flags = O_NONBLOCK;
    say("setattr", mq_setattr(q, &a, NULL));
    rcv("none", q);
    a.mq_flags = 0;
    mq_setattr(q, &a, NULL);
    c = fork();
    if (!c) { rcv("child", q); _exit(0); }
    nap(20);
    mq_send(q, "", 0, 3);
    say_wait("child", c);
    for (int i = 0; i < 3; i++) mq_send(q, "f", 1, 0);
    c = fork();
    if (!c) { say("sent at last", mq_send(q, "last", 4, 0)); _exit(0); }
    nap(20);
    rcv("room", q);
    say_wait("sender", c);
    rcv("f", q), rcv("f", q), rcv("last", q);
    struct pollfd p = { q, POLLIN | POLLOUT };
    poll(&p, 1, 0);
    note("poll %x", p.revents);
    mq_send(q, "a", 1, 0);
    poll(&p, 1, 0);
    note("poll %x", p.revents);
    ssize_t n = pread(r, buf, 199, 0);
    if (n > 0) buf[n] = 0;
    note("read: %s", buf);
    rcv("a", q);
    struct sigaction sa = { .sa_handler = nop };
    sigaction(SIGALRM, &sa, NULL);
    ualarm(20000, 0);
    rcv("interrupted", q);
    c = fork();
    if (!c) { rcv("killed", q); _exit(0); }
    nap(10);
    kill(c, SIGKILL);
    say_wait("killed", c);
    mq_close(r);
    mq_close(q);
}

static void notification(void)
{
    mqd_t q = mq_open("/xenc-test", O_RDWR);
    struct sigaction sa = { .sa_sigaction = on, .sa_flags = SA_SIGINFO };
    struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 42 };
    sigaction(SIGUSR1, &sa, NULL);
    say("ask", mq_notify(q, &ev));
    say("ask again", mq_notify(q, &ev));
    pid_t c = fork();
    if (!c) { mq_close(q); q = mq_open("/xenc-test", O_RDWR); say("another", mq_notify(q, &ev)); mq_send(q, "n", 1, 0); _exit(0); }
    say_wait("child", c);
    note("signals %d value %d code %d", got, value, code);
    yes("from the child", from == c);
    say("free again", mq_notify(q, &ev));
    mq_send(q, "m", 1, 0);
    note("not empty before: %d", got);
    say("give up", mq_notify(q, NULL));
    rcv("n", q), rcv("m", q);
    ev.sigev_signo = 99;
    say("bad signal", mq_notify(q, &ev));
    say("not a queue", mq_notify(0, NULL));
    mq_close(q);
}

int main(void)
{
    names();
    messages();
    notification();
    mkdir("mq", 0755);
    say("mount", mount("none", "mq", "mqueue", 0, NULL));
    struct stat st;
    say("stat", stat("mq/xenc-test", &st));
    note("mode %o size %d", st.st_mode, (int)st.st_size);
    int fd = open("mq/made", O_CREAT | O_RDWR, 0600);
    yes("touch makes one", fd >= 0 && mq_open("/made", O_RDONLY) >= 0);
    say("mkdir", mkdir("mq/dir", 0755));
    say("rm", unlink("mq/xenc-test"));
    unlink("mq/made");
    say("gone", mq_open("/xenc-test", O_RDWR));
    say("umount", umount2("mq", MNT_DETACH));
    return 0;
}
