/* System calls. One line a call in sys/syscalls.def, one function in a topic file:
 *
 *     long sys_lseek(const u64 *a)     // a[0..5]: the arguments
 *     {
 *         int fd = (int)a[0];
 *         ...
 *         return value or -errno;
 *     }
 *
 * Topic files decode and check arguments and call the real objects, which know no
 * numbers. */
#ifndef SYS_H
#define SYS_H
#include "kernel.h"

#define SYS(nr, name, fmt, status, note) long sys_##name(const u64 *a);
#define ABSENT(nr, name, fmt, err, note)
#include "../sys/syscalls.def"
#undef SYS
#undef ABSENT

/* May a forked child make this call before it settles (plat.h)? sys/unsettled.c */
bool syscall_stays_unsettled(u64 nr);
#endif
