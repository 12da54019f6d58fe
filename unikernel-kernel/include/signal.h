/* Signals (core/signal.c). Numbers and structures are Linux's (asm/signal.h). */
#ifndef KSIGNAL_H
#define KSIGNAL_H
#include "lock.h"
#include "wait.h"

struct task;
struct proc;
struct regs;

typedef u64 ksigset_t;
#define SIGMASK(s) (1ull << ((s) - 1))

struct ksiginfo {               /* the parts of siginfo that Linux fills, flat */
    int signo, err, code;
    int pid;
    u32 uid;
    int status;                 /* SIGCHLD */
    u64 utime, stime;           /* clock ticks, 100 a second */
    u64 addr;                   /* faults; also call address for SIGSYS */
    u64 value;                  /* sigqueue, timers */
    int timerid, overrun, band, fd, syscall, arch;
};

struct ksigaction { u64 handler, flags, restorer; ksigset_t mask; };

struct sigpending {
    ksigset_t set;
    struct list queue;          /* of struct sigq, core/signal.c */
};

/* Handlers, shared by CLONE_SIGHAND. lock guards actions and every pending queue of
 * the tasks and procs using it. A task keeps its sighand until its memory is freed
 * (last task_put), so that senders need no more than a counted task. exec of a process
 * that shares its sighand with another process swaps it with procs_lock held. */
struct sighand {
    struct ref ref;
    struct spinlock lock;
    struct ksigaction action[64];
    struct waitq signalfd_wq;   /* woken when a signal becomes pending */
};

void sigpending_init(struct sigpending *p);
void sigpending_flush(struct sigpending *p, ksigset_t which);
struct sighand *sighand_new(void);
struct sighand *sighand_copy(struct sighand *s);
void sighand_put(struct sighand *s);
/* exec: caught handlers to default, ignored stay (POSIX). */
void sighand_exec_reset(struct sighand *s);

/* Send. info NULL: from the kernel (SI_KERNEL). 0 or -EAGAIN (queue limit). Checks of
 * permission are the system calls' business. Task context; each takes procs_lock unless
 * the caller has it (so none may be called under a spinlock). A process that is a zombie
 * takes no signals: 0. */
int signal_send_task(struct task *t, int sig, const struct ksiginfo *info);
/* To the current task, as if it had sent it itself (SIGPIPE and the like). */
int signal_send_self(int sig);
int signal_send_proc(struct proc *p, int sig, const struct ksiginfo *info);
/* Every process of the group; -ESRCH when there is none. Takes procs_lock. */
int signal_send_pgrp(int pgid, int sig, const struct ksiginfo *info);
/* From outside of the domain, as from the parent of a pid namespace: to the first process,
 * or to all of them. 0 or -EINVAL. */
int signal_from_host(int sig, bool all);
/* A fault of the current task: cannot be ignored or blocked. */
void signal_force(int sig, const struct ksiginfo *info);

/* Is there an unblocked signal for the current task that is not ignored? */
bool signal_pending(const struct task *t);
/* Recomputes WORK_SIGNAL of the task after its mask or queues changed; lock held. */
void signal_recalc(struct task *t);
void signal_set_blocked(ksigset_t set);          /* current task; KILL/STOP removed */
/* For ppoll, pselect, epoll_pwait, sigsuspend: set now, restore after the handler. */
void signal_set_temp_mask(ksigset_t set);
void signal_restore_temp_mask(void);             /* call finished without a signal */
/* Takes one pending signal in `which`: number (and info), or 0. */
int signal_dequeue(struct task *t, ksigset_t which, struct ksiginfo *info_r);
/* siginfo_t as a program sees it (128 bytes). */
int siginfo_to_user(uptr_t dst, const struct ksiginfo *info);

/* core/exit.c, at the start of task_exit and before the task leaves proc->threads: sends
 * no more signals to t and hands what it was chosen for to other threads. Not under
 * procs_lock. */
void signal_task_exiting(struct task *t);

/* signalfd(2), fs/signalfd.c. NULL: no memory; -EINVAL: not a signalfd. */
struct file;
struct file *signalfd_new(ksigset_t mask, u32 flags);
int signalfd_set(struct file *f, ksigset_t mask);

/* A call that returns -ERESTART_RESTARTBLOCK leaves here how to go on: kind in
 * restart_arg[0]'s low byte. restart_syscall(2) calls *_restart of it. */
enum { RESTART_NONE, RESTART_NANOSLEEP, RESTART_FUTEX, RESTART_POLL };

/* Return-to-user work: restart codes, default actions, building handler frames; waits
 * while the process is stopped. Serves WORK_SIGNAL, WORK_STOP and WORK_CTL; must also be
 * called when r->rax holds one of the ERESTART codes (a sleep that ends with one of them
 * leaves a WORK bit set). WORK_EXIT is task_return_work's, looked at first. */
void signal_deliver(struct regs *r);
#endif
