/* plat.h for unit tests: memory, messages, clock, tasks as threads. */
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "mm.h"
#include "notify.h"
#include "unitplat.h"
#include "user.h"

#define WEAK __attribute__((weak))

int unit_log_level = 4;
u32 unit_fail_alloc;
long unit_blocks;
static __thread struct task *unit_self;
static u64 unit_clock;                  /* 0: the host's */

/* -- messages -- */

WEAK void printk(int level, const char *fmt, ...)
{
    va_list ap;
    if (level > unit_log_level)
        return;
    fprintf(stderr, "# <%d> ", level);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

WEAK void panic(const char *fmt, ...)
{
    va_list ap;
    fprintf(stderr, "# panic: ");
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    abort();
}

WEAK void plat_log(const char *s, size_t n) { fwrite(s, 1, n, stderr); }
WEAK void plat_panic(const char *report) { panic("%s", report); }
WEAK void plat_halt(int wait_status) { exit(wait_status >> 8); }

/* -- memory -- */

static bool alloc_fails(void)
{
    return unit_fail_alloc && --unit_fail_alloc == 0;
}

WEAK void *kmalloc(size_t n)
{
    if (alloc_fails())
        return NULL;
    __atomic_add_fetch(&unit_blocks, 1, __ATOMIC_RELAXED);
    return malloc(n ? n : 1);
}

WEAK void *kzalloc(size_t n)
{
    void *p = kmalloc(n);
    return p ? memset(p, 0, n) : NULL;
}

WEAK void kfree(void *p)
{
    if (p)
        __atomic_sub_fetch(&unit_blocks, 1, __ATOMIC_RELAXED);
    free(p);
}

WEAK void *krealloc(void *p, size_t old, size_t n)
{
    void *q = kmalloc(n);
    if (!q)
        return NULL;
    if (p)
        memcpy(q, p, min(old, n));
    kfree(p);
    return q;
}

WEAK char *kstrdup(const char *s)
{
    char *p = kmalloc(strlen(s) + 1);
    return p ? memcpy(p, s, strlen(s) + 1) : NULL;
}

WEAK void *kpages(size_t n)
{
    void *p;
    if (alloc_fails())
        return NULL;
    p = aligned_alloc(PAGE_SIZE, n * PAGE_SIZE);
    if (!p)
        return NULL;
    __atomic_add_fetch(&unit_blocks, 1, __ATOMIC_RELAXED);
    return memset(p, 0, n * PAGE_SIZE);
}

WEAK void *kpages_raw(size_t n) { return kpages(n); }
WEAK void kpages_free(void *p, size_t n) { kfree(p); }
WEAK u64 kmem_free_bytes(void) { return 64ul << 20; }
WEAK u64 kmem_total_bytes(void) { return 128ul << 20; }

WEAK size_t strlcpy(char *d, const char *s, size_t n)
{
    size_t len = strlen(s);
    if (n) {
        size_t k = min(len, n - 1);
        memcpy(d, s, k);
        d[k] = 0;
    }
    return len;
}

WEAK u64 strtou64(const char *s, char **end_r, int base)
{
    return strtoull(s, end_r, base);
}

WEAK u32 hash_bytes(const void *p, size_t n, u32 seed)
{
    const u8 *b = p;
    u32 h = 2166136261u ^ seed;
    while (n--)
        h = (h ^ *b++) * 16777619u;
    return h;
}

WEAK void plat_entropy(void *buf, size_t n)
{
    if (getrandom(buf, n, 0) != (ssize_t)n)
        panic("getrandom");
}

WEAK unsigned plat_ncpus(void) { return 2; }

/* -- clock -- */

static u64 host_clock(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec;
}

void unit_clock_set(u64 mono_ns) { __atomic_store_n(&unit_clock, mono_ns, __ATOMIC_SEQ_CST); }
void unit_clock_advance(u64 ns) { __atomic_add_fetch(&unit_clock, ns, __ATOMIC_SEQ_CST); }

WEAK u64 plat_clock_mono(void)
{
    u64 fake = __atomic_load_n(&unit_clock, __ATOMIC_SEQ_CST);
    return fake ? fake : host_clock(CLOCK_MONOTONIC);
}

WEAK u64 plat_clock_real(void) { return host_clock(CLOCK_REALTIME); }

WEAK u64 plat_clock_sys(const struct task *t, u64 total) { return 0; }
WEAK u64 plat_clock_cpu(const struct task *t)
{
    clockid_t id;
    if (t->plat.cpu_ns || !t->plat.started ||
        pthread_getcpuclockid((pthread_t)t->plat.thread, &id))
        return t->plat.cpu_ns;
    return host_clock(id);
}

WEAK u64 time_mono(void) { return plat_clock_mono(); }
WEAK u64 time_real(void) { return plat_clock_real(); }
WEAK u64 time_boot(void) { return 0; }

void unit_sleep_ns(u64 ns)
{
    struct timespec ts = { (time_t)(ns / NSEC_PER_SEC), (long)(ns % NSEC_PER_SEC) };
    nanosleep(&ts, NULL);
}

/* -- locks -- */

static void futex_wait(u32 *v, u32 seen, u64 timeout_ns)
{
    struct timespec ts = { (time_t)(timeout_ns / NSEC_PER_SEC), (long)(timeout_ns % NSEC_PER_SEC) };
    syscall(SYS_futex, v, FUTEX_WAIT_PRIVATE, seen, timeout_ns == WAIT_FOREVER ? NULL : &ts, NULL, 0);
}

WEAK void plat_lock_wait(u32 *v, u32 seen) { futex_wait(v, seen, WAIT_FOREVER); }
WEAK void plat_lock_wake(u32 *v) { syscall(SYS_futex, v, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0); }

WEAK u32 lock_self(void) { return unit_self ? (u32)unit_self->tid : 1; }

WEAK void lock_slow(u32 *v)
{
    if ((READ_ONCE(*v) & ~LOCK_WAITERS) == lock_self())
        panic("lock taken twice by task %u", lock_self());
    for (;;) {
        u32 seen = __atomic_load_n(v, __ATOMIC_RELAXED);
        /* Who had to wait can't know whether others still do: takes it with the bit. */
        if (!seen) {
            if (__atomic_compare_exchange_n(v, &seen, lock_self() | LOCK_WAITERS, false,
                                            __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
                return;
            continue;
        }
        if (!(seen & LOCK_WAITERS) &&
            !__atomic_compare_exchange_n(v, &seen, seen | LOCK_WAITERS, false,
                                         __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            continue;
        plat_lock_wait(v, seen | LOCK_WAITERS);
    }
}

WEAK void unlock_slow(u32 *v) { plat_lock_wake(v); }

/* -- tasks -- */

struct task *unit_current(void) { return unit_self; }
void unit_set_current(struct task *t) { unit_self = t; }

WEAK struct task *plat_task_alloc(void) { return calloc(1, sizeof(struct task)); }
WEAK void plat_task_free(struct task *t) { free(t); }
WEAK struct regs *plat_task_regs(struct task *t) { return &t->plat.user; }

static void *thread_main(void *arg)
{
    struct task *t = arg;
    unit_self = t;
    t->plat.fn(t->plat.arg);
    return NULL;
}

WEAK int plat_task_start(struct task *child, enum plat_start how, u64 tls, void (*fn)(void *),
                         void *arg)
{
    pthread_t th;
    if (how != PLAT_KTHREAD)
        panic("unit tests have no user mode");
    child->plat.fn = fn;
    child->plat.arg = arg;
    if (pthread_create(&th, NULL, thread_main, child))
        return -EAGAIN;
    child->plat.thread = (void *)th;
    child->plat.started = true;
    return 0;
}

WEAK void plat_task_exit(void)
{
    pthread_exit(NULL);
}

WEAK bool plat_task_wait(struct task *self, u64 deadline)
{
    for (;;) {
        u64 now = plat_clock_mono(), left = WAIT_FOREVER;
        if (__atomic_exchange_n(&self->plat.token, 0, __ATOMIC_ACQ_REL))
            return true;
        if (deadline != WAIT_FOREVER) {
            if (now >= deadline)
                return false;
            left = deadline - now;
        }
        if (__atomic_load_n(&unit_clock, __ATOMIC_RELAXED))
            left = 1000000;             /* the test's clock wakes nobody: look often */
        futex_wait(&self->plat.token, 0, left);
    }
}

WEAK void plat_task_wake(struct task *t)
{
    if (!__atomic_exchange_n(&t->plat.token, 1, __ATOMIC_ACQ_REL))
        plat_lock_wake(&t->plat.token);
}

WEAK void plat_task_kick(struct task *t)
{
    __atomic_add_fetch(&t->plat.kicks, 1, __ATOMIC_RELAXED);
}

WEAK bool plat_task_alive(const struct task *t) { return true; }
WEAK bool plat_task_killed(const struct task *t) { return false; }
WEAK void plat_set_tls(u64 fsbase) { unit_self->plat.fs_base = fsbase; }
WEAK u64 plat_get_tls(void) { return unit_self->plat.fs_base; }
WEAK void plat_wakes_hold(void) { }
WEAK void plat_wakes_release(void) { }
WEAK int plat_settle(void) { return 0; }
WEAK bool plat_as_keep(struct mm *mm) { return false; }
WEAK bool plat_kept_drop(const struct inode *prog) { return false; }
WEAK int plat_as_huge(struct mm *mm, u64 va, u64 keep, u32 prot, u64 room) { return -EOPNOTSUPP; }
WEAK bool plat_unsettled(void) { return false; }
WEAK void plat_yield(void) { sched_yield(); }
WEAK void plat_sched_changed(struct task *t) { }
WEAK unsigned plat_cpu(void) { return 0; }
WEAK u64 plat_heap_seam(void) { return 0; }
WEAK void reclaim_poke(void) { }
/* vfs.h has it, which would bring in too much */
int vfs_sync_all(bool disk);
WEAK int vfs_sync_all(bool disk) { return 0; }

void unit_task_join(struct task *t)
{
    if (t->plat.started)
        pthread_join((pthread_t)t->plat.thread, NULL);
    t->plat.started = false;
}

/* Floating point: an area of the legacy size, enough to see that frames have room. */
WEAK size_t plat_fp_size(void) { return 512; }
WEAK int plat_fp_to_user(uptr_t dst)
{
    char area[512];
    memset(area, 0xf9, sizeof area);
    return dst & 63 ? -EFAULT : copy_to_user(dst, area, sizeof area);
}
WEAK int plat_fp_from_user(uptr_t src) { return src & 63 ? -EFAULT : 0; }

/* Nobody watches files unless a test has fs/notify.c with it. */
WEAK u32 notify_watches;
WEAK void notify_tell_dentry(struct dentry *d, u32 mask) { }
WEAK void notify_tell_entry(struct inode *dir, const char *name, size_t len, u32 mask, u32 cookie)
{
}
WEAK void notify_tell_inode(struct inode *i, u32 mask) { }
WEAK void notify_tell_gone(struct inode *i) { }
WEAK void notify_unmounted(struct super *sb) { }
WEAK u32 notify_cookie(void) { return 1; }
