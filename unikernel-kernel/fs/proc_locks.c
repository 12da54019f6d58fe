/* /proc/locks: every lock on a file. */
#include "locks.h"
#include "procfs.h"

struct listing { struct seq *s; const struct pid_ns *ns; u32 n; };

static void line(const struct inode *i, const struct file_lock *l, void *arg)
{
    static const char *const kind[] = {
        [LOCKS_FLOCK] = "FLOCK ", [LOCKS_POSIX] = "POSIX ", [LOCKS_OFD] = "OFDLCK" };
    struct listing *to = arg;

    seq_printf(to->s, "%u: %s ADVISORY  %s %d %02x:%02x:%llu %lld ", ++to->n, kind[l->kind],
               l->write ? "WRITE" : "READ ", l->kind == LOCKS_OFD ? -1 : pid_nr_in(to->ns, l->pid),
               DEV_MAJOR(i->sb->dev), DEV_MINOR(i->sb->dev), (unsigned long long)i->ino,
               (long long)l->start);
    if (l->end == INT64_MAX)
        seq_puts(to->s, "EOF\n");
    else
        seq_printf(to->s, "%lld\n", (long long)l->end);
}

int proc_locks(struct seq *s, struct proc_ctx *c)
{
    struct listing to = { s, c->ns, 0 };

    locks_for_each(line, &to);
    return 0;
}
