#include <errno.h>
#include <limits.h>
#include <string.h>

#include "oci/image.h"

_Static_assert(PATH_MAX == 4096, "size of layer_name's buffer");

int layer_name(const char *raw, char out[static 4096], struct err *e)
{
    size_t len = 0;

    while (*raw) {
        size_t n = strcspn(raw, "/");
        if (n == 2 && raw[0] == '.' && raw[1] == '.')
            return err_set(e, EINVAL, "entry name \"%.200s\" has a \"..\" in it", raw);
        if (n > NAME_MAX || len + n + 2 > PATH_MAX)
            return err_set(e, ENAMETOOLONG, "entry name \"%.60s...\" is too long", raw);
        if (n && !(n == 1 && raw[0] == '.')) {
            if (len)
                out[len++] = '/';
            memcpy(out + len, raw, n);
            len += n;
        }
        raw += n;
        raw += *raw == '/';
    }
    out[len] = 0;
    return 0;
}
