#include "ksyms.h"

const char *ksym_find(u64 addr, u32 *off_r)
{
    u32 lo = 0, hi = ksym_count, a = (u32)addr;

    if (!hi || a < ksym_at[0])
        return NULL;
    while (hi - lo > 1) {
        u32 mid = lo + (hi - lo) / 2;
        if (ksym_at[mid] <= a)
            lo = mid;
        else
            hi = mid;
    }
    *off_r = a - ksym_at[lo];
    return ksym_name[lo];
}
