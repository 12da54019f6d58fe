/* The program's FPU registers. The kernel never touches them: they are live in the CPU
 * while their task runs, and go to its page (plat.fpu) when another program needs it. */
#include "pvh.h"
#include "cpuid.h"
#include "fpframe.h"
#include "user.h"

int pvh_xrstor(const void *area, u64 mask);
int pvh_fxrstor(const void *area);

#define CR4_OSXSAVE (1ull << 18)

static struct fp_format fp;
static bool has_opt;            /* XSAVEOPT */

/* XCR0 says what XSAVE keeps. An emulated hypervisor (QEMU 7.2's SVM) lets the guest set
 * it and puts its own back at the next exit, which cpuid is: then it can't be used. */
static bool xsave_works(void)
{
    u32 r[4], now, hi;

    if (!(pvh_leaf1[2] >> 26 & 1))
        return false;
    cpuid_read(0xd, 0, r);
    fp.features = r[0] & FP_FEATURES;
    if ((fp.features & 0xe0) != 0xe0)
        fp.features &= 7;       /* the parts of AVX-512 come together */
    __asm__ volatile("xsetbv" : : "c"(0), "a"((u32)fp.features), "d"(0));
    cpuid_read(0xd, 0, r);      /* now the size for what is enabled */
    __asm__ volatile("xgetbv" : "=a"(now), "=d"(hi) : "c"(0));
    fp.size = max(r[1], FP_XSAVE_MIN);
    return now == fp.features && fp.size <= FP_XSAVE_MAX;
}

static bool has_xsaveopt(void)
{
    u32 r[4];

    cpuid_read(0xd, 1, r);
    return r[0] & 1;
}

/* Without XSAVE, or with a broken one: FXSAVE, and programs are not told of AVX. */
void pvh_fp_init(bool first)
{
    if (first) {
        fp.legacy = !xsave_works();
        has_opt = !fp.legacy && has_xsaveopt();
    }
    if (fp.legacy && first) {
        fp.size = FP_LEGACY;
        pvh_cr4 &= ~CR4_OSXSAVE;
        write_cr4(pvh_cr4);
    } else if (!fp.legacy && !first) {
        __asm__ volatile("xsetbv" : : "c"(0), "a"((u32)fp.features), "d"(0));
    }
}

void pvh_fp_save(void *area)
{
    if (fp.legacy)
        __asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
    else if (has_opt)            /* writes only what is in use and has changed */
        __asm__ volatile("xsaveopt64 (%0)" : : "r"(area), "a"((u32)fp.features), "d"(0) : "memory");
    else
        __asm__ volatile("xsave64 (%0)" : : "r"(area), "a"((u32)fp.features), "d"(0) : "memory");
}

static int load(const void *area)
{
    return fp.legacy ? pvh_fxrstor(area) : pvh_xrstor(area, fp.features);
}

/* Are the registers of c those of t? (Not if t has run elsewhere since.) */
static bool loaded(const struct cpu *c, const struct task *t)
{
    return t && c->fp_owner == t && t->plat.fp_cpu == c->id;
}

/* Registers stay in the CPU as long as only kernel tasks run on it: the idle task, say.
 * With more than one CPU they are saved all the same, as another one may take the task. */
void pvh_fp_switch(struct cpu *c, struct task *prev, struct task *next)
{
    struct task *owner = c->fp_owner;

    if (prev->plat.state == PVH_DEAD) {
        if (owner == prev)
            c->fp_owner = owner = NULL;
    } else if (pvh_ncpus > 1 && prev->mm && loaded(c, prev)) {
        pvh_fp_save(prev->plat.fpu);
    }
    if (!next->mm || loaded(c, next))
        return;
    if (pvh_ncpus == 1 && loaded(c, owner))
        pvh_fp_save(owner->plat.fpu);
    load(next->plat.fpu);
    c->fp_owner = next;
    next->plat.fp_cpu = (u16)c->id;
}

size_t plat_fp_size(void)
{
    return fpframe_size(&fp);
}

int plat_fp_to_user(uptr_t dst)
{
    struct fp_buf buf;

    memset(buf.b, 0, fp.size);          /* XSAVE leaves out what is in its initial state */
    pvh_fp_save(buf.b);
    fpframe_seal(&fp, buf.b);
    return copy_to_user(dst, buf.b, plat_fp_size());
}

int plat_fp_from_user(uptr_t src)
{
    struct fp_buf buf;

    return fpframe_read(&fp, &buf, src) < 0 || load(buf.b) ? -EFAULT : 0;
}

size_t plat_fp_read(void *dst)
{
    struct fp_buf buf;

    memset(buf.b, 0, fp.size);
    pvh_fp_save(buf.b);
    fpframe_mark(&fp, buf.b);
    memcpy(dst, buf.b, fp.size);
    return fp.size;
}

int plat_fp_write(const void *src, size_t n)
{
    struct fp_buf buf;

    memset(buf.b, 0, fp.size);
    pvh_fp_save(buf.b);
    int r = fpframe_replace(&fp, buf.b, src, n);
    return r < 0 ? r : load(buf.b) ? -EFAULT : 0;
}
