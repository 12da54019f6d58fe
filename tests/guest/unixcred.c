/* Credentials and packets of unix sockets: SO_PASSCRED, SCM_CREDENTIALS, SOCK_SEQPACKET. */
#include "say.h"
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/ioctl.h>
#include <poll.h>

static long send_cred(int fd, const char *text, struct ucred *c)
{
    char ctl[CMSG_SPACE(sizeof *c)] = "";
    struct iovec v = { (char *)text, strlen(text) };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
    if (c) {
        m.msg_control = ctl, m.msg_controllen = sizeof ctl;
        struct cmsghdr *h = CMSG_FIRSTHDR(&m);
        h->cmsg_level = SOL_SOCKET, h->cmsg_type = SCM_CREDENTIALS, h->cmsg_len = CMSG_LEN(sizeof *c);
        memcpy(CMSG_DATA(h), c, sizeof *c);
    }
    return sendmsg(fd, &m, 0);
}

/* What comes, and with which credentials; room: of the control buffer. */
static void recv_cred(const char *what, int fd, size_t size, size_t room, int flags)
{
    char ctl[200] = "", b[100];
    struct iovec v = { b, size };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = room };
    long n = recvmsg(fd, &m, flags);
    printf("%s: %ld", what, n);
    if (n < 0) { printf(" %s\n", strerror(errno)); return; }
    printf(" \"%.*s\" flags %x control %zu", (int)(n < (long)size ? n : (long)size), b, m.msg_flags, m.msg_controllen);
    for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
        struct ucred c;
        memcpy(&c, CMSG_DATA(h), sizeof c);
        if (h->cmsg_type == SCM_CREDENTIALS)
            printf(" cred %s %u %u", c.pid == getpid() ? "me" : c.pid == getppid() ? "parent" : c.pid ? "other" : "0", c.uid, c.gid);
        else
            printf(" type %d", h->cmsg_type);
    }
    putchar('\n');
    fflush(stdout);
}

static void creds(int type)
{
    int s[2], on = 1, off = 0;
    struct ucred c = { getpid(), getuid(), getgid() }, bad;
    socketpair(AF_UNIX, type, 0, s);
    say("plain", send_cred(s[0], "one", NULL));
    recv_cred("not asked", s[1], 100, 200, 0);
    say("given", send_cred(s[0], "two", &c));
    recv_cred("not asked", s[1], 100, 200, 0);
    setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    say("plain", send_cred(s[0], "three", NULL));
    recv_cred("asked", s[1], 100, 200, 0);
    say("given", send_cred(s[0], "four", &c));
    recv_cred("peeked", s[1], 100, 200, MSG_PEEK);
    recv_cred("no room", s[1], 100, 0, 0);
    say("given", send_cred(s[0], "five", &c));
    recv_cred("little room", s[1], 100, CMSG_LEN(4), 0);
    bad = c, bad.pid = 1 << 28;
    say("no such process", send_cred(s[0], "x", &bad));
    bad = c, bad.uid = 77;
    say("root may say another user", send_cred(s[0], "six", &bad));
    recv_cred("said", s[1], 100, 200, 0);
    setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &off, sizeof off);
    pid_t p = fork();
    if (!p) {
        setgid(5), setuid(5);
        struct ucred mine = { getpid(), 5, 5 };
        say("own", send_cred(s[0], "a", &mine));
        mine.uid = 0;
        say("root's", send_cred(s[0], "b", &mine));
        mine.uid = 5, mine.gid = 0;
        say("root's group", send_cred(s[0], "c", &mine));
        mine.gid = 5, mine.pid = getppid();
        say("the parent's", send_cred(s[0], "d", &mine));
        _exit(0);
    }
    waitpid(p, NULL, 0);
    setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    recv_cred("sent before it was asked", s[1], 100, 200, MSG_DONTWAIT);
    recv_cred("nothing", s[1], 100, 200, MSG_DONTWAIT);
    close(s[0]), close(s[1]);
}

static void mixed(void)
{
    int s[2], on = 1, n;
    char b[100];
    struct ucred c = { getpid(), 1, 1 }, d = { getpid(), 2, 2 };
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    send_cred(s[0], "ab", &c), send_cred(s[0], "cd", &c), send_cred(s[0], "ef", &d);
    recv_cred("bytes of one sender are one", s[1], 100, 200, 0);
    recv_cred("another's are not", s[1], 100, 200, 0);
    send_cred(s[0], "gh", &c), send_cred(s[0], "ij", &d);
    say("read without asking", read(s[1], b, 100));
    say("FIONREAD", ioctl(s[1], FIONREAD, &n));
    note("left %d", n);
    close(s[0]), close(s[1]);
}

static void packets(void)
{
    int s[2], n;
    char b[100];
    struct pollfd pf;
    say("pair", socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
    say("send", send(s[0], "hello", 5, MSG_EOR));
    say("send", send(s[0], "", 0, 0));
    say("send", send(s[0], "world", 5, 0));
    ioctl(s[1], FIONREAD, &n);
    note("FIONREAD %d", n);
    recv_cred("short", s[1], 3, 0, 0);
    say("empty one", recv(s[1], b, 100, 0));
    say("peek with the real length", recv(s[1], b, 2, MSG_PEEK | MSG_TRUNC));
    say("read cuts", read(s[1], b, 2));
    say("nothing left", recv(s[1], b, 100, MSG_DONTWAIT));
    say("out of band", send(s[0], "x", 1, MSG_OOB));
    struct iovec v[2] = { { "ab", 2 }, { "cd", 2 } };
    say("two parts are a packet", writev(s[0], v, 2));
    say("one packet", recv(s[1], b, 100, 0));
    say("too large", send(s[0], b, 1 << 24, MSG_DONTWAIT));
    say("last", send(s[0], "last", 4, 0));
    shutdown(s[0], SHUT_WR);
    pf = (struct pollfd){ s[1], POLLIN | POLLRDHUP, 0 };
    poll(&pf, 1, 1000);
    note("poll %x", pf.revents);
    say("what was sent before", recv(s[1], b, 100, 0));
    say("the end", recv(s[1], b, 100, 0));
    say("the other way", send(s[1], "back", 4, 0));
    close(s[1]);
    say("after the close", recv(s[0], b, 100, 0));
    say("and then", recv(s[0], b, 100, MSG_DONTWAIT));
    say("to nobody", send(s[0], "x", 1, MSG_NOSIGNAL));
    close(s[0]);
}

/* A server of packets, by name. */
static void named(void)
{
    struct sockaddr_un a = { AF_UNIX, "seq" }, got;
    int l = socket(AF_UNIX, SOCK_SEQPACKET, 0), c = socket(AF_UNIX, SOCK_SEQPACKET, 0), d, on = 1;
    struct ucred u;
    socklen_t n = sizeof u;
    char b[10];
    unlink("seq");
    say("not connected", send(c, "x", 1, MSG_NOSIGNAL));
    say("not connected", recv(c, b, 1, MSG_DONTWAIT));
    say("bind", bind(l, (void *)&a, sizeof a));
    say("nobody listens", connect(c, (void *)&a, sizeof a));
    say("listen", listen(l, 1));
    int w = socket(AF_UNIX, SOCK_STREAM, 0);
    say("wrong type", connect(w, (void *)&a, sizeof a));
    setsockopt(l, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    say("connect", connect(c, (void *)&a, sizeof a));
    say("sent before accept", send(c, "early", 5, 0));
    did("accept", d = accept(l, (void *)&got, &(socklen_t){ sizeof got }));
    say("inherited", getsockopt(d, SOL_SOCKET, SO_PASSCRED, &on, &(socklen_t){ sizeof on }));
    note("passcred %d", on);
    recv_cred("early", d, 10, 200, MSG_DONTWAIT);
    say("SO_PEERCRED", getsockopt(c, SOL_SOCKET, SO_PEERCRED, &u, &n));
    note("%d %u", u.pid == getpid(), u.uid);
    say("sendto a name when connected", sendto(c, "y", 1, 0, (void *)&a, sizeof a));
    close(d);
    say("gone", send(c, "x", 1, MSG_NOSIGNAL));
    unlink("seq");
    close(c), close(l), close(w);
}

int main(void)
{
    if (chdir("/tmp")) return 1;
    note("stream"), creds(SOCK_STREAM);
    note("datagrams"), creds(SOCK_DGRAM);
    note("packets"), creds(SOCK_SEQPACKET);
    mixed();
    packets();
    named();
    return 0;
}
