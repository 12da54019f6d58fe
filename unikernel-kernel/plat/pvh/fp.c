/* The program's FPU registers. The kernel never touches them: they are live in the CPU
 * while their task runs, and go to its page (plat.fpu) when another program needs it. */
#include "pvh.h"
#include "cpuid.h"
#include "user.h"

#include <asm/sigcontext.h>

int pvh_xrstor(const void *area, u64 mask);
int pvh_fxrstor(const void *area);

#define XSTATE_MASK 0xe7ull     /* x87 SSE AVX AVX-512 */
#define XSAVE_MIN   576         /* legacy area and header */
#define XSAVE_MAX   2696        /* up to and including AVX-512 */
#define FXSAVE_SIZE 512
#define CR4_OSXSAVE (1ull << 18)
#define SW_RESERVED 464
#define MXCSR_OFF   24
#define MXCSR_MASK  0xffffu

static struct { u32 size; u64 features; bool old, opt; } fp;

/* XCR0 says what XSAVE keeps. An emulated hypervisor (QEMU 7.2's SVM) lets the guest set
 * it and puts its own back at the next exit, which cpuid is: then it can't be used. */
static bool xsave_works(void)
{
    u32 r[4], now, hi;

    if (!(pvh_leaf1[2] >> 26 & 1))
        return false;
    cpuid_read(0xd, 0, r);
    fp.features = r[0] & XSTATE_MASK;
    if ((fp.features & 0xe0) != 0xe0)
        fp.features &= 7;       /* the parts of AVX-512 come together */
    __asm__ volatile("xsetbv" : : "c"(0), "a"((u32)fp.features), "d"(0));
    cpuid_read(0xd, 0, r);      /* now the size for what is enabled */
    __asm__ volatile("xgetbv" : "=a"(now), "=d"(hi) : "c"(0));
    fp.size = max(r[1], (u32)XSAVE_MIN);
    return now == fp.features && fp.size <= XSAVE_MAX;
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
        fp.old = !xsave_works();
        fp.opt = !fp.old && has_xsaveopt();
    }
    if (fp.old && first) {
        fp.size = FXSAVE_SIZE;
        pvh_cr4 &= ~CR4_OSXSAVE;
        write_cr4(pvh_cr4);
    } else if (!fp.old && !first) {
        __asm__ volatile("xsetbv" : : "c"(0), "a"((u32)fp.features), "d"(0));
    }
}

void pvh_fp_save(void *area)
{
    if (fp.old)
        __asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
    else if (fp.opt)            /* writes only what is in use and has changed */
        __asm__ volatile("xsaveopt64 (%0)" : : "r"(area), "a"((u32)fp.features), "d"(0) : "memory");
    else
        __asm__ volatile("xsave64 (%0)" : : "r"(area), "a"((u32)fp.features), "d"(0) : "memory");
}

static int load(const void *area)
{
    return fp.old ? pvh_fxrstor(area) : pvh_xrstor(area, fp.features);
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
    return fp.old ? FXSAVE_SIZE : fp.size + FP_XSTATE_MAGIC2_SIZE;
}

struct fp_buf { _Alignas(64) u8 b[XSAVE_MAX + 8]; };

/* Linux's frame format: software words inside the legacy area, magic at the end. */
static void put_magic(u8 *b)
{
    struct _fpx_sw_bytes sw = { .magic1 = FP_XSTATE_MAGIC1,
                                .extended_size = fp.size + FP_XSTATE_MAGIC2_SIZE,
                                .xfeatures = fp.features, .xstate_size = fp.size };
    u32 magic2 = FP_XSTATE_MAGIC2;

    memcpy(b + SW_RESERVED, &sw, sizeof sw);
    memcpy(b + fp.size, &magic2, sizeof magic2);
}

int plat_fp_to_user(uptr_t dst)
{
    struct fp_buf buf;

    memset(buf.b, 0, fp.size);          /* XSAVE leaves out what is in its initial state */
    pvh_fp_save(buf.b);
    if (!fp.old)
        put_magic(buf.b);
    return copy_to_user(dst, buf.b, plat_fp_size());
}

static void init_state(u8 *b)
{
    u16 fcw = 0x37f;
    u32 mxcsr = 0x1f80;

    memset(b, 0, fp.size);
    memcpy(b, &fcw, sizeof fcw);
    memcpy(b + MXCSR_OFF, &mxcsr, sizeof mxcsr);
}

/* Makes a program's image safe to load: reserved bits would fault. */
static void sanitize(u8 *b, bool extended)
{
    u32 mxcsr;
    u64 xbv;

    memcpy(&mxcsr, b + MXCSR_OFF, sizeof mxcsr);
    mxcsr &= MXCSR_MASK;
    memcpy(b + MXCSR_OFF, &mxcsr, sizeof mxcsr);
    memcpy(&xbv, b + 512, sizeof xbv);
    xbv = extended ? xbv & fp.features : 3;
    memset(b + 512, 0, 64);
    memcpy(b + 512, &xbv, sizeof xbv);
}

int plat_fp_from_user(uptr_t src)
{
    struct fp_buf buf;

    init_state(buf.b);
    if (src) {
        struct _fpx_sw_bytes sw;
        u32 magic2 = 0;
        if (copy_from_user(&sw, src + SW_RESERVED, sizeof sw))
            return -EFAULT;
        bool ext = !fp.old && sw.magic1 == FP_XSTATE_MAGIC1 && sw.xstate_size <= fp.size &&
                   sw.xstate_size >= XSAVE_MIN &&
                   copy_from_user(&magic2, src + sw.xstate_size, 4) == 0 &&
                   magic2 == FP_XSTATE_MAGIC2;
        if (copy_from_user(buf.b, src, ext ? sw.xstate_size : 512))
            return -EFAULT;
        sanitize(buf.b, ext);
    }
    return load(buf.b) ? -EFAULT : 0;
}
