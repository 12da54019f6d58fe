/* The first code in the domain: takes over the host process that the loader prepared,
 * locks it in, and starts the kernel. Also what ends a domain. */
#include "host.h"
#include "pv.h"

#include <asm/prctl.h>
#include <asm/signal.h>
#include <linux/elf.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>

extern char pv_kernel_end[];

/* The first task's block; entry.S starts on its stack. */
char pv_first_block[PV_TASK_BLOCK] __attribute__((aligned(PV_TASK_BLOCK)));
_Static_assert(PV_TASK_BLOCK - PV_TASK_SPACE == 0x7800, "entry.S");

void pv_boot(void);

u32 pv_first_tgid;

static void check(long r, const char *what)
{
    if (r < 0)
        panic("pv boot: %s: error %ld", what, -r);
}

/* The vDSO's data pages lie right below it, more or fewer with the host's version. They
 * are the only kind of memory here whose pages can't be given back. */
static u64 vvar_below(u64 v)
{
    u64 low = v;

    while (v - low < 0x10000 && host3(__NR_madvise, low - PAGE_SIZE, PAGE_SIZE, 4) == -EINVAL)
        low -= PAGE_SIZE;
    return low;
}

u64 pv_vdso_size;

static u64 vdso_end(u64 v)
{
    const Elf64_Ehdr *eh = (const Elf64_Ehdr *)v;
    const Elf64_Phdr *ph = (const Elf64_Phdr *)(v + eh->e_phoff);
    u64 len = PAGE_SIZE;

    for (int i = 0; i < eh->e_phnum; i++)
        if (ph[i].p_type == PT_LOAD)
            len = max(len, PAGE_UP(ph[i].p_offset + ph[i].p_memsz));
    return v + len;
}

/* The loader's program must not stay: the guest's addresses are its own. The vDSO and
 * its data pages remain; the guest's programs use them too. */
static void drop_loader(void)
{
    const u64 top = 0x7ffffffff000ull;
    u64 v = BOOT->vdso;

    host3(__NR_munmap, 0x1000, PV_KERNEL_START - 0x1000, 0);
    if (v < PV_USER_MAX) {
        host3(__NR_munmap, PV_KERNEL_END, top - PV_KERNEL_END, 0);
        BOOT->vdso = 0;
    } else {
        pv_vdso_size = vdso_end(v) - v;
        host3(__NR_munmap, PV_KERNEL_END, vvar_below(v) - PV_KERNEL_END, 0);
        host3(__NR_munmap, vdso_end(v), top - vdso_end(v), 0);
    }
}

static void install_handlers(void)
{
    static const u8 sigs[] = { SIGSYS, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, PV_SIG_KICK };
    struct { void *handler; u64 flags; void *restorer; u64 mask; } sa = {
        pv_host_handler, SA_SIGINFO | SA_ONSTACK | SA_NODEFER | 0x04000000 /* SA_RESTORER */,
        pv_restorer, 0 };

    for (unsigned i = 0; i < sizeof sigs; i++) {
        /* Kicks must not pile up on one another's frames; all else may nest. */
        sa.flags = sigs[i] == PV_SIG_KICK ? sa.flags & ~(u64)SA_NODEFER : sa.flags | SA_NODEFER;
        check(host4(__NR_rt_sigaction, sigs[i], (u64)&sa, 0, 8), "sigaction");
    }
}

void pv_boot(void)
{
    struct task *t = (struct task *)(pv_first_block + PV_TASK_BLOCK - PV_TASK_SPACE);

    t->plat.self = t;
    t->plat.kstack_top = (u64)t;
    t->plat.altstack = (u64)pv_first_block;
    t->plat.host_tid = pv_first_tgid = (u32)host3(__NR_gettid, 0, 0, 0);
    pv_become(t, true);
    drop_loader();
    install_handlers();
    pv_trap_init();
    pv_fp_init();
    pv_clock_init();

    struct sock_fprog prog = { (u16)BOOT->filter_len,
                               (struct sock_filter *)plat_kva(BOOT->filter) };
    check(host6(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0), "no_new_privs");
    check(host3(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, (u64)&prog), "seccomp");
    kmain();
}

struct xenc_boot *plat_boot(void) { return BOOT; }
bool plat_tells_moves(void) { return false; }   /* the host does, and tells nobody */
bool plat_anon_in_heap(void) { return false; }
const void *plat_initrd(size_t *len_r) { return NULL; }
u64 plat_gpa(const void *p) { return (u64)p - PV_MEM_BASE; }
void *plat_kva(u64 gpa) { return (void *)(PV_MEM_BASE + gpa); }
unsigned plat_ncpus(void) { return BOOT->ncpus; }

void plat_heap_range(u64 *start_r, u64 *end_r)
{
    *start_r = PV_MEM_BASE + BOOT->heap_start;
    *end_r = PV_MEM_BASE + BOOT->mem_size;
}

void plat_heap_release(void *p, size_t len)
{
    host3(__NR_madvise, (u64)p, len, 9 /* MADV_REMOVE */);
}

void plat_entropy(void *buf, size_t n)
{
    u8 *p = buf;

    while (n) {
        u64 v;
        u8 ok;
        __asm__ volatile("rdrand %0; setc %1" : "=r"(v), "=qm"(ok));
        if (!ok)
            v = __builtin_ia32_rdtsc() * 0x9e3779b97f4a7c15ull;
        size_t m = min(n, sizeof v);
        memcpy(p, &v, m);
        p += m;
        n -= m;
    }
}

void plat_log(const char *s, size_t n)
{
    /* The host reads the log ring after each message: see hv/pv/log.c. */
    static struct spinlock lock;

    spin_lock(&lock);
    while (n) {
        struct xenc_log *l = (struct xenc_log *)(PV_MEM_BASE + XENC_LOG_GPA);
        u32 head = l->head, room = XENC_LOG_SIZE - (head - READ_ONCE(l->tail));
        if (room == 0) {
            host_futex_wake(&l->head, 1);
            u32 seen = READ_ONCE(l->tail);
            if (head - seen == XENC_LOG_SIZE)
                host_futex_wait(&l->tail, seen, plat_clock_mono() + NSEC_PER_SEC / 10);
            if (READ_ONCE(l->tail) == seen)
                break;          /* nobody reads: drop the rest */
            continue;
        }
        size_t m = min(n, (size_t)room);
        for (size_t i = 0; i < m; i++)
            l->data[(head + i) % XENC_LOG_SIZE] = s[i];
        __atomic_store_n(&l->head, head + (u32)m, __ATOMIC_RELEASE);
        s += m;
        n -= m;
    }
    spin_unlock(&lock);
    host_futex_wake(&((struct xenc_log *)(PV_MEM_BASE + XENC_LOG_GPA))->head, 1);
}

void plat_state(u32 state)
{
    __atomic_store_n(&BOOT->state, state, __ATOMIC_SEQ_CST);
    host_futex_wake(&BOOT->state, 1 << 30);
}

void plat_await_start(void)
{
    while (!READ_ONCE(BOOT->started))
        host_futex_wait(&BOOT->started, 0, WAIT_FOREVER);
}

/* The domain is over: the first process must go, whoever found out. It has the kworker
 * in it, which a kick makes leave (trap.c). */
static __attribute__((noreturn)) void pv_end_first(void)
{
    for (;;) {
        host3(__NR_tgkill, pv_first_tgid, pv_first_tgid, PV_SIG_KICK);
        if (current()->plat.host_tgid == 0 || current()->plat.host_tgid == pv_first_tgid)
            host3(__NR_exit_group, 0, 0, 0);
        host_futex_wait(&BOOT->state, BOOT->state, plat_clock_mono() + NSEC_PER_SEC);
    }
}

void plat_halt(int wait_status)
{
    BOOT->exit_status = (u32)wait_status;
    plat_state(XENC_ST_EXITED);
    pv_end_first();
}

void plat_panic(const char *report)
{
    strlcpy(BOOT->panic, report, sizeof BOOT->panic);
    plat_state(XENC_ST_PANIC);
    pv_end_first();
}
