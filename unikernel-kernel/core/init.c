/* The container's first process: the boot task in new clothes. */
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/filter.h>
#include <linux/limits.h>
#include <linux/signal.h>
#include <linux/stat.h>
#include "abi/boot.h"
#include "boot.h"
#include "cgroup.h"
#include "console.h"
#include "mm.h"
#include "tty.h"
#include "vfs.h"

#define CAP_ALL ((1ull << (CAP_LAST_CAP + 1)) - 1)

/* What the record says of the program, gathered before it can be used. */
static struct {
    struct exec_args args;      /* argv, then the environment */
    size_t argv_len;
    const char *cwd;
    const struct sock_filter *filter;
    u32 filter_n, umask;
    bool terminal;
    u32 rows, cols;
} plan = { .umask = 022, .cwd = "/" };

static struct cred *root_cred(void)
{
    struct cred *c = kzalloc(sizeof *c);

    if (!c) return NULL;
    ref_init(&c->ref);
    c->cap_bset = c->cap_eff = c->cap_perm = CAP_ALL;
    return c;
}

void init_create(void)
{
    struct task *t = current();
    struct proc *p = proc_new();

    task_init(t);
    t->regs = plat_task_regs(t);
    t->cred = root_cred();
    t->sighand = sighand_new();
    t->files = fdtable_new();
    t->mm = mm_new();
    t->proc = p;
    strlcpy(t->comm, "init", sizeof t->comm);
    if (!p || !t->cred || !t->sighand || !t->files || !t->mm) boot_fail(1, "not enough memory");
    ref_get(&p->ref);           /* the tree's; the first is the task's */
    tid_alloc(t, NULL, &(int){ 1 }, 1);
    p->pid = 1;
    p->is_init = true;
    p->leader = t;
    p->nthreads = 1;
    p->exit_signal = SIGCHLD;
    p->start_time = t->start_time = time_mono();
    list_add(&p->threads, &t->proc_link);
    list_add_tail(&procs_all, &p->all_link);
    rlimit_init(p);
    proc_set_pgid(p, 1);
    p->session = session_new(1);
    if (!p->session) boot_fail(1, "not enough memory");
    init_proc = p;
}

/* -- the record's view of the process -- */

static void need(bool ok, const char *what)
{
    if (!ok) boot_fail(1, "container record: bad value of %s", what);
}

static u32 get_u32(const void *data, u32 len, const char *what)
{
    u32 v = 0;

    need(len == sizeof v, what);
    memcpy(&v, data, sizeof v);
    return v;
}

static void add_string(const char *s, u32 len, const char *what)
{
    struct exec_args *a = &plan.args;
    char *n;

    need(len > 0 && s[len - 1] == '\0' && strlen(s) == len - 1, what);
    n = krealloc(a->strings, a->len, a->len + len);
    if (!n) boot_fail(1, "not enough memory");
    memcpy(n + a->len, s, len);
    a->strings = n;
    a->len += len;
}

static int arg_tag(u32 tag, const void *data, u32 len, void *arg)
{
    if (tag != XT_ARG) return 0;
    add_string(data, len, "process.args");
    plan.args.argc++;
    plan.argv_len = plan.args.len;
    return 0;
}

static int env_tag(u32 tag, const void *data, u32 len, void *arg)
{
    if (tag != XT_ENV) return 0;
    add_string(data, len, "process.env");
    plan.args.envc++;
    return 0;
}

static void take_groups(struct cred *c, const void *data, u32 len)
{
    u32 *g;

    need(!(len & 3), "process.user.additionalGids");
    if (!len) return;
    g = kmalloc(len);
    if (!g) boot_fail(1, "not enough memory");
    memcpy(g, data, len);
    cred_set_groups(c, g, len / 4);
}

static void take_caps(struct cred *c, const void *data, u32 len)
{
    u64 v[5];

    need(len == sizeof v, "process.capabilities");
    memcpy(v, data, sizeof v);
    for (int i = 0; i < 5; i++) v[i] &= CAP_ALL;
    c->cap_bset = v[0];
    c->cap_inh = v[2];
    c->cap_perm = v[3];
    c->cap_eff = v[1] & v[3];
    c->cap_amb = v[4] & v[2] & v[3];
}

static void take_rlimit(const void *data, u32 len)
{
    struct xenc_rlimit l;

    need(len == sizeof l, "process.rlimits");
    memcpy(&l, data, sizeof l);
    if (rlimit_set(init_proc, l.resource, l.soft, l.hard) < 0)
        boot_fail(1, "process.rlimits: limit %u can't be %lu, %lu", l.resource,
                  (unsigned long)l.soft, (unsigned long)l.hard);
}

static void take_filter(const void *data, u32 len)
{
    need(len && !(len % sizeof *plan.filter) && len / sizeof *plan.filter <= BPF_MAXINSNS,
         "linux.seccomp");
    plan.filter = data;
    plan.filter_n = len / sizeof *plan.filter;
}

static int process_tag(u32 tag, const void *data, u32 len, void *arg)
{
    struct cred *c = arg;
    u32 size[2];

    switch (tag) {
    case XT_CWD: need(record_strings(data, len, &plan.cwd, 1), "process.cwd"); break;
    case XT_UID: c->uid = c->euid = c->suid = c->fsuid = get_u32(data, len, "user.uid"); break;
    case XT_GID: c->gid = c->egid = c->sgid = c->fsgid = get_u32(data, len, "user.gid"); break;
    case XT_GROUPS: take_groups(c, data, len); break;
    case XT_UMASK: plan.umask = get_u32(data, len, "user.umask") & 0777; break;
    case XT_CAPS: take_caps(c, data, len); break;
    case XT_RLIMIT: take_rlimit(data, len); break;
    case XT_NNP: current()->no_new_privs = get_u32(data, len, "noNewPrivileges") != 0; break;
    case XT_TERMINAL: plan.terminal = get_u32(data, len, "process.terminal") != 0; break;
    case XT_WINSIZE:
        need(len == sizeof size, "process.consoleSize");
        memcpy(size, data, sizeof size);
        plan.rows = size[0];
        plan.cols = size[1];
        break;
    case XT_OOM_SCORE_ADJ: init_proc->oom_score_adj = (int)get_u32(data, len, "oomScoreAdj"); break;
    case XT_SECCOMP: take_filter(data, len); break;
    case XT_LIMITS:
        need(len == sizeof container_limits, "linux.resources");
        memcpy(&container_limits, data, sizeof container_limits);
        break;
    case XT_ARG: case XT_ENV: case XT_HOSTNAME: case XT_DOMAINNAME: case XT_ROOT_RO:
    case XT_MOUNT: case XT_MASKED: case XT_READONLY: case XT_SYSCTL: case XT_DEVICE:
    case XT_SYMLINK:
        break;                  /* elsewhere */
    default: boot_fail(1, "container record: unknown tag %u", tag);
    }
    return 0;
}

/* -- descriptors and directory -- */

static void open_terminal(struct file *f[3])
{
    int r;

    if (plan.rows && plan.cols) tty_console_winsize((u16)plan.rows, (u16)plan.cols);
    r = vfs_open(AT_FDCWD, "/dev/console", O_RDWR | O_NOCTTY, 0, &f[0]);
    if (!r) r = tty_set_controlling(f[0]);
    if (r < 0) boot_fail(1, "terminal: /dev/console: error %d", -r);
    f[1] = f[2] = f[0];
    file_get(f[0]);
    file_get(f[0]);
}

static void open_descriptors(void)
{
    struct file *f[3];

    if (plan.terminal) {
        open_terminal(f);
    } else {
        int r = console_open_stdio(f);
        if (r < 0) boot_fail(1, "standard input and output: error %d", -r);
    }
    for (int i = 0; i < 3; i++)
        if (fd_install(f[i], i, false) != i) boot_fail(1, "standard input and output");
}

static void enter_cwd(void)
{
    struct fsctx *fs = current()->fs;
    struct path p, old;
    int r = path_lookup(AT_FDCWD, plan.cwd, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

    if (r == -ENOENT) boot_fail(1, "working directory \"%s\" does not exist", plan.cwd);
    if (r == -ENOTDIR) boot_fail(1, "working directory \"%s\" is not a directory", plan.cwd);
    if (!r) r = inode_permission(p.dentry->inode, MAY_EXEC);
    if (r < 0) boot_fail(1, "working directory \"%s\": error %d", plan.cwd, -r);
    old = fs->cwd;
    fs->cwd = p;
    path_put(&old);
}

void init_configure(const void *rec, size_t len)
{
    struct cred *c = cred_dup(current()->cred);
    int r;

    if (!c) boot_fail(1, "not enough memory");
    r = record_walk(rec, len, process_tag, c);
    if (!r) r = record_walk(rec, len, arg_tag, NULL);
    if (!r) r = record_walk(rec, len, env_tag, NULL);
    if (r < 0 || !plan.args.argc) boot_fail(1, "container record: broken");
    open_descriptors();
    current()->fs->umask = plan.umask;
    cred_commit(c);
    enter_cwd();
    trace_enabled = plat_boot()->flags & XENC_BOOT_STRACE;
    if (trace_enabled) __atomic_add_fetch(&syscall_watch, 1, __ATOMIC_RELAXED);
}

/* -- the program -- */

static const char *find_env(const char *name)
{
    size_t n = strlen(name);
    const char *s = plan.args.strings + plan.argv_len;

    for (u32 i = 0; i < plan.args.envc; i++, s += strlen(s) + 1)
        if (!strncmp(s, name, n) && s[n] == '=') return s + n + 1;
    return NULL;
}

/* 0, or why it can't be run. */
static int executable(const char *name)
{
    struct path p;
    int r = path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW, &p);

    if (r < 0) return r;
    if (S_ISDIR(p.dentry->inode->mode)) r = -EISDIR;
    else r = inode_permission(p.dentry->inode, MAY_EXEC);
    path_put(&p);
    return r;
}

static const char *reason(int r)
{
    switch (-r) {
    case ENOENT: return "no such file or directory";
    case ENOTDIR: return "not a directory";
    case EISDIR: return "is a directory";
    case EACCES: case EPERM: return "permission denied";
    case ENOEXEC: return "exec format error";
    case ELOOP: return "too many levels of symbolic links";
    case ENOMEM: return "not enough memory";
    case E2BIG: return "argument list too long";
    case ELIBBAD: return "its interpreter is broken";
    }
    return "it can't be executed";
}

/* As runc: a name without a slash is searched for in the PATH of the container. */
static void find_program(char *buf, size_t n)
{
    const char *name = plan.args.strings, *path = find_env("PATH");
    int r, seen = -ENOENT;

    if (strchr(name, '/')) {
        r = executable(name);
        if (r == -ENOENT || r == -ENOTDIR)
            boot_fail(127, "exec: \"%s\": stat %s: %s", name, name, reason(r));
        if (r < 0) boot_fail(126, "exec: \"%s\": %s", name, reason(r));
        strlcpy(buf, name, n);
        return;
    }
    while (path) {
        const char *end = strchr(path, ':');
        int dir = end ? (int)(end - path) : (int)strlen(path);

        snprintf(buf, n, "%.*s/%s", dir ? dir : 1, dir ? path : ".", name);
        r = executable(buf);
        if (!r) return;
        if (r == -EACCES) seen = r;
        path = end ? end + 1 : NULL;
    }
    if (seen == -EACCES) boot_fail(126, "exec: \"%s\": permission denied", name);
    boot_fail(127, "exec: \"%s\": executable file not found in $PATH", name);
}

void init_run(void)
{
    static char program[PATH_MAX];
    int r;

    find_program(program, sizeof program);
    plat_state(XENC_ST_READY);
    plat_await_start();
    if (plan.filter && seccomp_attach(plan.filter, plan.filter_n) < 0)
        boot_fail(1, "linux.seccomp: the filter is not valid");
    r = exec_program(AT_FDCWD, program, 0, &plan.args);
    if (r == -ENOENT)
        boot_fail(127, "exec %s: no such file or directory (its interpreter is missing)", program);
    if (r < 0) boot_fail(126, "exec %s: %s", program, reason(r));
    kfree(plan.args.strings);
    plat_state(XENC_ST_RUNNING);
    plat_enter_user(current()->regs);
}
