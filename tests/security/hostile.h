/* What the hostile programs share. In a pv domain a program can read the guest kernel's
 * text, write its memory and so make host calls from where the filter lets them pass:
 * these programs do, to see that the filter and the host's side are wall enough. */
#ifndef HOSTILE_H
#define HOSTILE_H


#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "abi/boot.h"
#include "abi/pv.h"

typedef uint64_t u64;

#define BOOT ((struct xenc_boot *)PV_MEM_BASE)
#define KERNEL_SPAN (4ull << 20)        /* kernel data and what it has allocated so far */

extern u64 gadget;                      /* `syscall; ret` in the kernel's text */
extern u64 gadget_pops;                 /* 8: `syscall; pop %rbp; ret` */

/* A host call with the instruction pointer inside the kernel's text. */
long raw(u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);
/* A host process or thread (PV_CLONE_*) that the guest kernel does not know: runs
 * fn(arg), which must not return. Its id or -errno. */
long raw_clone(u64 flags, void (*fn)(void *), void *arg);
void find_gadget(void);

void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static inline u64 rnd(u64 *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s * 0x2545f4914f6cdd1dull;
}

#endif
