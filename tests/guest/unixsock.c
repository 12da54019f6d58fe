/* Unix sockets: pairs, names, connections, descriptors in messages. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "guest.h"

static char buf[300000], big[300000];

static void pairs(void)
{
    int s[2], v;
    socklen_t len = sizeof v;
    struct stat st;

    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) == 0, "socketpair");
    check(fcntl(s[0], F_GETFD) == FD_CLOEXEC && fstat(s[0], &st) == 0 && S_ISSOCK(st.st_mode), "its kind");
    check(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &v, &len) == 0 && v == SOCK_STREAM, "SO_TYPE");
    check(write(s[0], "ab", 2) == 2 && write(s[0], "cd", 2) == 2 && read(s[1], buf, 9) == 4, "a stream");
    check(send(s[0], "peek", 4, 0) == 4 && recv(s[1], buf, 9, MSG_PEEK) == 4 &&
          recv(s[1], buf, 9, 0) == 4, "MSG_PEEK");
    check(recv(s[1], buf, 9, MSG_DONTWAIT) == -1 && errno == EAGAIN, "MSG_DONTWAIT");
    pid_t pid = fork();
    if (!pid) {
        close(s[1]);
        _exit(write(s[0], big, sizeof big) != sizeof big);
    }
    check(recv(s[1], buf, sizeof buf, MSG_WAITALL) == sizeof big, "MSG_WAITALL across processes");
    waitpid(pid, &v, 0);
    check(v == 0, "the writer ended well");
    check(shutdown(s[0], SHUT_WR) == 0 && read(s[1], buf, 1) == 0, "shutdown: end of file");
    check(write(s[1], "x", 1) == 1 && read(s[0], buf, 1) == 1, "the other direction goes on");
    struct pollfd p = { s[1], POLLIN | POLLOUT | POLLRDHUP, 0 };
    check(poll(&p, 1, 0) == 1 && p.revents == (POLLIN | POLLOUT | POLLRDHUP), "POLLRDHUP");
    close(s[0]);
    check(send(s[1], "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE, "EPIPE");
    check(poll(&p, 1, 0) == 1 && (p.revents & POLLHUP), "POLLHUP");
    close(s[1]);
    check(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s) == 0, "SOCK_SEQPACKET");
    check(write(s[0], "abc", 3) == 3 && write(s[0], "de", 2) == 2 && read(s[1], buf, 2) == 2 &&
          read(s[1], buf, 9) == 2, "keeps messages apart");
    close(s[0]);
    check(read(s[1], buf, 1) == 0, "its end");
    close(s[1]);
    check(socket(AF_UNIX, 99, 0) == -1, "an unknown type");
}

static socklen_t name(struct sockaddr_un *a, const char *s, int abstract)
{
    memset(a, 0, sizeof *a);
    a->sun_family = AF_UNIX;
    strcpy(a->sun_path + abstract, s);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(s) + 1);
}

static void server(const char *path, int abstract)
{
    struct sockaddr_un a, got;
    socklen_t len = name(&a, path, abstract), n = sizeof got;
    struct ucred cred;
    int l = socket(AF_UNIX, SOCK_STREAM, 0), st;

    unlink(path);
    check(bind(l, (void *)&a, len) == 0, "bind");
    int again = socket(AF_UNIX, SOCK_STREAM, 0);
    check(bind(again, (void *)&a, len) == -1 && errno == EADDRINUSE, "twice: EADDRINUSE");
    check(connect(again, (void *)&a, len) == -1 && errno == ECONNREFUSED, "nobody listens");
    close(again);
    check(listen(l, 5) == 0, "listen");
    pid_t pid = fork();
    if (!pid) {
        int c = socket(AF_UNIX, SOCK_STREAM, 0);
        if (connect(c, (void *)&a, len) || write(c, "hello", 5) != 5 || read(c, buf, 9) != 3)
            _exit(1);
        _exit(0);
    }
    struct pollfd p = { l, POLLIN, 0 };
    check(poll(&p, 1, 5000) == 1 && p.revents == POLLIN, "someone comes");
    int c = accept4(l, NULL, NULL, SOCK_CLOEXEC);
    check(c >= 0 && read(c, buf, 9) == 5, "accept");
    check(getsockname(c, (void *)&got, &n) == 0 && n == len && !memcmp(&got, &a, len), "getsockname");
    n = sizeof cred;
    check(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &cred, &n) == 0 && cred.pid == pid, "SO_PEERCRED");
    check(write(c, "bye", 3) == 3, "answer");
    waitpid(pid, &st, 0);
    check(st == 0, "the client is content");
    close(c);
    close(l);
    c = socket(AF_UNIX, SOCK_STREAM, 0);
    check(connect(c, (void *)&a, len) == -1 && errno == ECONNREFUSED, "the server has gone");
    check(!abstract ? unlink(path) == 0 : 1, "its name");
    check(connect(c, (void *)&a, len) == -1 && errno == (abstract ? ECONNREFUSED : ENOENT), "has gone, too");
    close(c);
}

static void datagrams(void)
{
    struct sockaddr_un a, b, from;
    socklen_t la = name(&a, "/tmp/guest-dg-a", 0), lb = name(&b, "guest-dg-b", 1), n = sizeof from;
    int s = socket(AF_UNIX, SOCK_DGRAM, 0), c = socket(AF_UNIX, SOCK_DGRAM, 0);

    unlink(a.sun_path);
    check(bind(s, (void *)&a, la) == 0 && bind(c, (void *)&b, lb) == 0, "two names");
    check(sendto(c, "one", 3, 0, (void *)&a, la) == 3, "sendto");
    check(recvfrom(s, buf, 2, 0, (void *)&from, &n) == 2 && n == lb && !memcmp(&from, &b, lb), "recvfrom");
    check(connect(c, (void *)&a, la) == 0 && send(c, "", 0, 0) == 0, "an empty message");
    check(recv(s, buf, 9, 0) == 0, "arrives");
    close(s);
    check(send(c, "x", 1, 0) == -1 && errno == ECONNREFUSED, "receiver gone");
    unlink(a.sun_path);
    close(c);
}

static void passing(void)
{
    union { char b[CMSG_SPACE(2 * sizeof(int))]; struct cmsghdr align; } ctl;
    struct iovec v = { (char[]){ "!" }, 1 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl.b, .msg_controllen = sizeof ctl.b };
    int s[2], p[2], fd[2];

    check(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0 && pipe(p) == 0, "pair and pipe");
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){ CMSG_LEN(sizeof p), SOL_SOCKET, SCM_RIGHTS };
    memcpy(CMSG_DATA(c), p, sizeof p);
    check(sendmsg(s[0], &m, 0) == 1, "sendmsg");
    close(p[0]);
    close(p[1]);
    memset(ctl.b, 0, sizeof ctl.b);
    m.msg_controllen = sizeof ctl.b;
    check(recvmsg(s[1], &m, MSG_CMSG_CLOEXEC) == 1, "recvmsg");
    c = CMSG_FIRSTHDR(&m);
    check(c && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof fd), "two descriptors");
    memcpy(fd, CMSG_DATA(c), sizeof fd);
    check(fcntl(fd[0], F_GETFD) == FD_CLOEXEC, "close on exec");
    check(write(fd[1], "through", 7) == 7 && read(fd[0], buf, 9) == 7, "that work");
    close(s[0]);
    close(s[1]);
}

/* A client that has gone before it was accepted. */
static void gone(void)
{
    struct sockaddr_un a, b, got = { 0 };
    socklen_t len = name(&a, "guest-gone", 1), mine = name(&b, "guest-client", 1), n = sizeof got;
    int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), s;

    check(bind(l, (void *)&a, len) == 0 && listen(l, 5) == 0, "a server");
    check(connect(c, (void *)&a, len) == 0 && write(c, "hello", 5) == 5 && close(c) == 0,
          "a client comes and goes");
    s = accept(l, (void *)&got, &n);
    check(s >= 0 && n == 2 && got.sun_family == AF_UNIX, "it is accepted: a name of no length");
    check(read(s, buf, 9) == 5 && read(s, buf, 9) == 0, "what it said");
    n = sizeof got;
    check(getpeername(s, (void *)&got, &n) == 0 && n == 2, "getpeername");
    close(s);
    c = socket(AF_UNIX, SOCK_STREAM, 0);
    check(bind(c, (void *)&b, mine) == 0 && connect(c, (void *)&a, len) == 0 && close(c) == 0,
          "one with a name");
    n = sizeof got;
    s = accept(l, (void *)&got, &n);
    check(s >= 0 && n == mine && !memcmp(&got, &b, mine), "has it still");
    close(s);
    close(l);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    pairs();
    server("/tmp/guest-socket", 0);
    server("guest-abstract", 1);
    gone();
    datagrams();
    passing();
    return guest_end();
}
