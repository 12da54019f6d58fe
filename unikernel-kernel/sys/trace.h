/* The system call table as data, and --strace (sys/strace.c). */
#ifndef SYS_TRACE_H
#define SYS_TRACE_H
#include "kernel.h"

struct syscall_info { const char *name, *fmt; int err; };
extern const struct syscall_info syscall_info[];
extern const unsigned syscall_count;

/* Before the call: notes the arguments that the call may change. May return NULL. */
void *trace_enter(u64 nr, const u64 *a);
void trace_leave(void *tr, u64 nr, const u64 *a, long result);
#endif
