/* POSIX message queues (mq_overview(7)): fs/mqueue.c, mqueue_fs.c. A queue is an inode of
 * the one mqueue file system that the container has, mounted or not. */
#ifndef MQUEUE_H
#define MQUEUE_H
#include "kernel.h"

#include <linux/mqueue.h>

struct file;

enum { MQ_PRIO_LIMIT = 32768 };

/* name: one component. attr: of a queue that O_CREAT makes; NULL: the defaults. */
int mq_file_open(const char *name, u32 flags, u32 mode, const struct mq_attr *attr,
                 struct file **file_r);
int mq_name_unlink(const char *name);
bool file_is_mq(const struct file *f);          /* what all below ask for */

/* text: kmalloc'ed, taken over whatever comes of it. deadline: monotonic ns, 0 when it has
 * passed. 0, -EMSGSIZE, -EAGAIN, -ETIMEDOUT, -ERESTARTSYS, -ENOMEM. */
int mq_send(struct file *f, void *text, u64 n, u32 prio, u64 deadline);
/* The text: kmalloc'ed, for the caller. Its length. max: the program's room. */
ssize_t mq_receive(struct file *f, u64 max, u64 deadline, u32 *prio_r, void **text_r);
/* One signal when a message comes to the empty queue: signo with value (0: none, but the
 * place is taken). -EBUSY: somebody else has asked. */
int mq_notify(struct file *f, int signo, u64 value);
void mq_notify_none(struct file *f);
void mq_attr_get(struct file *f, struct mq_attr *attr_r);
#endif
