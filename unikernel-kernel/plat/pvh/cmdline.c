/* The kernel's command line, and the container record made of it when the loader gives
 * none (booting straight in QEMU): words before "--" are options, those behind it the
 * program and its arguments; "double quotes" keep blanks.
 *
 *     xenc.debug xenc.strace xenc.env=NAME=VALUE xenc.cwd=DIR xenc.hostname=NAME
 *     virtio_mmio.device=SIZE@ADDRESS:IRQ        anywhere: QEMU appends it */
#include "abi/record.h"
#include "pvh.h"

#include <linux/mount.h>

#define DEVICE_OPTION "virtio_mmio.device="

/* The next word of *s into buf: its length, or -1 at the end. */
static int next_word(const char **s, char *buf, size_t size)
{
    const char *p = *s;
    size_t n = 0;
    bool quoted = false;

    while (*p == ' ' || *p == '\t' || *p == '\n')
        p++;
    if (!*p)
        return -1;
    for (; *p && (quoted || (*p != ' ' && *p != '\t' && *p != '\n')); p++) {
        if (*p == '"')
            quoted = !quoted;
        else if (n + 1 < size)
            buf[n++] = *p;
    }
    buf[n] = '\0';
    *s = p;
    return (int)n;
}

int pvh_option(const char *name, unsigned n, char *buf, size_t size)
{
    char word[256];
    const char *s = pvh_cmdline;
    size_t len = strlen(name);
    bool args = false;

    while (next_word(&s, word, sizeof word) >= 0) {
        args |= !strcmp(word, "--");
        if (args && strncmp(word, DEVICE_OPTION, strlen(DEVICE_OPTION)))
            continue;
        if (strncmp(word, name, len) || (word[len] && word[len] != '=') || n--)
            continue;
        const char *v = word[len] ? word + len + 1 : "";
        if (size)
            strlcpy(buf, v, size);
        return (int)strlen(v);
    }
    return -1;
}

/* -- a record -- */

static struct { u32 len; char b[8192]; } rec SPARSE __attribute__((aligned(8)));

static void put(u32 tag, const void *head, u32 head_len, const char *const *strings, unsigned n)
{
    u32 at = rec.len + sizeof(struct xenc_tlv), end = at + head_len;

    for (unsigned i = 0; i < n; i++)
        end += (u32)strlen(strings[i]) + 1;
    if (((end + 7) & ~7u) > sizeof rec.b)
        panic("pvh boot: the command line is too long");
    struct xenc_tlv h = { tag, end - at };
    memcpy(rec.b + rec.len, &h, sizeof h);
    memcpy(rec.b + at, head, head_len);
    at += head_len;
    for (unsigned i = 0; i < n; at += (u32)strlen(strings[i]) + 1, i++)
        memcpy(rec.b + at, strings[i], strlen(strings[i]) + 1);
    rec.len = (end + 7) & ~7u;
}

static void put_string(u32 tag, const char *s) { put(tag, NULL, 0, &s, 1); }

static void put_mount(const char *type, const char *where, const char *options, u64 flags)
{
    const char *s[] = { type, type, where, options };
    struct xenc_mount m = { .flags = flags };

    put(XT_MOUNT, &m, sizeof m, s, 4);
}

static bool put_args(void)
{
    char word[1024];
    const char *s = pvh_cmdline;
    bool args = false, any = false;

    while (next_word(&s, word, sizeof word) >= 0) {
        if (!strncmp(word, DEVICE_OPTION, strlen(DEVICE_OPTION)))
            continue;
        if (args) {
            put_string(XT_ARG, word);
            any = true;
        }
        args |= !strcmp(word, "--");
    }
    return any;
}

void pvh_record_default(struct xenc_boot *b)
{
    char v[256];
    u64 caps[5];

    if (!put_args())
        put_string(XT_ARG, "/bin/sh");
    put_string(XT_ENV, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    put_string(XT_ENV, "HOME=/root");
    for (unsigned i = 0; pvh_option("xenc.env", i, v, sizeof v) >= 0; i++)
        put_string(XT_ENV, v);
    put_string(XT_CWD, pvh_option("xenc.cwd", 0, v, sizeof v) > 0 ? v : "/");
    put_string(XT_HOSTNAME, pvh_option("xenc.hostname", 0, v, sizeof v) > 0 ? v : "xenc");
    memset(caps, 0xff, sizeof caps);
    caps[2] = caps[4] = 0;              /* inheritable, ambient */
    put(XT_CAPS, caps, sizeof caps, NULL, 0);
    put_mount("proc", "/proc", "", 0);
    put_mount("sysfs", "/sys", "", MS_RDONLY);
    put_mount("devtmpfs", "/dev", "", 0);
    put_mount("devpts", "/dev/pts", "", 0);
    put_mount("tmpfs", "/tmp", "mode=1777", 0);
    b->record = plat_gpa(rec.b);
    b->record_len = rec.len;
}
