/* Pseudoterminals: editing, echo, signals, job control, hangup. What the master and the
 * slave see is printed byte for byte. */
#define _GNU_SOURCE
#include <ctype.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include "guest.h"

static int m, s;
static char buf[8192];

static void show(const char *who, ssize_t n)
{
    printf("# %s:", who);
    if (n < 0)
        printf(" error %d", errno);
    for (ssize_t i = 0; i < n; i++)
        printf(isgraph((unsigned char)buf[i]) ? " %c" : " %02x", (unsigned char)buf[i]);
    printf("\n");
    fflush(stdout);
}

static void open_pair(void)
{
    m = posix_openpt(O_RDWR | O_NOCTTY);
    grantpt(m);
    unlockpt(m);
    s = open(ptsname(m), O_RDWR | O_NOCTTY);
    check(m >= 0 && s >= 0, "a pair");
}

/* The host's line discipline runs a moment later than the write. */
static void type(const char *t)
{
    if (write(m, t, strlen(t)) != (ssize_t)strlen(t))
        printf("# short write\n");
    usleep(20000);
}

/* All that is there for the master now. */
static void screen(void)
{
    ssize_t n = 0, r;
    struct pollfd p = { m, POLLIN, 0 };

    while (poll(&p, 1, n ? 10 : 200) == 1 && (p.revents & POLLIN) &&
           (r = read(m, buf + n, sizeof buf - (size_t)n)) > 0)
        n += r;
    show("screen", n);
}

static void lines(void)
{
    static const char *const typed[] = {
        "hello\r", "ab\177c\r", "foo bar\027baz\n", "kill\025me\r", "tab\tx\177\177y\r",
        "a\001\177b\r", "q\026\003uoted\r", "re\022print\r", "end\004", "\004", "x\tyz\n",
        "caf\303\251\177\r",
    };
    for (size_t i = 0; i < sizeof typed / sizeof *typed; i++) {
        type(typed[i]);
        screen();
        show("read", read(s, buf, sizeof buf));
    }
    type("one\ntwo\n");
    int n;
    ioctl(s, FIONREAD, &n);
    check(n == 8, "FIONREAD");
    show("read", read(s, buf, 2));
    show("read", read(s, buf, sizeof buf));
    show("read", read(s, buf, sizeof buf));
    screen();
    check(write(s, "a\nb\tc\r\n", 7) == 7, "output");
    screen();
}

static void modes(void)
{
    struct termios t, old;
    int n;

    check(tcgetattr(s, &t) == 0, "tcgetattr");
    printf("# %x %x %x %x\n", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag);
    for (int i = 0; i < 17; i++)
        printf("# cc[%d] = %d\n", i, t.c_cc[i]);
    old = t;
    type("part");
    t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    tcsetattr(s, TCSANOW, &t);
    screen();
    show("raw", read(s, buf, sizeof buf));
    t.c_cc[VMIN] = 3;
    t.c_cc[VTIME] = 0;
    tcsetattr(s, TCSANOW, &t);
    type("ab");
    struct pollfd p = { s, POLLIN, 0 };
    check(poll(&p, 1, 20) == 0, "VMIN is not reached");
    type("cd");
    check(poll(&p, 1, 200) == 1, "now it is");
    show("raw", read(s, buf, 2));
    show("raw", read(s, buf, 1));
    type("zz");
    show("raw", read(s, buf, sizeof buf));
    t.c_cc[VMIN] = 0;
    t.c_cc[VTIME] = 1;
    tcsetattr(s, TCSANOW, &t);
    check(read(s, buf, 1) == 0, "VTIME ends a read without input");
    t.c_cc[VTIME] = 0;
    tcsetattr(s, TCSANOW, &t);
    check(read(s, buf, 1) == 0, "neither: at once");
    t = old;
    t.c_oflag &= ~(tcflag_t)OPOST;
    tcsetattr(s, TCSANOW, &t);
    check(write(s, "raw\n", 4) == 4, "no OPOST");
    screen();
    t.c_lflag &= ~(tcflag_t)ECHO;
    t.c_iflag |= IGNCR;
    tcsetattr(s, TCSAFLUSH, &t);
    type("a\rb\n");
    show("igncr", read(s, buf, sizeof buf));
    screen();
    tcsetattr(s, TCSANOW, &old);
    fcntl(s, F_SETFL, O_NONBLOCK);
    check(read(s, buf, 1) == -1 && errno == EAGAIN, "O_NONBLOCK");
    fcntl(s, F_SETFL, 0);
    type("lost");
    tcflush(s, TCIFLUSH);
    type("kept\n");
    show("flush", read(s, buf, sizeof buf));
    screen();
    check(tcflow(s, TCOOFF) == 0 && tcflow(s, TCOON) == 0, "tcflow");
    type("\023");
    fcntl(s, F_SETFL, O_NONBLOCK);
    check(write(s, "held", 4) == -1 && errno == EAGAIN, "^S holds output");
    type("\021");
    check(write(s, "on", 2) == 2, "^Q lets it go");
    fcntl(s, F_SETFL, 0);
    screen();
    check(ioctl(m, TIOCGPTN, &n) == 0 && n >= 0, "TIOCGPTN");
    check(isatty(s) && isatty(m) && !isatty(open("/dev/null", O_RDONLY)), "isatty");
}

static volatile sig_atomic_t winch, hup, intr, ttou;
static void on_signal(int sig)
{
    if (sig == SIGWINCH) winch++;
    if (sig == SIGHUP) hup++;
    if (sig == SIGINT) intr++;
}

static void wait_for(volatile sig_atomic_t *v)
{
    for (int i = 0; i < 200 && !*v; i++)
        usleep(5000);
}

/* In a session of its own with the slave as terminal. */
static int session(void)
{
    struct winsize w = { 50, 132, 0, 0 };
    int st;

    check(setsid() > 0, "setsid");
    check(open("/dev/tty", O_RDWR) == -1 && errno == ENXIO, "no terminal yet");
    check(ioctl(s, TIOCSCTTY, 0) == 0, "TIOCSCTTY");
    check(tcgetpgrp(s) == getpid() && tcgetsid(s) == getpid(), "foreground group and session");
    int t = open("/dev/tty", O_RDWR);
    check(t >= 0, "/dev/tty");
    signal(SIGWINCH, on_signal);
    signal(SIGINT, on_signal);
    ioctl(m, TIOCSWINSZ, &w);
    wait_for(&winch);
    memset(&w, 0, sizeof w);
    check(winch == 1 && ioctl(t, TIOCGWINSZ, &w) == 0 && w.ws_col == 132, "SIGWINCH and the size");
    type("abc\003");
    wait_for(&intr);
    check(intr == 1, "^C is SIGINT");
    screen();

    pid_t pid = fork();
    if (!pid) {
        setpgid(0, 0);
        signal(SIGTTIN, SIG_DFL);
        _exit(read(s, buf, 1) != 1);
    }
    setpgid(pid, pid);
    waitpid(pid, &st, WUNTRACED);
    check(WIFSTOPPED(st) && WSTOPSIG(st) == SIGTTIN, "a background read stops");
    signal(SIGTTOU, SIG_IGN);
    check(tcsetpgrp(s, pid) == 0 && tcgetpgrp(s) == pid, "to the foreground");
    type("x\n");
    kill(pid, SIGCONT);
    waitpid(pid, &st, 0);
    check(WIFEXITED(st) && WEXITSTATUS(st) == 0, "where it reads");
    screen();
    check(tcsetpgrp(s, getpid()) == 0, "back");
    check(tcsetpgrp(s, 99999) == -1, "no such group");

    pid = fork();
    if (!pid) {
        setpgid(0, 0);
        signal(SIGTTOU, SIG_DFL);
        tcsetpgrp(s, getpid());
        _exit(3);
    }
    setpgid(pid, pid);
    waitpid(pid, &st, WUNTRACED);
    check(WIFSTOPPED(st) && WSTOPSIG(st) == SIGTTOU, "a background tcsetpgrp stops");
    kill(pid, SIGKILL);
    waitpid(pid, &st, 0);

    pid = fork();
    if (!pid) {
        setpgid(0, 0);
        pause();
        _exit(0);
    }
    setpgid(pid, pid);
    tcsetpgrp(s, pid);
    type("\032");
    waitpid(pid, &st, WUNTRACED);
    check(WIFSTOPPED(st) && WSTOPSIG(st) == SIGTSTP, "^Z stops the foreground");
    kill(pid, SIGCONT);
    type("\034");
    waitpid(pid, &st, 0);
    check(WIFSIGNALED(st) && WTERMSIG(st) == SIGQUIT, "^\\ quits it");
    tcsetpgrp(s, getpid());
    screen();
    close(t);
    return guest_failed != 0;
}

static void hangups(void)
{
    struct pollfd p;

    close(s);
    p = (struct pollfd){ m, POLLIN, 0 };
    check(poll(&p, 1, 100) == 1 && (p.revents & POLLHUP), "slave closed: POLLHUP");
    check(read(m, buf, 1) == -1 && errno == EIO, "and EIO");
    s = open(ptsname(m), O_RDWR | O_NOCTTY);
    check(s >= 0 && poll(&p, 1, 0) == 0, "opened again");
    pid_t pid = fork();
    if (!pid) {
        close(m);
        setsid();
        signal(SIGHUP, on_signal);
        ioctl(s, TIOCSCTTY, 0);
        wait_for(&hup);
        ssize_t r = read(s, buf, 1);
        _exit(!(hup >= 1 && r == 0 && write(s, "x", 1) == -1 && errno == EIO));
    }
    usleep(50000);
    close(m);
    int st;
    waitpid(pid, &st, 0);
    check(st == 0, "master closed: SIGHUP, end of file, EIO");
    close(s);
}

static void packets(void)
{
    int on = 1;

    open_pair();
    check(ioctl(m, TIOCPKT, &on) == 0, "packet mode");
    check(write(s, "data", 4) == 4, "write");
    show("packet", read(m, buf, sizeof buf));
    tcflush(s, TCIOFLUSH);
    show("packet", read(m, buf, sizeof buf));
    int peer = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY);
    check(peer >= 0 && isatty(peer), "TIOCGPTPEER");
    struct stat a, b;
    check(fstat(peer, &a) == 0 && stat(ptsname(m), &b) == 0 && a.st_rdev == b.st_rdev, "same device");
    close(peer);
    close(s);
    close(m);
    check(access("/dev/pts/ptmx", F_OK) == 0, "/dev/pts/ptmx");
}

/* What is locked stays as it is. */
static void locked(void)
{
    int m = posix_openpt(O_RDWR | O_NOCTTY), s;
    struct termios l, t, got;

    grantpt(m);
    unlockpt(m);
    s = open(ptsname(m), O_RDWR | O_NOCTTY);
    memset(&l, 0xff, sizeof l);
    check(ioctl(s, TIOCGLCKTRMIOS, &l) == 0 && l.c_lflag == 0 && l.c_iflag == 0 && l.c_cc[VINTR] == 0,
          "nothing is locked at first");
    l.c_lflag = ECHO;
    l.c_cc[VINTR] = 1;
    check(ioctl(s, TIOCSLCKTRMIOS, &l) == 0, "TIOCSLCKTRMIOS");
    tcgetattr(s, &t);
    t.c_lflag &= ~(ECHO | ICANON);
    t.c_cc[VINTR] = 7;
    t.c_cc[VQUIT] = 7;
    tcsetattr(s, TCSANOW, &t);
    tcgetattr(s, &got);
    check((got.c_lflag & ECHO) && !(got.c_lflag & ICANON), "a locked flag");
    check(got.c_cc[VINTR] == 3 && got.c_cc[VQUIT] == 7, "a locked character");
    close(s);
    close(m);
}

int main(void)
{
    int st;

    open_pair();
    lines();
    modes();
    pid_t pid = fork();
    if (!pid)
        return session();
    waitpid(pid, &st, 0);
    check(st == 0, "the session");
    hangups();
    packets();
    locked();
    return guest_end();
}
