/* The program's FPU registers. The kernel never touches them: on the fast path they
 * are live in the CPU; on the trap path the host saved them in its signal frame. */
#include "pv.h"
#include "user.h"

#include <asm/sigcontext.h>
#include <asm/signal.h>
#include <asm/ucontext.h>

void pv_xsave(void *area);
int pv_xrstor(const void *area);

#define XSTATE_MASK 0xe7ull     /* as in entry.S */
#define XSAVE_MIN   576         /* legacy area and header */
#define SW_RESERVED 464
#define MXCSR_OFF   24
#define MXCSR_MASK  0xffffu

static struct { u32 size; u64 features; } fp;

static void cpuid(u32 leaf, u32 sub, u32 r[4])
{
    __asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
                     : "a"(leaf), "c"(sub));
}

void pv_fp_init(void)
{
    u32 r[4], lo, hi;

    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    fp.features = lo & XSTATE_MASK;
    /* One cpuid, which a hypervisor makes dear, tells the size when nothing is enabled
     * that we leave out. */
    cpuid(0xd, 0, r);
    fp.size = (lo & ~XSTATE_MASK) ? XSAVE_MIN : r[1];
    for (u32 i = 2; i < 8 && (lo & ~XSTATE_MASK); i++) {
        if (!(fp.features >> i & 1))
            continue;
        cpuid(0xd, i, r);
        fp.size = max(fp.size, r[0] + r[1]);    /* size, offset */
    }
    assert(fp.size <= PV_FP_MAX);
}

size_t plat_fp_size(void)
{
    return fp.size + FP_XSTATE_MAGIC2_SIZE;
}

static struct _xstate *host_area(const struct regs *r)
{
    return (struct _xstate *)((struct ucontext *)r->host)->uc_mcontext.fpstate;
}

struct fp_buf { _Alignas(64) u8 b[PV_FP_MAX + 8]; };

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
    const struct regs *r = current()->regs;
    struct fp_buf buf;

    if (r->host) {
        memcpy(buf.b, host_area(r), fp.size);
    } else {
        memset(buf.b + 512, 0, 64);
        pv_xsave(buf.b);
    }
    put_magic(buf.b);
    return copy_to_user(dst, buf.b, fp.size + FP_XSTATE_MAGIC2_SIZE);
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
    const struct regs *r = current()->regs;
    struct fp_buf buf;

    init_state(buf.b);
    if (src) {
        struct _fpx_sw_bytes sw;
        u32 magic2 = 0;
        if (copy_from_user(&sw, src + SW_RESERVED, sizeof sw))
            return -EFAULT;
        bool ext = sw.magic1 == FP_XSTATE_MAGIC1 && sw.xstate_size <= fp.size &&
                   sw.xstate_size >= XSAVE_MIN &&
                   copy_from_user(&magic2, src + sw.xstate_size, 4) == 0 &&
                   magic2 == FP_XSTATE_MAGIC2;
        if (copy_from_user(buf.b, src, ext ? sw.xstate_size : 512))
            return -EFAULT;
        sanitize(buf.b, ext);
    }
    if (r->host) {
        /* Keep the host's own description of its frame. */
        u8 *h = (u8 *)host_area(r);
        memcpy(h, buf.b, SW_RESERVED);
        memcpy(h + 512, buf.b + 512, fp.size - 512);
        return 0;
    }
    return pv_xrstor(buf.b) ? -EFAULT : 0;
}

void pv_fp_load_from_frame(struct regs *r)
{
    struct fp_buf buf;

    memcpy(buf.b, host_area(r), fp.size);
    sanitize(buf.b, true);
    pv_xrstor(buf.b);
}

void pv_fp_save(u8 area[PV_FP_MAX])
{
    memset(area + 512, 0, 64);
    pv_xsave(area);
}

void pv_fp_load(const u8 area[PV_FP_MAX])
{
    pv_xrstor(area);
}
