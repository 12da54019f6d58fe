/* execve(2), execveat(2): gathers the strings; core/exec.c does the rest. */
#include <linux/fcntl.h>
#include <asm/resource.h>
#include "mm.h"
#include "proc.h"
#include "sys.h"
#include "user.h"
#include "vfs.h"

enum { STRING_MAX = 131072, FIRST = 4096 };
#define TOTAL_MAX (6ul << 20)

struct strings { char *buf; size_t len, size, limit; };

/* As Linux: a quarter of the stack's limit, within 128 KiB and 6 MiB. */
static size_t strings_limit(void)
{
    u64 quarter = rlimit(current()->proc, RLIMIT_STACK) / 4;

    return (size_t)max((u64)STRING_MAX, min(quarter, (u64)TOTAL_MAX));
}

static int grow(struct strings *s)
{
    size_t n = s->size ? s->size * 2 : FIRST;
    char *b;

    if (s->size >= s->limit) return -E2BIG;
    b = krealloc(s->buf, s->size, n);
    if (!b) return -ENOMEM;
    s->buf = b;
    s->size = n;
    return 0;
}

static int add_string(struct strings *s, uptr_t p)
{
    for (;;) {
        size_t room = min(s->size - s->len, (size_t)STRING_MAX);
        ssize_t n = room ? strncpy_from_user(s->buf + s->len, p, room) : -ENAMETOOLONG;
        int r;

        if (n >= 0) {
            s->len += (size_t)n + 1;
            return s->len > s->limit ? -E2BIG : 0;
        }
        if (n != -ENAMETOOLONG) return (int)n;
        if (room == STRING_MAX) return -E2BIG;
        r = grow(s);
        if (r < 0) return r;
    }
}

/* The strings of a NULL-terminated vector: how many. */
static int add_vector(struct strings *s, uptr_t vec)
{
    int count = 0;

    if (!vec) return 0;
    for (;; count++) {
        u64 p;
        int r = get_user(p, vec + 8ul * (unsigned)count);

        if (r < 0) return r;
        if (!p) return count;
        r = add_string(s, p);
        if (r < 0) return r;
        if (s->len + 8ul * (unsigned)count > s->limit) return -E2BIG;
    }
}

static long exec_decoded(int dfd, const char *name, u32 flags, uptr_t argv, uptr_t envp)
{
    struct strings s = { .limit = strings_limit() };
    struct exec_args a = { 0 };
    int r = grow(&s), n;

    if (r < 0) return r;
    n = add_vector(&s, argv);
    if (n == 0) {       /* Linux since 5.18: argv[0] is always there */
        s.buf[s.len++] = '\0';
        n = 1;
    }
    a.argc = (u32)n;
    r = n < 0 ? n : add_vector(&s, envp);
    if (r >= 0) {
        a.envc = (u32)r;
        a.strings = s.buf;
        a.len = s.len;
        r = exec_program(dfd, name, flags, &a);
    }
    kfree(s.buf);
    return r;
}

long sys_execve(const u64 *a)
{
    char *name;
    long r = name_get(a[0], &name);

    if (r < 0) return r;
    r = exec_decoded(AT_FDCWD, name, 0, a[1], a[2]);
    name_put(name);
    return r;
}

long sys_execveat(const u64 *a)
{
    char *name;
    long r;

    if (a[4] & ~(u64)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) return -EINVAL;
    r = name_get(a[1], &name);
    if (r < 0) return r;
    r = exec_decoded((int)a[0], name, (u32)a[4], a[2], a[3]);
    name_put(name);
    return r;
}
