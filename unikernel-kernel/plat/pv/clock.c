/* Clocks: the host's vDSO, called from the kernel; CPU clocks by host call. */
#include "host.h"
#include "pv.h"

#include <linux/elf.h>
#include <linux/time.h>

static long (*vdso_gettime)(int clock, struct host_timespec *ts);

/* Walks the vDSO's dynamic symbols (it has a DT_HASH or DT_GNU_HASH; the section count
 * is not needed when the symbol table ends where the string table begins). */
static void *vdso_symbol(const char *base, const char *name)
{
    const Elf64_Ehdr *eh = (const Elf64_Ehdr *)base;
    const Elf64_Phdr *ph = (const Elf64_Phdr *)(base + eh->e_phoff);
    const Elf64_Dyn *dyn = NULL;
    const Elf64_Sym *sym = NULL;
    const char *str = NULL;
    u64 bias = 0;

    for (int i = 0; i < eh->e_phnum; i++) {
        if (ph[i].p_type == PT_LOAD)
            bias = (u64)base - ph[i].p_vaddr + ph[i].p_offset;
        if (ph[i].p_type == PT_DYNAMIC)
            dyn = (const Elf64_Dyn *)(base + ph[i].p_offset);
    }
    for (; dyn && dyn->d_tag != DT_NULL; dyn++) {
        if (dyn->d_tag == DT_SYMTAB)
            sym = (const Elf64_Sym *)(bias + dyn->d_un.d_ptr);
        if (dyn->d_tag == DT_STRTAB)
            str = (const char *)(bias + dyn->d_un.d_ptr);
    }
    for (; sym && str && (const char *)sym < str; sym++)
        if (sym->st_value && strcmp(str + sym->st_name, name) == 0)
            return (void *)(bias + sym->st_value);
    return NULL;
}

void pv_clock_init(void)
{
    if (BOOT->vdso) {
        void *f = vdso_symbol((const char *)BOOT->vdso, "__vdso_clock_gettime");
        memcpy(&vdso_gettime, &f, sizeof f);
    }
}

static u64 host_clock(int clock)
{
    struct host_timespec ts = { 0, 0 };

    if (likely(vdso_gettime != NULL)) {
        struct plat_task *p = &current()->plat;
        /* A kick may find us in there: it must not take the vDSO for the program. */
        WRITE_ONCE(p->in_vdso, 1);
        __asm__ volatile("" ::: "memory");
        vdso_gettime(clock, &ts);
        __asm__ volatile("" ::: "memory");
        WRITE_ONCE(p->in_vdso, 0);
    } else {
        host3(__NR_clock_gettime, clock, (u64)&ts, 0);
    }
    return ts.sec * NSEC_PER_SEC + ts.nsec;
}

u64 plat_clock_mono(void) { return host_clock(1); }
u64 plat_clock_real(void) { return host_clock(0); }

static u32 host_process(const struct task *t)
{
    return t->plat.host_tgid ? t->plat.host_tgid : READ_ONCE(t->plat.host_tid);
}

/* Clock ids of Linux: ~number << 3 | per-thread | kind. */
enum { KIND_PROF, KIND_USER, KIND_SCHED, PER_THREAD = 4 };

static u64 cpu_clock(u32 number, int kind)
{
    struct host_timespec ts = { 0, 0 };

    host3(__NR_clock_gettime, (u64)(s64)(int)(~number << 3 | (u32)kind), (u64)&ts, 0);
    return ts.sec * NSEC_PER_SEC + ts.nsec;
}

u64 pv_thread_clock(void) { return cpu_clock(0, PER_THREAD | KIND_SCHED); }

/* The host tells a thread's time only inside its process. From outside, the whole process's
 * is put down to its leader. False: to nobody. */
static bool clock_of(const struct task *t, u32 *number_r, int *thread_r)
{
    u32 tid = READ_ONCE(t->plat.host_tid);

    if (!tid)
        return false;
    *thread_r = PER_THREAD;
    *number_r = t == current() ? 0 : tid;
    if (t == current() || host_process(t) == host_process(current()))
        return true;
    *thread_r = 0;
    *number_r = host_process(t);
    return t->proc->leader == t;
}

/* Less what has been booked for threads that ended. A host thread that is lent is a
 * parent's and a child's: cpu_base. */
u64 plat_clock_cpu(const struct task *t)
{
    u32 number;
    int thread;
    s64 ns;

    if (!clock_of(t, &number, &thread))
        return 0;
    ns = (s64)cpu_clock(number, thread | KIND_SCHED) - t->plat.cpu_base;
    if (!thread)
        ns -= (s64)(READ_ONCE(t->proc->dead_utime) + READ_ONCE(t->proc->dead_stime));
    return ns > 0 ? (u64)ns : 0;
}

/* What the host's kernel did counts as system time; our own kernel is the host's user. The
 * host samples that, at most 1,000 times a second, of the host thread's whole life. */
u64 plat_clock_sys(const struct task *t, u64 total)
{
    u32 number;
    int thread;
    u64 all, user, share;

    if (total < NSEC_PER_SEC / 1000 || !clock_of(t, &number, &thread))
        return 0;
    user = cpu_clock(number, thread | KIND_USER) / 1000;
    all = cpu_clock(number, thread | KIND_PROF) / 1000;
    if (user >= all)
        return 0;
    share = ((all - user) << 16) / all;
    return (total >> 16) * share + ((total & 0xffff) * share >> 16);
}
