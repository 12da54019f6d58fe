#include "hv/hv.h"

const char *hv_kind_name(enum hv_kind k)
{
    static const char *const names[] = { "auto", "pv", "pvh", "pvh" };

    return (unsigned)k < 4 ? names[k] : "?";
}
