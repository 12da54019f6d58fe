/* Terminals, for the rest of the kernel (fs/tty*.c, pty.c, devpts.c, console_tty.c). The
 * entry points of the console driver are in console.h. */
#ifndef TTY_H
#define TTY_H
#include "vfs.h"

struct tty;
struct session;
struct task;

/* The leader of s has ended: its terminal's foreground group gets SIGHUP and SIGCONT and
 * the session loses the terminal. No lock held. */
void tty_session_leader_exit(struct session *s);
/* Makes the terminal that f has open the current session's (the current process must
 * lead one without a terminal): what TIOCSCTTY does. 0, -ENOTTY or -EPERM. */
int tty_set_controlling(struct file *f);
/* Device number and foreground group of a session's terminal, for /proc/PID/stat;
 * 0 and -1 without one. procs_lock held. */
u64 session_tty_dev(const struct session *s);
int session_tty_pgrp(const struct session *s);

/* chrdev.def */
extern const struct file_ops tty_current_fops;  /* 5:0 /dev/tty */
extern const struct file_ops tty_console_fops;  /* 5:1 /dev/console */
extern const struct file_ops ptmx_fops;         /* 5:2 /dev/ptmx */
extern const struct file_ops pts_fops;          /* 136:* */
int devpts_mount(const char *source, u64 flags, const char *data, struct super **sb_r);
#endif
