/* What the kernel tells its vDSO: clock = (tsc - base_tsc) * to_ns / 2^32 + base_mono. */
#ifndef PLAT_PVH_VDSO_DATA_H
#define PLAT_PVH_VDSO_DATA_H
#include <stdint.h>
typedef uint64_t u64;
struct vdso_data { u64 base_tsc, to_ns, base_mono, base_real; };
#endif
