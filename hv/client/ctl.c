/* hv_ctl: one request to a monitor over its control socket. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "hv/hv.h"

/* sun_path holds 108 bytes: a longer name is reached through its folder's descriptor. */
static int connect_path(int fd, const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    _cleanup_close_ int dir = -1;

    if (strlen(path) < sizeof a.sun_path) {
        strcpy(a.sun_path, path);
    } else {
        char parent[4096];
        const char *base = strrchr(path, '/');
        if (!base || (size_t)(base - path) >= sizeof parent)
            return -ENAMETOOLONG;
        memcpy(parent, path, (size_t)(base - path));
        parent[base - path] = 0;
        dir = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
            return -errno;
        if (snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/%s", dir, base + 1) >=
            (int)sizeof a.sun_path)
            return -ENAMETOOLONG;
    }
    return connect(fd, (struct sockaddr *)&a, sizeof a) < 0 ? -errno : 0;
}

int hv_ctl(const char *sock_path, const struct hv_request *rq, struct hv_reply *rp_r,
           struct err *e)
{
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return err_sys(e, errno, "socket");
    int r = connect_path(fd, sock_path);
    if (r < 0)
        return err_sys(e, -r, "cannot reach the container's monitor");
    if (send(fd, rq, sizeof *rq, MSG_NOSIGNAL) != (ssize_t)sizeof *rq)
        return err_sys(e, errno, "request to the container's monitor");
    ssize_t n = recv(fd, rp_r, sizeof *rp_r, 0);
    if (n != (ssize_t)sizeof *rp_r)
        return err_set(e, ECONNREFUSED, "the container's monitor has gone");
    rp_r->text[sizeof rp_r->text - 1] = 0;
    if (rp_r->result < 0)
        return err_set(e, -rp_r->result, "%s",
                       rp_r->text[0] ? rp_r->text : strerror(-rp_r->result));
    return 0;
}
