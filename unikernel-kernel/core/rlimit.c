/* Resource limits (getrlimit(2)). What a limit means is checked where the resource is. */
#include <linux/capability.h>
#include <asm/resource.h>
#include "proc.h"

#define INF RLIM_INFINITY

static const struct { u8 res; u64 cur, max; } defaults[] = {
    { RLIMIT_STACK, 8ul << 20, INF }, { RLIMIT_CORE, 0, INF },
    { RLIMIT_NPROC, INF, INF }, { RLIMIT_NOFILE, 1024, 1048576 },
    { RLIMIT_MEMLOCK, 8ul << 20, 8ul << 20 }, { RLIMIT_SIGPENDING, 4096, 4096 },
    { RLIMIT_MSGQUEUE, 819200, 819200 }, { RLIMIT_NICE, 0, 0 }, { RLIMIT_RTPRIO, 0, 0 },
};

void rlimit_init(struct proc *p)
{
    for (unsigned i = 0; i < RLIM_NLIMITS; i++) p->rlim[i].cur = p->rlim[i].max = INF;
    for (unsigned i = 0; i < ARRAY_SIZE(defaults); i++) {
        p->rlim[defaults[i].res].cur = defaults[i].cur;
        p->rlim[defaults[i].res].max = defaults[i].max;
    }
}

int rlimit_set(struct proc *p, unsigned res, u64 cur, u64 max)
{
    if (res >= RLIM_NLIMITS) return -EINVAL;
    if (cur > max) return -EINVAL;
    if (res == RLIMIT_NOFILE && max > 1048576) return -EPERM;
    if (max > p->rlim[res].max && !capable(CAP_SYS_RESOURCE)) return -EPERM;
    WRITE_ONCE(p->rlim[res].cur, cur);
    WRITE_ONCE(p->rlim[res].max, max);
    if (res == RLIMIT_CPU) timers_cpu_limit(p);
    return 0;
}
