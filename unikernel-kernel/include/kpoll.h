/* Waiting for files to become ready: fs/poll.c, select.c, epoll.c, eventfd.c. Deadlines
 * are monotonic ns, 0: don't wait, WAIT_FOREVER. */
#ifndef KPOLL_H
#define KPOLL_H
#include "vfs.h"

struct pollfd;
struct epoll_event;

/* Fills in revents: how many are not zero, 0 at the deadline, or -ERESTARTNOHAND. */
long poll_fds(struct pollfd *fds, u32 n, u64 deadline);
/* Bitmaps of n bits for reading, writing, exceptions; NULL: not asked. in[] stays, out[]
 * (of the same size, where in[] is there) is written. Bits set, or -EBADF .. */
long select_fds(u32 n, u64 *const in[3], u64 *const out[3], u64 deadline);

struct file *epoll_new(void);                   /* NULL: no memory */
int epoll_ctl(struct file *ep, int op, int fd, struct file *target, u32 events, u64 data);
/* Events go to the user array. -EINTR on a signal. */
long epoll_wait(struct file *ep, uptr_t events, u32 max, u64 deadline);
bool file_is_epoll(const struct file *f);

/* Flags of eventfd2(2); EFD_CLOEXEC and EFD_NONBLOCK are O_CLOEXEC and O_NONBLOCK. */
enum { EFD_SEMAPHORE = 1 };
struct file *eventfd_new(u32 initial, u32 flags);
#endif
