/* --strace: a line a system call, in the manner of strace(1), made from syscalls.def.
 *     [pid] name(arguments) = result
 * Calls that do not come back show "= ?" when they begin. */
#include <asm/signal.h>
#include <asm/unistd.h>
#include "proc.h"
#include "trace.h"
#include "user.h"

enum { LINE = 480, STRING_SHOWN = 64, BYTES_SHOWN = 32 };

struct trace { size_t at; char line[LINE]; };

bool trace_enabled;

static const char *const errno_names[] = {
    [EPERM] = "EPERM", [ENOENT] = "ENOENT", [ESRCH] = "ESRCH", [EINTR] = "EINTR",
    [EIO] = "EIO", [ENXIO] = "ENXIO", [E2BIG] = "E2BIG", [ENOEXEC] = "ENOEXEC",
    [EBADF] = "EBADF", [ECHILD] = "ECHILD", [EAGAIN] = "EAGAIN", [ENOMEM] = "ENOMEM",
    [EACCES] = "EACCES", [EFAULT] = "EFAULT", [EBUSY] = "EBUSY", [EEXIST] = "EEXIST",
    [EXDEV] = "EXDEV", [ENODEV] = "ENODEV", [ENOTDIR] = "ENOTDIR", [EISDIR] = "EISDIR",
    [EINVAL] = "EINVAL", [ENFILE] = "ENFILE", [EMFILE] = "EMFILE", [ENOTTY] = "ENOTTY",
    [ETXTBSY] = "ETXTBSY", [EFBIG] = "EFBIG", [ENOSPC] = "ENOSPC", [ESPIPE] = "ESPIPE",
    [EROFS] = "EROFS", [EMLINK] = "EMLINK", [EPIPE] = "EPIPE", [EDOM] = "EDOM",
    [ERANGE] = "ERANGE", [EDEADLK] = "EDEADLK", [ENAMETOOLONG] = "ENAMETOOLONG",
    [ENOSYS] = "ENOSYS", [ENOTEMPTY] = "ENOTEMPTY", [ELOOP] = "ELOOP",
    [ENODATA] = "ENODATA", [EOVERFLOW] = "EOVERFLOW", [EOPNOTSUPP] = "EOPNOTSUPP",
    [EAFNOSUPPORT] = "EAFNOSUPPORT", [EADDRINUSE] = "EADDRINUSE", [ENOTCONN] = "ENOTCONN",
    [ETIMEDOUT] = "ETIMEDOUT", [ECONNREFUSED] = "ECONNREFUSED", [EALREADY] = "EALREADY",
    [EINPROGRESS] = "EINPROGRESS", [ENOTSOCK] = "ENOTSOCK", [ECONNRESET] = "ECONNRESET",
    [EISCONN] = "EISCONN", [ENOBUFS] = "ENOBUFS", [EDQUOT] = "EDQUOT",
    [ECANCELED] = "ECANCELED", [EOWNERDEAD] = "EOWNERDEAD", [ERESTARTSYS] = "ERESTARTSYS",
    [ERESTARTNOHAND] = "ERESTARTNOHAND", [ERESTART_RESTARTBLOCK] = "ERESTART_RESTARTBLOCK",
};

static const char signal_names[][7] = {
    "0", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV",
    "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN",
    "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
};

static void put(struct trace *tr, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct trace *tr, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(tr->line + tr->at, sizeof tr->line - tr->at, fmt, ap);
    va_end(ap);
    if (n > 0) tr->at = min(tr->at + (size_t)n, sizeof tr->line - 1);
}

static void put_bytes(struct trace *tr, const char *s, size_t n, bool more)
{
    put(tr, "\"");
    for (size_t i = 0; i < n; i++) {
        u8 c = (u8)s[i];

        if (c == '\n') put(tr, "\\n");
        else if (c == '\t') put(tr, "\\t");
        else if (c == '"' || c == '\\') put(tr, "\\%c", c);
        else if (c >= 0x20 && c < 0x7f) put(tr, "%c", c);
        else put(tr, "\\%o", c);
    }
    put(tr, more ? "\"..." : "\"");
}

static void put_string(struct trace *tr, uptr_t p)
{
    char s[STRING_SHOWN + 1];
    ssize_t n = p ? strncpy_from_user(s, p, sizeof s) : -EFAULT;

    if (!p) put(tr, "NULL");
    else if (n == -ENAMETOOLONG) put_bytes(tr, s, STRING_SHOWN, true);
    else if (n < 0) put(tr, "%#lx", (unsigned long)p);
    else put_bytes(tr, s, (size_t)n, false);
}

static void put_buffer(struct trace *tr, uptr_t p, u64 n)
{
    char s[BYTES_SHOWN];
    size_t m = min(n, (u64)sizeof s);

    if (!p) put(tr, "NULL");
    else if (copy_from_user(s, p, m) < 0) put(tr, "%#lx", (unsigned long)p);
    else put_bytes(tr, s, m, n > m);
}

static void put_fd(struct trace *tr, u64 v)
{
    if ((int)v == -100) put(tr, "AT_FDCWD");
    else put(tr, "%d", (int)v);
}

/* One argument. result: what the call returned; buffers that it filled are shown by it. */
static void put_arg(struct trace *tr, char kind, const u64 *a, int i, bool reads, long result)
{
    u64 v = a[i], len = i < 5 ? a[i + 1] : 0;

    switch (kind) {
    case 'd': put(tr, "%d", (int)v); break;
    case 'u': case 'z': put(tr, "%lu", (unsigned long)v); break;
    case 'o': put(tr, "0%o", (unsigned)v); break;
    case 's': put_string(tr, v); break;
    case 'b': put_buffer(tr, v, reads ? (u64)max(result, 0l) : len); break;
    case 'f': put_fd(tr, v); break;
    case 'g':
        if (v < ARRAY_SIZE(signal_names)) put(tr, v ? "SIG%s" : "%s", signal_names[v]);
        else put(tr, "%lu", (unsigned long)v);
        break;
    case 'p':
        if (!v) {
            put(tr, "NULL");
            break;
        } /* fall through */
    default: put(tr, v ? "%#lx" : "%lx", (unsigned long)v);
    }
}

static bool fills_buffer(u64 nr)
{
    return nr == __NR_read || nr == __NR_pread64 || nr == __NR_recvfrom || nr == __NR_readlink;
}

static void put_args(struct trace *tr, u64 nr, const u64 *a, long result)
{
    const char *fmt = syscall_info[nr].fmt;

    for (int i = 0; i < 6 && fmt[i]; i++) {
        if (i) put(tr, ", ");
        put_arg(tr, fmt[i], a, i, fills_buffer(nr), result);
    }
}

static void put_result(struct trace *tr, long r)
{
    const char *name = r < 0 && r > -(long)ARRAY_SIZE(errno_names) ? errno_names[-r] : NULL;

    if (name) put(tr, ") = -1 %s", name);
    else if (r < 0 && r >= -4095) put(tr, ") = -1 (errno %ld)", -r);
    else if (r > -65536 && r < (1l << 31)) put(tr, ") = %ld", r);
    else put(tr, ") = %#lx", (unsigned long)r);
}

static void flush(struct trace *tr)
{
    tr->line[tr->at] = '\0';
    printk(6, "%s", tr->line);
    kfree(tr);
}

void *trace_enter(u64 nr, const u64 *a)
{
    struct trace *tr = kmalloc(sizeof *tr);

    if (!tr) return NULL;
    tr->at = 0;
    put(tr, "[%d] ", current()->tid);
    if (nr >= syscall_count || !syscall_info[nr].name) {
        put(tr, "syscall_%lu(%#lx, %#lx, %#lx", (unsigned long)nr, (unsigned long)a[0],
            (unsigned long)a[1], (unsigned long)a[2]);
        return tr;
    }
    put(tr, "%s(", syscall_info[nr].name);
    if (nr == __NR_exit || nr == __NR_exit_group || nr == __NR_rt_sigreturn) {
        put_args(tr, nr, a, 0);
        put(tr, ") = ?");
        flush(tr);
        return NULL;
    }
    if (!fills_buffer(nr)) put_args(tr, nr, a, 0);
    return tr;
}

void trace_leave(void *p, u64 nr, const u64 *a, long result)
{
    struct trace *tr = p;

    if (!tr) return;
    if (nr < syscall_count && fills_buffer(nr)) put_args(tr, nr, a, result);
    put_result(tr, result);
    flush(tr);
}
