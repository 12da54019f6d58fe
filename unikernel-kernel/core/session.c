/* Sessions and process groups (setsid(2), setpgid(2), POSIX job control). */
#include <asm/signal.h>
#include "proc.h"

struct session *session_new(int sid)
{
    struct session *s = kzalloc(sizeof *s);

    if (!s) return NULL;
    ref_init(&s->ref);
    s->sid = sid;
    pid_hold(sid);
    return s;
}

void session_put(struct session *s)
{
    if (!s || !ref_put(&s->ref)) return;
    pid_unhold(s->sid);
    kfree(s);
}

void proc_set_pgid(struct proc *p, int pgid)
{
    if (p->pgid == pgid) return;
    if (pgid) pid_hold(pgid);
    if (p->pgid) pid_unhold(p->pgid);
    p->pgid = pgid;
}

int session_start(struct proc *p)
{
    struct session *s;
    struct proc *q;

    list_for_each(q, &procs_all, all_link)
        if (q->pgid == p->pid) return -EPERM;
    s = session_new(p->pid);
    if (!s) return -ENOMEM;
    session_put(p->session);
    p->session = s;
    proc_set_pgid(p, p->pid);
    return p->pid;
}

int pgrp_exists_in_session(int pgid, const struct session *s)
{
    struct proc *p;

    list_for_each(p, &procs_all, all_link)
        if (p->pgid == pgid && p->session == s) return 1;
    return 0;
}

/* A group is orphaned when no member's parent is in another group of the session.
 * `leaving` does not count any more. */
static bool orphaned_without(int pgid, const struct proc *leaving)
{
    struct proc *p;

    list_for_each(p, &procs_all, all_link) {
        if (p->pgid != pgid || p == leaving || p->zombie || !p->parent) continue;
        if (p->parent->pgid != pgid && p->parent->session == p->session) return false;
    }
    return true;
}

bool pgrp_orphaned(int pgid)
{
    return orphaned_without(pgid, NULL);
}

void pgrp_check_orphaned(int pgid, const struct proc *leaving)
{
    struct proc *p;
    bool has_stopped = false;

    list_for_each(p, &procs_all, all_link)
        if (p->pgid == pgid && p != leaving && p->stopped && !p->zombie) has_stopped = true;
    if (!has_stopped || !orphaned_without(pgid, leaving)) return;
    list_for_each(p, &procs_all, all_link) {
        if (p->pgid != pgid || p == leaving || p->zombie) continue;
        signal_send_proc(p, SIGHUP, NULL);
        signal_send_proc(p, SIGCONT, NULL);
    }
}
