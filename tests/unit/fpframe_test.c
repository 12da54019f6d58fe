// uses: unikernel-kernel/lib/fpframe.c unituser.c unitplat.c
/* Frames with a program's FPU registers: whatever a program makes of one, this CPU can load. */
#include <stdlib.h>
#include <string.h>

#include "fpframe.h"
#include "tap.h"
#include "unitplat.h"

#include <asm/sigcontext.h>

static struct fp_format fp;
static struct fp_buf frame, got;

static void cpu_format(void)
{
    u32 a, b, c, d, lo, hi;

    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    __asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(0xd), "c"(0));
    fp.features = lo & FP_FEATURES;
    fp.size = b < FP_XSAVE_MAX ? b : FP_XSAVE_MIN;
}

static void save(u8 *b)
{
    memset(b, 0, sizeof frame);
    __asm__ volatile("xsave64 (%0)" : : "r"(b), "a"((u32)fp.features), "d"(0) : "memory");
}

/* Faults, and ends the test, if something reserved is set. */
static void load(const u8 *b)
{
    if (fp.legacy)
        __asm__ volatile("fxrstor64 (%0)" : : "r"(b) : "memory");
    else
        __asm__ volatile("xrstor64 (%0)" : : "r"(b), "a"((u32)fp.features), "d"(0) : "memory");
}

static void round_trip(void)
{
    struct _fpx_sw_bytes sw;
    u32 magic2;

    save(frame.b);
    fpframe_seal(&fp, frame.b);
    memcpy(&sw, frame.b + 464, sizeof sw);
    memcpy(&magic2, frame.b + fp.size, sizeof magic2);
    tap_is(sw.magic1, FP_XSTATE_MAGIC1, "first magic number");
    tap_is(magic2, FP_XSTATE_MAGIC2, "second, behind the area");
    tap_is(sw.extended_size, fpframe_size(&fp), "the frame's size");
    tap_is(fpframe_read(&fp, &got, (uptr_t)frame.b), 0, "read");
    memset(frame.b + 464, 0, 48);
    memset(got.b + 464, 0, 48);
    tap_ok(!memcmp(frame.b, got.b, 416), "legacy registers are the same");
    load(got.b);
}

static void initial(void)
{
    u16 fcw;
    u32 mxcsr;

    memset(got.b, 0xaa, sizeof got);
    tap_is(fpframe_read(&fp, &got, 0), 0, "no frame");
    memcpy(&fcw, got.b, 2);
    memcpy(&mxcsr, got.b + 24, 4);
    tap_ok(fcw == 0x37f && mxcsr == 0x1f80, "initial control words");
    load(got.b);
}

static void bad(void)
{
    tap_is(fpframe_read(&fp, &got, 16), -EFAULT, "a frame that is not there");
    save(frame.b);
    fpframe_seal(&fp, frame.b);
    frame.b[fp.size] ^= 1;
    memset(frame.b + 512, 0xff, 64);
    tap_is(fpframe_read(&fp, &got, (uptr_t)frame.b), 0, "without the second number");
    u64 xbv;
    memcpy(&xbv, got.b + 512, 8);
    tap_is(xbv, 3, "only the legacy part is taken");
    load(got.b);
}

/* Mostly valid to look at, so that they are taken for extended ones. */
static void random_frames(void)
{
    int failed = 0;

    for (int n = 0; n < 20000; n++) {
        for (size_t i = 0; i < sizeof frame.b; i += 4) {
            u32 r = (u32)random();
            memcpy(frame.b + i, &r, 4);
        }
        if (n % 8) {
            fpframe_seal(&fp, frame.b);
            u32 size = n % 16 == 1 ? (u32)random() : n % 16 == 3 ? FP_XSAVE_MIN : fp.size;
            memcpy(frame.b + 464 + 16, &size, 4);
        }
        if (fpframe_read(&fp, &got, (uptr_t)frame.b) == 0)
            load(got.b);
        else
            failed++;
    }
    u32 mxcsr = 0x1f80;
    __asm__ volatile("fninit; ldmxcsr %0" : : "m"(mxcsr));
    tap_is(failed, 0, "20000 random frames, all of them could be loaded");
}

int main(void)
{
    cpu_format();
    round_trip();
    initial();
    bad();
    random_frames();
    fp.legacy = true;
    fp.size = FP_LEGACY;
    tap_is(fpframe_size(&fp), FP_LEGACY, "without XSAVE");
    initial();
    random_frames();
    return tap_end();
}
