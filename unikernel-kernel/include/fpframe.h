/* A program's FPU registers as signal frames hold them (Linux's format): an XSAVE area (Intel
 * SDM vol. 1, 13.4) with software words in its legacy part and a magic number behind it. */
#ifndef FPFRAME_H
#define FPFRAME_H
#include "kernel.h"

#define FP_LEGACY   512u        /* FXSAVE */
#define FP_XSAVE_MIN 576u       /* legacy part and header */
#define FP_XSAVE_MAX 2696u      /* up to and including AVX-512 */
#define FP_FEATURES 0xe7ull     /* x87 SSE AVX AVX-512, as in entry.S */

/* What this CPU's areas are like. size: bytes; features: of XCR0; legacy: FXSAVE, no XSAVE. */
struct fp_format { u32 size; u64 features; bool legacy; };
struct fp_buf { _Alignas(64) u8 b[FP_XSAVE_MAX + 8]; };

size_t fpframe_size(const struct fp_format *f);         /* bytes of a frame */
/* An area that XSAVE has written becomes a frame. */
void fpframe_seal(const struct fp_format *f, u8 *b);
/* It becomes a register set of ptrace(2): NT_X86_XSTATE has XCR0 at 464. And the reverse, all
 * of it or the legacy part, into the area b: 0, or -EINVAL for another size. */
void fpframe_mark(const struct fp_format *f, u8 *b);
int fpframe_replace(const struct fp_format *f, u8 *b, const void *src, size_t n);
/* Makes an area of anybody's safe to load: reserved bits would fault. extended: there is more
 * than the legacy part. */
void fpframe_sanitize(const struct fp_format *f, u8 *b, bool extended);
/* A program's frame, or the initial state for src 0, into an area that can be loaded.
 * 0 or -EFAULT. */
int fpframe_read(const struct fp_format *f, struct fp_buf *buf, uptr_t src);
#endif
