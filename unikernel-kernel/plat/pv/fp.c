/* The program's FPU registers. The kernel never touches them: on the fast path they
 * are live in the CPU; on the trap path the host saved them in its signal frame. */
#include "fpframe.h"
#include "pv.h"
#include "user.h"

#include <asm/sigcontext.h>
#include <asm/signal.h>
#include <asm/ucontext.h>

void pv_xsave(void *area);
int pv_xrstor(const void *area);

static struct fp_format fp;

static void cpuid(u32 leaf, u32 sub, u32 r[4])
{
    __asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
                     : "a"(leaf), "c"(sub));
}

void pv_fp_init(void)
{
    u32 r[4], lo, hi;

    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    fp.features = lo & FP_FEATURES;
    /* One cpuid, which a hypervisor makes dear, tells the size when nothing is enabled
     * that we leave out. */
    cpuid(0xd, 0, r);
    fp.size = (lo & ~FP_FEATURES) ? FP_XSAVE_MIN : r[1];
    for (u32 i = 2; i < 8 && (lo & ~FP_FEATURES); i++) {
        if (!(fp.features >> i & 1))
            continue;
        cpuid(0xd, i, r);
        fp.size = max(fp.size, r[0] + r[1]);    /* size, offset */
    }
    assert(fp.size <= FP_XSAVE_MAX);
}

size_t plat_fp_size(void)
{
    return fpframe_size(&fp);
}

static struct _xstate *host_area(const struct regs *r)
{
    return (struct _xstate *)((struct ucontext *)r->host)->uc_mcontext.fpstate;
}

static void save_state(u8 *b)
{
    const struct regs *r = current()->regs;

    if (r->host) {
        memcpy(b, host_area(r), fp.size);
    } else {
        memset(b + 512, 0, 64);
        pv_xsave(b);
    }
}

static int load_state(const u8 *b)
{
    const struct regs *r = current()->regs;

    if (!r->host)
        return pv_xrstor(b) ? -EFAULT : 0;
    /* Keep the host's own description of its frame. */
    u8 *h = (u8 *)host_area(r);
    memcpy(h, b, offsetof(struct _fpstate, sw_reserved));
    memcpy(h + 512, b + 512, fp.size - 512);
    return 0;
}

int plat_fp_to_user(uptr_t dst)
{
    struct fp_buf buf;

    save_state(buf.b);
    fpframe_seal(&fp, buf.b);
    return copy_to_user(dst, buf.b, plat_fp_size());
}

int plat_fp_from_user(uptr_t src)
{
    struct fp_buf buf;

    return fpframe_read(&fp, &buf, src) < 0 ? -EFAULT : load_state(buf.b);
}

size_t plat_fp_read(void *dst)
{
    struct fp_buf buf;

    save_state(buf.b);
    fpframe_mark(&fp, buf.b);
    memcpy(dst, buf.b, fp.size);
    return fp.size;
}

int plat_fp_write(const void *src, size_t n)
{
    struct fp_buf buf;

    save_state(buf.b);
    int r = fpframe_replace(&fp, buf.b, src, n);
    return r < 0 ? r : load_state(buf.b);
}

void pv_fp_load_from_frame(struct regs *r)
{
    struct fp_buf buf;

    memcpy(buf.b, host_area(r), fp.size);
    fpframe_sanitize(&fp, buf.b, true);
    pv_xrstor(buf.b);
}

void pv_fp_save(u8 area[FP_XSAVE_MAX])
{
    memset(area + 512, 0, 64);
    pv_xsave(area);
}

void pv_fp_load(const u8 area[FP_XSAVE_MAX])
{
    pv_xrstor(area);
}
