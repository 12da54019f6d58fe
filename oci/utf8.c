#include "oci/image.h"

/* Names in pax headers are UTF-8 by definition and bytes to us: libarchive leaves them
 * alone only in a UTF-8 locale. This one is built into the C library. */
locale_t utf8_enter(locale_t *old_r)
{
    locale_t loc = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);

    *old_r = loc ? uselocale(loc) : (locale_t)0;
    return loc;
}

void utf8_leave(locale_t loc, locale_t old)
{
    if (!loc)
        return;
    uselocale(old);
    freelocale(loc);
}
