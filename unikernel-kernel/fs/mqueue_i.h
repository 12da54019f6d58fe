/* Between mqueue.c (messages) and mqueue_fs.c (names). */
#ifndef MQUEUE_I_H
#define MQUEUE_I_H
#include "mqueue.h"
#include "tmpfs.h"

struct mqueue;
/* A queue with these limits, charged to the current user: NULL with *err_r. */
struct mqueue *mqueue_new(const struct mq_attr *attr, int *err_r);
void mqueue_free(struct mqueue *q);             /* its inode goes */
extern const struct file_ops mqueue_fops;
#endif
