/* struct kusage as programs see it. */
#ifndef SYS_RUSAGE_H
#define SYS_RUSAGE_H
#include "proc.h"

int rusage_to_user(uptr_t dst, const struct kusage *u);     /* 0 or -EFAULT */
#endif
