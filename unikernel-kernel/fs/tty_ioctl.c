/* ioctl(2) on terminals (ioctl_tty(2)). */
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/capability.h>
#include "task.h"
#include "ttyint.h"

/* -- termios: three structures, the same beginning -- */

static long get_termios(struct tty *t, uptr_t arg, size_t n)
{
    struct termios2 k;

    spin_lock(&t->lock);
    k = t->termios;
    spin_unlock(&t->lock);
    return copy_to_user(arg, &k, n);
}

/* What TIOCSLCKTRMIOS has locked stays as it is. */
static void keep_locked(const struct tty *t, struct termios2 *k)
{
    const struct termios *l = &t->locked;
    const struct termios2 *old = &t->termios;

    k->c_iflag = (old->c_iflag & l->c_iflag) | (k->c_iflag & ~l->c_iflag);
    k->c_oflag = (old->c_oflag & l->c_oflag) | (k->c_oflag & ~l->c_oflag);
    k->c_cflag = (old->c_cflag & l->c_cflag) | (k->c_cflag & ~l->c_cflag);
    k->c_lflag = (old->c_lflag & l->c_lflag) | (k->c_lflag & ~l->c_lflag);
    if (l->c_line)
        k->c_line = old->c_line;
    for (int i = 0; i < NCCS; i++)
        if (l->c_cc[i])
            k->c_cc[i] = old->c_cc[i];
}

static long set_locked(struct tty *t, uptr_t arg)
{
    struct termios l;

    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    if (get_user(l, arg))
        return -EFAULT;
    spin_lock(&t->lock);
    t->locked = l;
    spin_unlock(&t->lock);
    return 0;
}

static long get_locked(struct tty *t, uptr_t arg)
{
    spin_lock(&t->lock);
    struct termios l = t->locked;
    spin_unlock(&t->lock);
    return put_user(l, arg);
}

/* n: how much of termios2 the program has; the speeds may be missing. */
static long set_termios(struct tty *t, uptr_t arg, size_t n, bool flush)
{
    struct termios2 k;
    int r = tty_check_job(t, SIGTTOU);

    if (r)
        return r;
    spin_lock(&t->lock);
    k = t->termios;
    spin_unlock(&t->lock);
    if (copy_from_user(&k, arg, n))
        return -EFAULT;
    spin_lock(&t->lock);
    if (flush)
        ldisc_flush_input(t);
    keep_locked(t, &k);
    ldisc_set_termios(t, &k);
    bool ready = ldisc_input_ready(t, false);
    spin_unlock(&t->lock);
    if (ready)
        waitq_wake_all(&t->rd_wq, 0);
    return 0;
}

/* struct termio of old: 16-bit flags. */
static long get_termio(struct tty *t, uptr_t arg)
{
    struct termio o = { 0 };

    o.c_iflag = (u16)t->termios.c_iflag;
    o.c_oflag = (u16)t->termios.c_oflag;
    o.c_cflag = (u16)t->termios.c_cflag;
    o.c_lflag = (u16)t->termios.c_lflag;
    o.c_line = t->termios.c_line;
    memcpy(o.c_cc, t->termios.c_cc, NCC);
    return put_user(o, arg);
}

static long set_termio(struct tty *t, uptr_t arg, bool flush)
{
    struct termio o;
    int r = tty_check_job(t, SIGTTOU);

    if (r)
        return r;
    if (get_user(o, arg))
        return -EFAULT;
    spin_lock(&t->lock);
    struct termios2 k = t->termios;
    k.c_iflag = (k.c_iflag & ~0xffffu) | o.c_iflag;
    k.c_oflag = (k.c_oflag & ~0xffffu) | o.c_oflag;
    k.c_cflag = (k.c_cflag & ~0xffffu) | o.c_cflag;
    k.c_lflag = (k.c_lflag & ~0xffffu) | o.c_lflag;
    k.c_line = o.c_line;
    memcpy(k.c_cc, o.c_cc, NCC);
    if (flush)
        ldisc_flush_input(t);
    keep_locked(t, &k);
    ldisc_set_termios(t, &k);
    spin_unlock(&t->lock);
    return 0;
}

/* -- groups and sessions -- */

static bool is_own(const struct tty *t)
{
    const struct session *s = current()->proc->session;

    return s && s->tty == t;
}

static long get_pgrp(struct tty *t, uptr_t arg)
{
    int pgrp = READ_ONCE(t->pgrp);

    return put_user(pid_nr(pgrp), arg);
}

static long get_sid(struct tty *t, uptr_t arg)
{
    mutex_lock(&procs_lock);
    int sid = t->session ? t->session->sid : 0;
    mutex_unlock(&procs_lock);
    return sid ? put_user(pid_nr(sid), arg) : -ENOTTY;
}

static long set_pgrp(struct tty *t, uptr_t arg)
{
    int pgrp, r = tty_check_job(t, SIGTTOU);

    if (r)
        return r == -EIO ? -ENOTTY : r;
    if (get_user(pgrp, arg))
        return -EFAULT;
    if (pgrp < 0)
        return -EINVAL;
    pgrp = pid_id(pgrp);
    mutex_lock(&procs_lock);
    struct session *s = current()->proc->session;
    if (!s || s->tty != t)
        r = -ENOTTY;
    else if (!pgrp_exists_in_session(pgrp, s))
        r = -EPERM;
    else
        WRITE_ONCE(t->pgrp, pgrp);
    mutex_unlock(&procs_lock);
    return r;
}

/* -- flow and flushing -- */

static long flow(struct tty *t, u64 arg)
{
    static const int chars[] = { [TCIOFF] = VSTOP, [TCION] = VSTART };
    int r = tty_check_job(t, SIGTTOU);

    if (r)
        return r;
    spin_lock(&t->lock);
    if (arg == TCOOFF) {
        ldisc_stop(t);
    } else if (arg == TCOON) {
        ldisc_start(t);
    } else if (arg == TCIOFF || arg == TCION) {
        u8 c = t->termios.c_cc[chars[arg]];
        if (c && t->drv->room(t))
            t->drv->write(t, &c, 1);
    } else {
        r = -EINVAL;
    }
    spin_unlock(&t->lock);
    return r;
}

static long flush(struct tty *t, u64 arg)
{
    int r = tty_check_job(t, SIGTTOU);

    if (r)
        return r;
    if (arg > TCIOFLUSH)
        return -EINVAL;
    spin_lock(&t->lock);
    bool resume = false;
    if (arg != TCOFLUSH) {
        ldisc_flush_input(t);
        resume = t->throttled;
        t->throttled = false;
    }
    if (arg != TCIFLUSH) {
        t->necho = 0;
        if (t->drv->flush_out)
            t->drv->flush_out(t);
    }
    spin_unlock(&t->lock);
    if (resume && t->drv->resume)
        t->drv->resume(t);
    return 0;
}

static long set_winsize(struct tty *t, uptr_t arg)
{
    struct winsize w;

    if (get_user(w, arg))
        return -EFAULT;
    tty_resize(t, &w);
    return 0;
}

long tty_mode_ioctl(struct tty *t, u32 cmd, u64 arg)
{
    switch (cmd) {
    case TCGETS: return get_termios(t, arg, sizeof(struct termios));
    case TCGETS2: return get_termios(t, arg, sizeof(struct termios2));
    case TCGETA: return get_termio(t, arg);
    /* Output is with the driver at once: nothing to wait for in the W variants. */
    case TCSETS: case TCSETSW: return set_termios(t, arg, sizeof(struct termios), false);
    case TCSETSF: return set_termios(t, arg, sizeof(struct termios), true);
    case TCSETS2: case TCSETSW2: return set_termios(t, arg, sizeof(struct termios2), false);
    case TCSETSF2: return set_termios(t, arg, sizeof(struct termios2), true);
    case TCSETA: case TCSETAW: return set_termio(t, arg, false);
    case TCSETAF: return set_termio(t, arg, true);
    case TIOCGLCKTRMIOS: return get_locked(t, arg);
    case TIOCSLCKTRMIOS: return set_locked(t, arg);
    case TIOCGWINSZ: return put_user(t->winsize, arg);
    case TIOCSWINSZ: return set_winsize(t, arg);
    case TIOCGSID: return get_sid(t, arg);
    case TIOCSPGRP: return set_pgrp(t, arg);
    case TCXONC: return flow(t, arg);
    case TCFLSH: return flush(t, arg);
    case TCSBRK: case TCSBRKP: case TIOCSBRK: case TIOCCBRK: return tty_check_job(t, SIGTTOU);
    case TIOCGETD: return put_user((int){ 0 }, arg);
    default: return -ENOTTY;
    }
}

static long inject(struct tty *t, uptr_t arg)
{
    u8 c;

    if (!is_own(t) && !capable(CAP_SYS_ADMIN))
        return -EPERM;
    if (get_user(c, arg))
        return -EFAULT;
    tty_receive(t, &c, 1);
    return 0;
}

static long set_discipline(uptr_t arg)
{
    int n;

    if (get_user(n, arg))
        return -EFAULT;
    return n ? -EINVAL : 0;             /* N_TTY is the only one */
}

static long queue_length(struct tty *t, uptr_t arg)
{
    spin_lock(&t->lock);
    int n = (int)ldisc_input_count(t);
    spin_unlock(&t->lock);
    return put_user(n, arg);
}

long tty_ioctl(struct file *f, u32 cmd, u64 arg)
{
    struct tty *t = f->priv;

    if (t->hung_up)
        return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
    switch (cmd) {
    case FIONREAD: return queue_length(t, arg);
    case TIOCOUTQ: return put_user((int){ 0 }, arg);
    case TIOCGPGRP: return is_own(t) ? get_pgrp(t, arg) : -ENOTTY;
    case TIOCGSID: return is_own(t) ? get_sid(t, arg) : -ENOTTY;
    case TIOCSCTTY: return session_take_tty(t, arg == 1);
    case TIOCNOTTY:
        if (!is_own(t))
            return -ENOTTY;
        session_drop_tty();
        return 0;
    case TIOCSTI: return inject(t, arg);
    case TIOCSETD: return set_discipline(arg);
    case TIOCEXCL: WRITE_ONCE(t->exclusive, true); return 0;
    case TIOCNXCL: WRITE_ONCE(t->exclusive, false); return 0;
    case TIOCGEXCL: return put_user((int){ t->exclusive }, arg);
    case TIOCGDEV: return put_user((u32){ (u32)t->rdev }, arg);
    case TIOCVHANGUP:
        if (!capable(CAP_SYS_ADMIN))
            return -EPERM;
        tty_hangup(t);
        return 0;
    default: return tty_mode_ioctl(t, cmd, arg);
    }
}
