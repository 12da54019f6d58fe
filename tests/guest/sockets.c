/* Unix sockets: pairs, streams, datagrams, descriptors and credentials passed. */
#include "say.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct sockaddr_un un(const char *p) { struct sockaddr_un a = { .sun_family = AF_UNIX }; strcpy(a.sun_path, p); return a; }

static void pairs(void)
{
    int s[2], n = 0;
    char b[200];
    say("stream pair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s));
    say("write", write(s[0], "hello", 5));
    ioctl(s[1], FIONREAD, &n);
    note("%d", n);
    say("peek", recv(s[1], b, 3, MSG_PEEK));
    say("read", read(s[1], b, 100));
    say("nothing", recv(s[1], b, 1, MSG_DONTWAIT));
    struct pollfd pf = { s[0], POLLIN | POLLOUT, 0 };
    poll(&pf, 1, 0);
    note("%x", pf.revents);
    say("shutdown", shutdown(s[0], SHUT_WR));
    say("end", read(s[1], b, 1));
    say("other way", write(s[1], "x", 1));
    close(s[1]);
    pf.revents = 0;
    poll(&pf, 1, 0);
    note("%x", pf.revents);
    read(s[0], b, 10);
    say("closed", read(s[0], b, 1));
    say("EPIPE", send(s[0], "x", 1, MSG_NOSIGNAL));
    close(s[0]);
    say("seqpacket", socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
    write(s[0], "one", 3), write(s[0], "three", 5);
    say("a packet", read(s[1], b, 2));
    say("the next", read(s[1], b, 100));
    close(s[0]);
    say("end", read(s[1], b, 1));
    close(s[1]);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
    say("empty datagram", send(s[0], "", 0, 0));
    say("it", recv(s[1], b, 10, 0));
    say("truncated", (send(s[0], "0123456789", 10, 0), recv(s[1], b, 4, MSG_TRUNC)));
    int type;
    socklen_t l = sizeof type;
    getsockopt(s[0], SOL_SOCKET, SO_TYPE, &type, &l);
    note("type %d", type);
    struct timeval tv = { 0, 20000 };
    say("timeout", setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
    say("times out", recv(s[0], b, 1, 0));
    say("not a socket", recv(0, b, 1, 0));
    close(s[0]), close(s[1]);
}

static void servers(void)
{
    struct sockaddr_un a = un("sock"), got;
    socklen_t l = sizeof got;
    char b[100];
    int s = socket(AF_UNIX, SOCK_STREAM, 0), c;
    unlink("sock");
    say("connect to none", connect(s, (void *)&a, sizeof a));
    say("bind", bind(s, (void *)&a, sizeof a));
    struct stat st;
    stat("sock", &st);
    note("%o", st.st_mode);
    int s2 = socket(AF_UNIX, SOCK_STREAM, 0);
    say("in use", bind(s2, (void *)&a, sizeof a));
    say("refused", connect(s2, (void *)&a, sizeof a));
    say("accept before listen", accept(s, NULL, NULL));
    say("listen", listen(s, 5));
    pid_t p = fork();
    if (!p) {
        c = socket(AF_UNIX, SOCK_STREAM, 0);
        if (connect(c, (void *)&a, sizeof a)) _exit(1);
        write(c, "ping", 4);
        int n = read(c, b, 100);
        _exit(n == 4 && !memcmp(b, "pong", 4) ? 0 : 2);
    }
    c = accept4(s, (void *)&got, &l, SOCK_CLOEXEC);
    did("accept", c);
    note("peer length %d", (int)l);
    say("read", read(c, b, 100));
    struct ucred uc;
    l = sizeof uc;
    getsockopt(c, SOL_SOCKET, SO_PEERCRED, &uc, &l);
    note("peer %d uid %d", uc.pid == p, uc.uid);
    l = sizeof got;
    say("getsockname", getsockname(c, (void *)&got, &l));
    note("%s", got.sun_path);
    write(c, "pong", 4);
    say_wait("client", p);
    close(c), close(s);
    say("after the server", connect(s2, (void *)&a, sizeof a));
    unlink("sock");
    /* abstract names */
    memset(&a, 0, sizeof a);
    a.sun_family = AF_UNIX;
    memcpy(a.sun_path, "\0abstract", 9);
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    say("abstract", bind(s, (void *)&a, 2 + 9));
    listen(s, 1);
    say("connect", connect(s2, (void *)&a, 2 + 9));
    close(s), close(s2);
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    say("gone with it", connect(s, (void *)&a, 2 + 9));
    say("bad family", socket(99, SOCK_STREAM, 0));
    say("bad type", socket(AF_UNIX, 77, 0));
}

static void passing(void)
{
    int s[2], p[2], got = -1;
    char b[100], cb[CMSG_SPACE(sizeof(int) * 4)];
    struct iovec v = { b, 1 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = cb, .msg_controllen = CMSG_SPACE(sizeof(int)) };
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    pipe(p);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &p[1], sizeof(int));
    say("sendmsg", sendmsg(s[0], &m, 0));
    close(p[1]);
    pid_t k = fork();
    if (!k) {
        memset(cb, 0, sizeof cb);
        m.msg_controllen = sizeof cb;
        if (recvmsg(s[1], &m, MSG_CMSG_CLOEXEC) != 1) _exit(1);
        c = CMSG_FIRSTHDR(&m);
        if (!c || c->cmsg_type != SCM_RIGHTS) _exit(2);
        memcpy(&got, CMSG_DATA(c), sizeof got);
        if (fcntl(got, F_GETFD) != FD_CLOEXEC) _exit(3);
        _exit(write(got, "passed", 6) == 6 ? 0 : 4);
    }
    say_wait("receiver", k);
    close(s[0]), close(s[1]);
    say("through it", read(p[0], b, 100));
    say("and its end", read(p[0], b, 100));
    c->cmsg_len = CMSG_LEN(sizeof(int));
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    got = 999;
    memcpy(CMSG_DATA(c), &got, sizeof got);
    say("a bad one", sendmsg(s[0], &m, 0));
    int on = 1;
    say("SO_PASSCRED", setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
    write(s[0], "x", 1);
    m.msg_control = cb, m.msg_controllen = sizeof cb;
    say("recvmsg", recvmsg(s[1], &m, 0));
    c = CMSG_FIRSTHDR(&m);
    if (c) { struct ucred uc; memcpy(&uc, CMSG_DATA(c), sizeof uc); note("type %d own pid %d", c->cmsg_type, uc.pid == getpid()); }
    else note("no credentials");
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    pairs();
    servers();
    passing();
    return 0;
}
