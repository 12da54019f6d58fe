#include "fpframe.h"
#include "user.h"

#include <asm/sigcontext.h>

#define SW_RESERVED 464
#define MXCSR_OFF   24
#define MXCSR_MASK  0xffffu

size_t fpframe_size(const struct fp_format *f)
{
    return f->legacy ? FP_LEGACY : f->size + FP_XSTATE_MAGIC2_SIZE;
}

void fpframe_seal(const struct fp_format *f, u8 *b)
{
    struct _fpx_sw_bytes sw = { .magic1 = FP_XSTATE_MAGIC1,
                                .extended_size = f->size + FP_XSTATE_MAGIC2_SIZE,
                                .xfeatures = f->features, .xstate_size = f->size };
    u32 magic2 = FP_XSTATE_MAGIC2;

    if (f->legacy)
        return;
    memcpy(b + SW_RESERVED, &sw, sizeof sw);
    memcpy(b + f->size, &magic2, sizeof magic2);
}

static void init_state(const struct fp_format *f, u8 *b)
{
    u16 fcw = 0x37f;
    u32 mxcsr = 0x1f80;

    memset(b, 0, f->size);
    memcpy(b, &fcw, sizeof fcw);
    memcpy(b + MXCSR_OFF, &mxcsr, sizeof mxcsr);
}

void fpframe_sanitize(const struct fp_format *f, u8 *b, bool extended)
{
    u32 mxcsr;
    u64 xbv;

    memcpy(&mxcsr, b + MXCSR_OFF, sizeof mxcsr);
    mxcsr &= MXCSR_MASK;
    memcpy(b + MXCSR_OFF, &mxcsr, sizeof mxcsr);
    if (f->legacy)
        return;
    memcpy(&xbv, b + FP_LEGACY, sizeof xbv);
    xbv = extended ? xbv & f->features : 3;
    memset(b + FP_LEGACY, 0, FP_XSAVE_MIN - FP_LEGACY);
    memcpy(b + FP_LEGACY, &xbv, sizeof xbv);
}

void fpframe_mark(const struct fp_format *f, u8 *b)
{
    if (f->legacy)
        return;
    memset(b + SW_RESERVED, 0, FP_LEGACY - SW_RESERVED);
    memcpy(b + SW_RESERVED, &f->features, sizeof f->features);
}

int fpframe_replace(const struct fp_format *f, u8 *b, const void *src, size_t n)
{
    if (n != FP_LEGACY && n != f->size)
        return -EINVAL;
    memcpy(b, src, n);
    if (n == FP_LEGACY && !f->legacy)
        b[FP_LEGACY] |= 3;      /* x87 and SSE are not in their initial state */
    fpframe_sanitize(f, b, true);
    return 0;
}

int fpframe_read(const struct fp_format *f, struct fp_buf *buf, uptr_t src)
{
    struct _fpx_sw_bytes sw;
    u32 magic2 = 0;

    init_state(f, buf->b);
    if (!src)
        return 0;
    if (copy_from_user(&sw, src + SW_RESERVED, sizeof sw))
        return -EFAULT;
    bool ext = !f->legacy && sw.magic1 == FP_XSTATE_MAGIC1 && sw.xstate_size <= f->size &&
               sw.xstate_size >= FP_XSAVE_MIN &&
               copy_from_user(&magic2, src + sw.xstate_size, 4) == 0 && magic2 == FP_XSTATE_MAGIC2;
    if (copy_from_user(buf->b, src, ext ? sw.xstate_size : FP_LEGACY))
        return -EFAULT;
    fpframe_sanitize(f, buf->b, ext);
    return 0;
}
