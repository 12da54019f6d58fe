/* The container's terminal: a pty pair of the host. The slave becomes the domain's
 * console; the master goes to the engine's socket or stays with `run`. */
#include "runtime/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"

int rt_console_open(struct rt_console *c, uint32_t rows, uint32_t cols, struct err *e)
{
    struct winsize ws = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols };
    int zero = 0;

    c->master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (c->master < 0)
        return err_sys(e, errno, "allocate a terminal (/dev/ptmx)");
    if (ioctl(c->master, TIOCSPTLCK, &zero) < 0)
        return err_sys(e, errno, "unlock the terminal");
    /* By descriptor, not by name: /dev/pts may be another instance's. */
    c->slave = ioctl(c->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (c->slave < 0)
        return err_sys(e, errno, "open the terminal");
    if (rows && cols && ioctl(c->master, TIOCSWINSZ, &ws) < 0)
        return err_sys(e, errno, "size of the terminal");
    return 0;
}

void rt_console_close(struct rt_console *c)
{
    if (c->master >= 0)
        close(fd_steal(&c->master));
    if (c->slave >= 0)
        close(fd_steal(&c->slave));
}

static int connect_to(const char *path, int *fd_r, struct err *e)
{
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    _cleanup_close_ int at = -1;
    struct sockaddr_un sa = { .sun_family = AF_UNIX };

    if (fd < 0)
        return err_sys(e, errno, "console socket");
    if (strlen(path) < sizeof(sa.sun_path)) {
        strcpy(sa.sun_path, path);
    } else {
        at = open(path, O_PATH | O_CLOEXEC);
        if (at < 0)
            return err_sys(e, errno, "console socket %s", path);
        snprintf(sa.sun_path, sizeof(sa.sun_path), "/proc/self/fd/%d", at);
    }
    if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
        return err_sys(e, errno, "console socket %s", path);
    *fd_r = fd_steal(&fd);
    return 0;
}

int rt_console_send(const struct rt_console *c, const char *socket_path, struct err *e)
{
    /* As runc: the message is the terminal's name, which only tells people something. */
    static char name[] = "/dev/ptmx";
    union { struct cmsghdr h; char room[CMSG_SPACE(sizeof(int))]; } control = { 0 };
    struct iovec iov = { .iov_base = name, .iov_len = sizeof(name) - 1 };
    struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room,
                        .msg_controllen = sizeof(control.room) };
    struct cmsghdr *cm = CMSG_FIRSTHDR(&m);
    _cleanup_close_ int fd = -1;
    int r = connect_to(socket_path, &fd, e);

    if (r < 0)
        return r;
    cm->cmsg_level = SOL_SOCKET;
    cm->cmsg_type = SCM_RIGHTS;
    cm->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(cm), &c->master, sizeof(int));
    if (sendmsg(fd, &m, MSG_NOSIGNAL) < 0)
        return err_sys(e, errno, "send the terminal to %s", socket_path);
    return 0;
}
