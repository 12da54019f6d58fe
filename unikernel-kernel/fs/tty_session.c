/* Terminals and sessions: the controlling terminal, its foreground group, who may use it,
 * and hangup. The links between session and terminal are guarded by procs_lock. */
#include <asm/poll.h>
#include <asm/signal.h>
#include <linux/capability.h>
#include "task.h"
#include "ttyint.h"

#define HANDLER_IGNORE 1        /* SIG_IGN */

static bool ignores(struct task *t, int sig)
{
    return (t->blocked & SIGMASK(sig)) ||
           t->sighand->action[sig - 1].handler == HANDLER_IGNORE;
}

int tty_check_job(struct tty *t, int sig)
{
    struct task *me = current();
    struct proc *p = me->proc;
    int pgrp = READ_ONCE(t->pgrp);

    if (!p->session || READ_ONCE(p->session->tty) != t || !pgrp || p->pgid == pgrp)
        return 0;
    if (ignores(me, sig))
        return sig == SIGTTIN ? -EIO : 0;
    mutex_lock(&procs_lock);
    int pgid = p->pgid;
    bool orphan = pgrp_orphaned(pgid);
    mutex_unlock(&procs_lock);
    if (orphan)
        return -EIO;
    signal_send_pgrp(pgid, sig, NULL);
    return -ERESTARTSYS;
}

/* procs_lock held. The session's reference goes to the caller: tty_put. */
static struct tty *unlink_session(struct session *s)
{
    struct tty *t = s->tty;

    if (t) {
        __atomic_store_n(&s->tty, NULL, __ATOMIC_RELAXED);
        t->session = NULL;
        WRITE_ONCE(t->pgrp, 0);
    }
    return t;
}

int session_take_tty(struct tty *t, bool force)
{
    struct proc *p = current()->proc;
    struct tty *stolen = NULL;
    int r = 0;

    mutex_lock(&procs_lock);
    struct session *s = p->session;
    if (!s || s->sid != p->pid || (s->tty && s->tty != t)) {
        r = -EPERM;
    } else if (s->tty != t) {
        if (t->session && !(force && capable(CAP_SYS_ADMIN)))
            r = -EPERM;
        else if (t->session)
            stolen = unlink_session(t->session);
    }
    if (!r && s->tty != t) {
        tty_get(t);
        t->session = s;
        WRITE_ONCE(t->pgrp, p->pgid);
        __atomic_store_n(&s->tty, t, __ATOMIC_RELAXED);
    }
    mutex_unlock(&procs_lock);
    if (stolen)
        tty_put(stolen);
    return r;
}

int tty_set_controlling(struct file *f)
{
    struct tty *t = file_tty(f);

    return t ? session_take_tty(t, false) : -ENOTTY;
}

void tty_session_leader_exit(struct session *s)
{
    mutex_lock(&procs_lock);
    int pgrp = s->tty ? s->tty->pgrp : 0;
    struct tty *t = unlink_session(s);
    mutex_unlock(&procs_lock);
    if (pgrp > 0) {
        signal_send_pgrp(pgrp, SIGHUP, NULL);
        signal_send_pgrp(pgrp, SIGCONT, NULL);
    }
    if (t)
        tty_put(t);
}

void session_drop_tty(void)
{
    struct proc *p = current()->proc;

    if (p->session && p->session->sid == p->pid)
        tty_session_leader_exit(p->session);
}

void tty_hangup(struct tty *t)
{
    int sid = 0, pgrp;

    spin_lock(&t->lock);
    WRITE_ONCE(t->hung_up, true);
    spin_unlock(&t->lock);
    mutex_lock(&procs_lock);
    pgrp = t->pgrp;
    struct tty *unlinked = NULL;
    if (t->session) {
        sid = t->session->sid;
        unlinked = unlink_session(t->session);
    }
    mutex_unlock(&procs_lock);
    struct proc *leader = sid ? proc_by_id(sid) : NULL;
    if (leader) {
        signal_send_proc(leader, SIGHUP, NULL);
        signal_send_proc(leader, SIGCONT, NULL);
        proc_put(leader);
    }
    if (pgrp > 0 && pgrp != sid) {
        signal_send_pgrp(pgrp, SIGHUP, NULL);
        signal_send_pgrp(pgrp, SIGCONT, NULL);
    }
    waitq_wake_all(&t->rd_wq, 0);
    waitq_wake_all(&t->wr_wq, 0);
    if (unlinked)
        tty_put(unlinked);
}

u64 session_tty_dev(const struct session *s)
{
    return s && s->tty ? s->tty->rdev : 0;
}

int session_tty_pgrp(const struct session *s)
{
    return s && s->tty ? s->tty->pgrp : -1;
}

/* -- /dev/tty -- */

static int current_open(struct inode *i, struct file *f)
{
    struct proc *p = current()->proc;

    mutex_lock(&procs_lock);
    struct tty *t = p->session ? p->session->tty : NULL;
    if (t)
        tty_get(t);
    mutex_unlock(&procs_lock);
    return t ? tty_open_file(t, f, false) : -ENXIO;
}

const struct file_ops tty_current_fops = { .open = current_open };
