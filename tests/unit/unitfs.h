/* Files in unit tests (unitfs.c). */
#ifndef UNITFS_H
#define UNITFS_H
#include "unitplat.h"
#include "vfs.h"

extern int unit_last_signal;    /* last one sent to anything */
ssize_t unit_read(struct file *f, void *buf, size_t n);
ssize_t unit_write(struct file *f, const void *buf, size_t n);
void super_put(struct super *sb);       /* fs.h wants the kernel's stat.h */
#endif
