/* Inside /proc. One table, proc.def, lists everything that is there; each entry is a
 * path and a function that writes its text.
 *
 *   procfs.c        the tree: mounting, lookup, listing
 *   proc_file.c     open files: text made at the first read, writes
 *   proc_fd.c       PID/fd, PID/fdinfo, PID/task: names that are numbers
 *   proc_link.c     links: self, exe, cwd, root, fd/N, ns
 *   proc_pid.c      PID/stat, status and the like     proc_maps.c   PID/maps, smaps
 *   proc_mounts.c   PID/mounts, mountinfo             proc_root.c   the container as a whole
 *   proc_acct.c     PID/io, sched, syscall            proc_mem.c    PID/mem
 *   proc_cpu.c      cpuinfo, stat, loadavg            proc_net.c    net/
 *   proc_sysctl.c   sys/: sysctl.def
 *
 * Entries of a process hold its number and start time, never the task: each operation
 * finds the task anew, and one that has ended answers ESRCH. */
#ifndef PROCFS_H
#define PROCFS_H
#include "proc.h"
#include "seq.h"
#include "vfs.h"

enum proc_kind { PROC_K_DIR, PROC_K_FILE, PROC_K_LINK, PROC_K_PIDS, PROC_K_TASKS, PROC_K_FDS,
                 PROC_K_FDINFO, PROC_K_MEM };

enum { PROC_TO_MOUNTS, PROC_TO_NET };    /* arguments of proc_link_text */

/* What an entry's functions work on. */
struct proc_ctx {
    struct task *task;          /* counted; NULL outside PID/ */
    const struct pid_ns *ns;    /* whose numbers are shown: that of who mounted it */
    bool thread;                /* below PID/task/: of this thread alone */
    int num;                    /* descriptor, of fd and fdinfo entries */
    u32 arg;                    /* from the table */
};

struct proc_entry {
    const char *path;           /* "PID/stat", "sys/kernel/hostname" */
    enum proc_kind kind;
    u32 mode;                   /* permission bits */
    u32 arg;
    int (*show)(struct seq *s, struct proc_ctx *c);             /* text; 0 or -errno */
    int (*store)(struct proc_ctx *c, const char *text, size_t n);
    int (*follow)(struct proc_ctx *c, struct path *p_r);
};

struct proc_node {              /* entries as a tree, made at the first mount */
    const struct proc_entry *e;
    const char *name;
    struct proc_node *child, *sibling;
    u32 index;
    bool per_task;              /* below PID */
};

struct proc_inode {
    const struct proc_node *node;
    int tid;                    /* its id (pid.h); 0: not below PID */
    u64 start;                  /* that task's start time */
    bool thread;
    int num;
};

/* The namespace whose numbers a mount shows. */
static inline struct pid_ns *proc_pidns(const struct inode *i) { return i->sb->priv; }

/* procfs.c */
int proc_mount(const char *source, u64 flags, const char *data, struct super **sb_r);
struct inode *proc_inode_new(struct super *sb, const struct proc_inode *pi);
/* Fills c from the inode: 0, or -ESRCH; proc_ctx_put afterwards. */
int proc_ctx_get(const struct inode *i, struct proc_ctx *c);
void proc_ctx_put(struct proc_ctx *c);
/* May the current task see into t (memory, descriptors, directories)? As ptrace. */
bool proc_may_inspect(struct task *t);
/* What a number in such a directory is. */
const struct proc_node *proc_number_node(enum proc_kind dir);
extern const struct inode_ops proc_dir_iops, proc_file_iops, proc_link_iops;
extern const struct file_ops proc_dir_fops, proc_file_fops, proc_mem_fops;

/* proc_fd.c: names made of numbers. */
struct inode *proc_number_lookup(struct inode *dir, u32 num);   /* counted, or NULL */
int proc_number_readdir(struct file *f, struct dirent_ctx *c, u64 base);
/* Its name as the current root sees it. */
int proc_path_print(struct seq *s, const struct path *p);
int proc_fd_show(struct seq *s, struct proc_ctx *c);
int proc_fd_follow(struct proc_ctx *c, struct path *p_r);
int proc_fdinfo_show(struct seq *s, struct proc_ctx *c);

/* Every function that proc.def and sysctl.def name. */
#define PROC_DIR(path, mode)
#define PROC_FILE(path, mode, fn, arg) int fn(struct seq *s, struct proc_ctx *c);
#define PROC_RW(path, mode, fn, set, arg) int fn(struct seq *s, struct proc_ctx *c); \
    int set(struct proc_ctx *c, const char *text, size_t n);
#define PROC_LINK(path, mode, fn, to, arg) int fn(struct seq *s, struct proc_ctx *c);
#define PROC_SPECIAL(path, mode, kind)
#include "proc.def"
#undef PROC_DIR
#undef PROC_FILE
#undef PROC_RW
#undef PROC_LINK
#undef PROC_SPECIAL
int proc_exe_follow(struct proc_ctx *c, struct path *p_r);
int proc_cwd_follow(struct proc_ctx *c, struct path *p_r);
int proc_ns_follow(struct proc_ctx *c, struct path *p_r);
#endif
