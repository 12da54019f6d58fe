/* What /proc tells about memory use. */
#include "vma.h"

u64 mm_resident_in(struct mm *mm, u64 start, u64 end)
{
    u64 sum = 0;

    for (struct run *r = run_find(mm, start); r && r->start < end; r = run_find(mm, r->end))
        sum += min(r->end, end) - max(r->start, start);
    return sum;
}
