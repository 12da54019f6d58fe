/* The inside of terminals: struct tty and what its files share. */
#ifndef FS_TTYINT_H
#define FS_TTYINT_H
#include <asm/termbits.h>
#include <asm/termios.h>
#include "tty.h"
#include "wait.h"

#define TTY_BUF PAGE_SIZE               /* input; a line has at most TTY_BUF - 1 bytes */
#define ECHO_BUF 256

/* What is behind a terminal. All but resume run under tty->lock. */
struct tty_driver {
    size_t (*room)(struct tty *t);      /* bytes write takes now */
    void (*write)(struct tty *t, const u8 *buf, size_t n);
    struct waitq *(*out_wq)(struct tty *t);     /* woken when room came back */
    void (*flush_out)(struct tty *t);   /* optional: forget unsent output */
    void (*event)(struct tty *t, u8 pkt);       /* optional: TIOCPKT_* happened */
    void (*resume)(struct tty *t);      /* optional: input has room again; no lock held */
    void (*opened)(struct tty *t);      /* optional: first open */
    void (*last_close)(struct tty *t);  /* optional: no open file any more */
    void (*free)(struct tty *t);
};

struct tty {
    struct ref ref;                     /* open files, the session, the driver */
    const struct tty_driver *drv;
    u64 rdev;
    struct spinlock lock;               /* all up to the wait queues */
    struct termios2 termios;
    struct termios locked;              /* bits and characters that set_termios leaves alone */
    struct winsize winsize;
    u8 *buf;                            /* input, TTY_BUF bytes, made when first needed */
    u64 ends[TTY_BUF / 64];             /* bit: a line ends with this byte */
    u32 head, canon_head, tail;         /* counts modulo 2^32; tail <= canon_head <= head */
    u32 column, canon_column;           /* of the cursor; where the line being typed began */
    u8 echo[ECHO_BUF];                  /* echo that waits for room */
    u32 necho;
    bool lnext;                         /* the next byte is taken literally */
    bool stopped;                       /* ^S or TCOOFF: no output */
    bool throttled;                     /* the driver waits for resume */
    bool exclusive;                     /* TIOCEXCL */
    u32 opens;                          /* open files */
    bool writing;                       /* a write(2) is under way */
    bool hung_up;
    struct waitq rd_wq, wr_wq;
    struct session *session;            /* procs_lock; not counted */
    int pgrp;                           /* foreground group; procs_lock */
};

/* -- tty.c -- */
void tty_init(struct tty *t, const struct tty_driver *drv, u64 rdev);
static inline void tty_get(struct tty *t) { ref_get(&t->ref); }
void tty_put(struct tty *t);
extern const struct file_ops tty_fops;  /* f->priv: the tty */
struct tty *file_tty(const struct file *f);     /* borrowed; NULL: not a terminal */
/* Attaches an opened file to t; takes a reference over in any case. */
int tty_open_file(struct tty *t, struct file *f, bool may_control);
/* Input from the driver: bytes taken. When fewer than n: resume is called later. */
size_t tty_receive(struct tty *t, const u8 *buf, size_t n);
void tty_hangup(struct tty *t);         /* reads see the end, writes EIO; SIGHUP */
void tty_signal(struct tty *t, int sig);        /* to the foreground group */
void tty_resize(struct tty *t, const struct winsize *w);
/* May the current process do this to its terminal (sig: SIGTTIN, SIGTTOU)? 0, -EIO, or
 * -ERESTARTSYS with the signal sent. */
int tty_check_job(struct tty *t, int sig);
int session_take_tty(struct tty *t, bool force);
void session_drop_tty(void);            /* TIOCNOTTY */

/* -- tty_ldisc.c; t->lock held -- */
void ldisc_init(struct tty *t);
size_t ldisc_room(const struct tty *t);
/* Processes input; *signals_r gets SIGMASK bits for the foreground group. */
size_t ldisc_receive(struct tty *t, const u8 *buf, size_t n, u64 *signals_r);
/* Sends output through OPOST: bytes of buf consumed. */
size_t ldisc_output(struct tty *t, const u8 *buf, size_t n);
bool ldisc_input_ready(const struct tty *t, bool polling);
u32 ldisc_input_count(const struct tty *t);
/* Takes up to n bytes; *more_r: the caller may come again for the same read(2). */
size_t ldisc_take(struct tty *t, u8 *buf, size_t n, bool *more_r);
void ldisc_set_termios(struct tty *t, const struct termios2 *new);
void ldisc_flush_input(struct tty *t);
void ldisc_start(struct tty *t);
void ldisc_stop(struct tty *t);
void ldisc_flush_echo(struct tty *t);

/* -- tty_ioctl.c -- */
long tty_ioctl(struct file *f, u32 cmd, u64 arg);
/* The calls that work on either side of a pty; -ENOTTY: not one of them. t: the slave. */
long tty_mode_ioctl(struct tty *t, u32 cmd, u64 arg);

/* -- pty.c -- */
struct devpts;
/* A new pair for an open of ptmx: makes f the master. */
int pty_open_master(struct devpts *d, struct file *f);
bool pty_open_allowed(struct tty *t);   /* not locked by TIOCSPTLCK */

/* -- devpts.c -- */
/* A number for t and its inode (counted); -ENOSPC .. */
int devpts_add(struct devpts *d, struct tty *t, struct inode **inode_r);
void devpts_remove(struct devpts *d, u32 index);
struct devpts *devpts_of(const struct inode *i);        /* or the first instance; counted */
void devpts_put(struct devpts *d);
#endif
