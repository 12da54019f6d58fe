/* Messages of the kernel: one short line each, to the container's log. */
#include "abi/boot.h"
#include "plat.h"

enum { LINE_MAX_ = 256 };

void printk(int level, const char *fmt, ...)
{
    char line[LINE_MAX_];
    va_list ap;
    int n;

    if (level >= 7 && !(plat_boot()->flags & XENC_BOOT_DEBUG)) return;
    va_start(ap, fmt);
    n = vsnprintf(line, sizeof line - 1, fmt, ap);
    va_end(ap);
    if (n < 0) return;
    if (n > (int)sizeof line - 2) n = (int)sizeof line - 2;
    while (n > 0 && line[n - 1] == '\n') n--;
    line[n++] = '\n';
    plat_log(line, (size_t)n);
}
