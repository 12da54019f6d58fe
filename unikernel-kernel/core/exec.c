/* execve(2): choosing the program, the point of no return, the new image. elf.c knows
 * the file format, stack.c the first stack. */
#include "exec.h"
#include "futex.h"
#include "proc.h"
#include "ptrace.h"
#include "user.h"
#include "vfs.h"

#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/securebits.h>
#include <linux/stat.h>

#define FMODE_EXEC_OPEN 0x20    /* open for execution, as Linux's __FMODE_EXEC */
#define INTERP_DEPTH 5

int exec_open(int dfd, const char *name, u32 at_flags, struct file **f_r)
{
    u32 look = (at_flags & AT_SYMLINK_NOFOLLOW) ? 0 : LOOKUP_FOLLOW;
    struct path p;
    int e;

    if (at_flags & AT_EMPTY_PATH)
        look |= LOOKUP_EMPTY;
    e = path_lookup(dfd, name, look, &p);
    if (e < 0)
        return e;
    struct inode *i = p.dentry->inode;
    if (S_ISLNK(i->mode))
        e = -ELOOP;
    else if (!S_ISREG(i->mode) || (p.mnt && (p.mnt->flags & 8 /* MS_NOEXEC */)))
        e = -EACCES;
    else
        e = inode_permission(i, MAY_EXEC);
    if (e == 0)
        e = vfs_open_path(&p, O_RDONLY | FMODE_EXEC_OPEN, f_r);
    path_put(&p);
    return e;
}

/* -- scripts -- */

/* Splits "#! interpreter [argument]": pointers into line. */
static int parse_script(char *line, size_t n, char **interp_r, char **arg_r)
{
    char *nl = line + 2, *end = line + n;

    while (nl < end && *nl != '\n' && *nl)
        nl++;
    if (nl == end && n == EXEC_HEAD)
        return -ENOEXEC;        /* longer than the head that Linux reads, too */
    *nl = 0;
    while (nl > line + 2 && (nl[-1] == ' ' || nl[-1] == '\t'))
        *--nl = 0;
    bool open_end = nl == end;
    char *p = line + 2;
    while (*p == ' ' || *p == '\t')
        p++;
    if (!*p)
        return open_end ? -EACCES : -ENOEXEC;   /* the empty name is a folder: this one */
    *interp_r = p;
    while (*p && *p != ' ' && *p != '\t')
        p++;
    *arg_r = NULL;
    if (*p) {
        *p++ = 0;
        while (*p == ' ' || *p == '\t')
            p++;
        *arg_r = *p ? p : NULL;
    }
    return 0;
}

/* argv[0] makes way for: interpreter [argument] script. */
static int script_args(struct exec_args *a, const char *interp, const char *arg,
                       const char *script)
{
    size_t il = strlen(interp) + 1, al = arg ? strlen(arg) + 1 : 0, sl = strlen(script) + 1;
    size_t first = a->argc ? strlen(a->strings) + 1 : 0;
    size_t len = il + al + sl + a->len - first;
    char *s = kmalloc(len), *p = s;

    if (!s)
        return -ENOMEM;
    memcpy(p, interp, il);
    p += il;
    if (arg)
        memcpy(p, arg, al);
    p += al;
    memcpy(p, script, sl);
    memcpy(p + sl, a->strings + first, a->len - first);
    kfree(a->strings);
    a->strings = s;
    a->len = len;
    a->argc += (a->argc ? 1 : 2) + (arg ? 1 : 0);
    return 0;
}

/* Opens the program behind scripts. a's strings are its own copy. */
static int find_program(int dfd, const char *name, u32 at_flags, struct exec_args *a,
                        struct image *im)
{
    char script[PATH_MAX];
    int e = exec_open(dfd, name, at_flags, &im->file);

    strlcpy(script, name, sizeof script);
    if (!*name && (at_flags & AT_EMPTY_PATH))
        snprintf(script, sizeof script, "/dev/fd/%d", dfd);
    for (int depth = 0; e == 0; depth++) {
        ssize_t n = vfs_kread(im->file, im->head, EXEC_HEAD, 0);
        if (n < 0)
            return (int)n;
        im->head_len = (size_t)n;
        if (n < 2 || im->head[0] != '#' || im->head[1] != '!')
            return elf_check(im);
        char *interp, *arg;
        im->head[n] = 0;
        if (depth >= INTERP_DEPTH)
            return -ELOOP;
        e = parse_script(im->head, (size_t)n, &interp, &arg);
        if (e == 0)
            e = script_args(a, interp, arg, script);
        if (e < 0)
            break;
        strlcpy(script, interp, sizeof script);
        file_put(im->file);
        im->file = NULL;
        e = exec_open(AT_FDCWD, script, 0, &im->file);
    }
    return e;
}

/* -- the change -- */

static bool no_suid(const struct image *im)
{
    return im->file->path.mnt && im->file->path.mnt->flags & 2 /* MS_NOSUID */;
}

/* Root has all capabilities anyhow: its files are not asked for theirs, unless it has given
 * that up. -EPERM: the program wants more than the caller may have. */
static int take_file_caps(struct image *im)
{
    struct inode *i = im->file->inode;
    const struct cred *c = current()->cred;
    ssize_t n;

    if (no_suid(im) || !i->ops || !i->ops->getxattr ||
        (c->uid == 0 && c->euid == 0 && !(c->securebits & SECBIT_NOROOT)))
        return 0;
    n = i->ops->getxattr(i, "security.capability", im->fcaps, sizeof im->fcaps);
    im->nfcaps = n > 0 ? (size_t)n : 0;
    return cred_may_exec(c, im->fcaps, im->nfcaps) ? 0 : -EPERM;
}

static void new_credentials(struct image *im)
{
    struct inode *i = im->file->inode;
    struct task *t = current();
    u32 mode = no_suid(im) ? i->mode & ~(u32)(S_ISUID | S_ISGID) : i->mode;
    struct cred *c = cred_for_exec(t->cred, mode, i->uid, i->gid, im->nfcaps ? im->fcaps : NULL,
                                   im->nfcaps, t->no_new_privs, &im->secure);
    if (c)
        cred_commit(c);
}

/* What /proc calls a process. A parent that waits for its vfork child goes on when the child
 * has an address space of its own: by then the names must be the new program's. */
struct names { char comm[sizeof ((struct task *)0)->comm]; struct file *exe; };

static void base_name(char *comm, const char *path)
{
    const char *base = strrchr(path, '/');

    strlcpy(comm, base ? base + 1 : path, sizeof ((struct task *)0)->comm);
}

static void swap_names(struct task *t, struct names *n)
{
    struct names old;

    memcpy(old.comm, t->comm, sizeof old.comm);
    memcpy(t->comm, n->comm, sizeof old.comm);
    old.exe = task_obj_swap(&t->proc->exe, n->exe);
    *n = old;
}

/* Empties the address space, or leaves it to those who share it. A program that is
 * always at the same place keeps its text when it runs itself. */
static int new_space(struct task *t, const struct image *im, const char *path)
{
    const struct inode *same = im->prog.eh.e_type == ET_EXEC ? im->file->inode : NULL;
    struct mm *old = t->mm, *mm = old;

    /* A new host process has the lender's pages: a copy of the bookkeeping knows where. */
    struct mm *empty = plat_exec_reserve(t, same);
    if (empty)
        mm = empty;
    else if (READ_ONCE(old->ref.n) > 1)
        mm = mm_clone(old);
    struct names n = { .exe = im->file };
    base_name(n.comm, path);
    swap_names(t, &n);
    int e = mm ? plat_exec_detach(t) : -ENOMEM;
    if (e < 0) {
        swap_names(t, &n);
        if (empty)
            plat_exec_unreserve(t, empty);
        else if (mm && mm != old)
            mm_put(mm);
        return e;
    }
    file_get(im->file);
    if (n.exe)
        file_put(n.exe);
    t->proc->maxrss = max(t->proc->maxrss, mm_resident_peak(old));
    mm_clear(mm, same);
    mm->prog = same;
    if (mm != old)
        mm_put(task_obj_swap(&t->mm, mm));
    return 0;
}

static void set_texts(struct proc *p, const struct exec_args *a)
{
    size_t args = 0;

    for (u32 i = 0; i < a->argc; i++)
        args += strlen(a->strings + args) + 1;
    char *cmd = kmalloc(args + 1), *env = kmalloc(a->len - args + 1);
    if (cmd)
        memcpy(cmd, a->strings, args);
    if (env)
        memcpy(env, a->strings + args, a->len - args);
    proc_texts_set(p, cmd, cmd ? args : 0, env, env ? a->len - args : 0);
}

static int unshare_for_exec(struct task *t)
{
    if (t->sighand->ref.n > 1) {
        struct sighand *s = sighand_copy(t->sighand);
        if (!s)
            return -ENOMEM;
        struct sighand *old = t->sighand;
        mutex_lock(&procs_lock);        /* as senders of signals do */
        t->sighand = s;
        mutex_unlock(&procs_lock);
        sighand_put(old);
    }
    if (t->files->ref.n > 1) {
        struct fdtable *f = fdtable_copy(t->files);
        if (!f)
            return -ENOMEM;
        fdtable_put(task_obj_swap(&t->files, f));
    }
    return 0;
}

static void reset_task(struct task *t)
{
    timers_exec(t->proc);
    sighand_exec_reset(t->sighand);
    fdtable_close_on_exec(t->files);
    t->altstack_sp = t->altstack_size = 0;
    t->altstack_flags = 2;      /* SS_DISABLE */
    t->clear_tid = t->robust_list = t->rseq = 0;
    /* its memory is nobody's business when it runs with rights of another */
    t->dumpable = t->cred->uid == t->cred->euid && t->cred->gid == t->cred->egid;
    t->proc->did_exec = true;
    plat_set_tls(0);
}

/* From here on the old program is gone: failure ends the process. */
static int become(struct image *im, struct exec_args *a)
{
    struct task *t = current();
    int e = elf_load(im);

    if (e == 0)
        e = stack_build(im, a);
    if (e < 0)
        return e;
    struct regs *r = plat_task_regs(t);
    memset(r, 0, sizeof *r);
    r->nr = NO_SYSCALL;
    r->rip = im->entry;
    r->rsp = im->sp;
    r->rflags = 0x202;
    t->regs = r;
    return 0;
}

int exec_program(int dfd, const char *name, u32 at_flags, const struct exec_args *args)
{
    struct task *t = current();
    struct exec_args a = *args;
    struct image *im = kzalloc(sizeof *im);
    int e = -ENOMEM, tid = t->tid;

    a.strings = kmalloc(args->len + 1);
    if (!im || !a.strings)
        goto out;
    memcpy(a.strings, args->strings, args->len);
    e = find_program(dfd, name, at_flags, &a, im);
    if (e == 0)
        e = take_file_caps(im);
    if (e < 0)
        goto out;
    im->execfn = name;
    im->args = stack_args(im, &a);
    e = task_exec_single();
    if (e == 0)
        e = unshare_for_exec(t);
    if (e == 0)
        futex_task_exit(t);
    if (e == 0)
        e = new_space(t, im, name);
    if (e < 0)
        goto out;
    task_vfork_release(t);
    new_credentials(im);
    set_texts(t->proc, &a);
    reset_task(t);
    if (become(im, &a) < 0)
        task_exit_group(11 /* SIGSEGV */);
    ptrace_exec(tid);
out:
    if (im)
        elf_release(im);
    kfree(im);
    kfree(a.strings);
    return e;
}
