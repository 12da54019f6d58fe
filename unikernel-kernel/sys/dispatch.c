/* The way from a number to a function. */
#include "proc.h"
#include "ptrace.h"
#include "sys.h"
#include "trace.h"

typedef long (*sys_fn)(const u64 *a);

/* Calls that are not there stay NULL here: the test for them is the bounds check's twin. */
static const sys_fn table[] = {
#define SYS(nr, name, fmt, status, note) [nr] = sys_##name,
#define ABSENT(nr, name, fmt, err, note) [nr] = NULL,
#include "syscalls.def"
#undef SYS
#undef ABSENT
};

const struct syscall_info syscall_info[] = {
#define SYS(nr, name, fmt, status, note) [nr] = { #name, fmt, 0 },
#define ABSENT(nr, name, fmt, err, note) [nr] = { #name, fmt, err },
#include "syscalls.def"
#undef SYS
#undef ABSENT
};
const unsigned syscall_count = ARRAY_SIZE(table);

static long absent(u64 nr)
{
    static u64 told[(ARRAY_SIZE(table) + 63) / 64];
    u64 bit = 1ull << (nr & 63);

    if (nr >= ARRAY_SIZE(table)) return -ENOSYS;
    if (!(__atomic_fetch_or(&told[nr / 64], bit, __ATOMIC_RELAXED) & bit))
        printk(7, "%s: system call %s (%lu) is not there",
               current()->comm, syscall_info[nr].name ? syscall_info[nr].name : "?",
               (unsigned long)nr);
    return syscall_info[nr].err ? -syscall_info[nr].err : -ENOSYS;
}

static inline long call(u64 nr, const u64 *a)
{
    if (likely(nr < ARRAY_SIZE(table) && table[nr])) return table[nr](a);
    return absent(nr);
}

/* Somebody traces, some task has a filter, or a forked child runs in its parent's place. */
static void watched_call(struct regs *r)
{
    const struct task *t = current();
    u64 nr = r->nr;

    r->rax = (u64)-ENOSYS;              /* what a filter's tracer finds */
    if (t->seccomp && !seccomp_check(r)) return;
    if (plat_unsettled() && !syscall_stays_unsettled(nr) && plat_settle() < 0) return;
    if (!trace_enabled) {
        r->rax = (u64)call(nr, r->arg);
        return;
    }
    void *tr = trace_enter(nr, r->arg);
    r->rax = (u64)call(nr, r->arg);
    trace_leave(tr, nr, r->arg, (long)r->rax);
}

static __attribute__((noinline)) long watched_dispatch(struct regs *r)
{
    struct task *t = current();
    bool traced = task_traced(t);

    if (!traced || ptrace_syscall_enter(r)) watched_call(r);
    if (traced) ptrace_syscall_exit(r);
    return (long)r->rax;
}

/* Ends in jumps, not calls: a frame of its own would be a tenth of a getppid. */
long syscall_dispatch(struct regs *r)
{
    current()->regs = r;
    if (unlikely(READ_ONCE(syscall_watch))) return watched_dispatch(r);
    return call(r->nr, r->arg);
}
