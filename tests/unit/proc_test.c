// uses: unikernel-kernel/core/task.c unikernel-kernel/core/pid.c unikernel-kernel/core/pidns.c unikernel-kernel/core/objs.c unikernel-kernel/core/ns.c unikernel-kernel/core/fork.c unikernel-kernel/core/exit.c unikernel-kernel/core/wait.c unikernel-kernel/core/session.c unikernel-kernel/core/cred.c unikernel-kernel/core/rlimit.c unikernel-kernel/core/seccomp.c unikernel-kernel/core/waitq.c unikernel-kernel/core/lockslow.c unikernel-kernel/core/signal*.c unikernel-kernel/core/return.c unikernel-kernel/sys/proc.c
/* Processes: fork, exit, wait4, reparenting, groups, threads. Children are pthreads that
 * run a function where a program would run. */
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/wait.h>

#include "console.h"
#include "futex.h"
#include "ipc.h"
#include "mm.h"
#include "proc.h"
#include "../../unikernel-kernel/sys/rusage.h"
#include "sys.h"
#include "tty.h"
#include "unitplat.h"
#include "vfs.h"

/* <pthread.h> clashes with the UAPI headers. */
int pthread_create(unsigned long *th, const void *attr, void *(*fn)(void *), void *arg);
int pthread_detach(unsigned long th);
void pthread_exit(void *v) __attribute__((noreturn));

/* -- the rooms below and beside -- */

static struct mm the_mm;
static struct fdtable the_files;
static struct fsctx the_fs;
static void (*child_main)(void);
static int live_threads;

struct mm *mm_clone_begin(struct mm *mm) { mm_get(&the_mm); return &the_mm; }
void mm_clone_end(struct mm *mm) {}
void mm_fork_child(struct mm *mm) {}
void mm_put(struct mm *mm) { assert(!ref_put(&mm->ref)); }
void mm_exit(struct mm *mm) {}
struct fdtable *fdtable_copy(struct fdtable *t) { ref_get(&the_files.ref); return &the_files; }
void fdtable_put(struct fdtable *t) { assert(!ref_put(&t->ref)); }
struct fsctx *fsctx_copy(struct fsctx *c) { ref_get(&the_fs.ref); return &the_fs; }
void fsctx_put(struct fsctx *c) { assert(!ref_put(&c->ref)); }
void file_put(struct file *f) {}
struct file *fd_get(int fd) { return NULL; }
int fd_install(struct file *f, int min, bool cloexec) { return -EMFILE; }
int fd_close(int fd) { return 0; }
int pidfd_new(struct proc *p, u32 flags, struct file **f) { return -ENOMEM; }
struct proc *pidfd_proc(const struct file *f) { return NULL; }
int console_tx_drain(u64 deadline) { return 0; }
void tty_session_leader_exit(struct session *s) {}
void futex_task_exit(struct task *t) {}
void ipc_ns_end(u32 ns) { }
void mntns_free(struct ns *n) { }
struct ns *fsctx_mntns_get(struct fsctx *c) { return NULL; }
int fsctx_unshare_mounts(struct fsctx *fs) { return -ENOMEM; }
int fsctx_enter(struct fsctx *fs, struct ns *n) { return -EINVAL; }
void sem_exit(struct proc *p) { assert(list_empty(&p->sem_undos)); }
void timers_exit(struct proc *p) {}
void timers_cpu_limit(struct proc *p) {}
void kworker_forked(void) {}
void plat_vfork_wait(struct task *c);
void plat_vfork_wait(struct task *c) {}

static void *thread_main(void *arg)
{
    unit_set_current(arg);
    task_child_start(arg);
    child_main();
    task_exit(0);
}

int plat_task_start(struct task *c, enum plat_start how, u64 tls, void (*fn)(void *), void *arg)
{
    unsigned long th;

    __atomic_add_fetch(&live_threads, 1, __ATOMIC_SEQ_CST);
    c->plat.started = true;
    assert(!pthread_create(&th, NULL, thread_main, c));
    pthread_detach(th);
    return 0;
}

void plat_task_exit(void)
{
    struct task *t = current();

    __atomic_store_n(&t->plat.started, false, __ATOMIC_SEQ_CST);
    __atomic_sub_fetch(&live_threads, 1, __ATOMIC_SEQ_CST);
    pthread_exit(NULL);
}

bool plat_task_alive(const struct task *t)
{
    return __atomic_load_n(&t->plat.started, __ATOMIC_SEQ_CST);
}
u64 plat_clock_cpu(const struct task *t) { return 1000; }
u64 plat_clock_sys(const struct task *t, u64 total) { return 0; }
int rusage_to_user(uptr_t dst, const struct kusage *u) { return 0; }

/* -- set-up -- */

static void make_init(void)
{
    struct task *t = plat_task_alloc();
    struct proc *p = proc_new();
    struct cred *c = kzalloc(sizeof *c);

    task_init(t);
    unit_set_current(t);
    ref_init(&c->ref);
    c->cap_eff = c->cap_perm = c->cap_bset = ~0ull;
    t->cred = c;
    t->regs = plat_task_regs(t);
    t->regs->nr = NO_SYSCALL;
    t->sighand = sighand_new();
    ref_init(&the_mm.ref);
    ref_init(&the_files.ref);
    ref_init(&the_fs.ref);
    t->mm = &the_mm;
    t->files = &the_files;
    t->fs = &the_fs;
    t->proc = p;
    t->plat.started = true;
    ref_get(&p->ref);
    tid_alloc(t, NULL, &(int){ 1 }, 1);
    p->pid = 1;
    p->is_init = true;
    p->leader = t;
    p->nthreads = 1;
    list_add(&p->threads, &t->proc_link);
    list_add_tail(&procs_all, &p->all_link);
    rlimit_init(p);
    proc_set_pgid(p, 1);
    p->session = session_new(1);
    init_proc = p;
}

static long fork_into(void (*fn)(void))
{
    child_main = fn;
    return sys_fork(NULL);
}

static long wait4(int pid, int *status, u32 options)
{
    u64 a[6] = { (u64)pid, (u64)status, options, 0 };
    return sys_wait4(a);
}

static void drain_signals(void)
{
    spin_lock(&current()->sighand->lock);
    sigpending_flush(&current()->proc->pending, ~0ull);
    __atomic_and_fetch(&current()->work, ~(u32)WORK_SIGNAL, __ATOMIC_SEQ_CST);
    spin_unlock(&current()->sighand->lock);
}

/* -- children -- */

static int hold;        /* children that wait do so until it is 0 */
static int grandchild;

static void exits_5(void) { task_exit_group(5 << 8); }
static void killed_9(void) { task_exit_group(9); }
static void waits(void)
{
    while (__atomic_load_n(&hold, __ATOMIC_SEQ_CST)) unit_sleep_ns(100000);
    task_exit_group(0);
}
static void sleeps_for_signal(void)
{
    while (task_sleep(WAIT_FOREVER, true) == 0) {}
    task_return_work(current()->regs);
    task_exit_group(99 << 8);
}
static void makes_grandchild(void)
{
    child_main = waits;
    __atomic_store_n(&grandchild, (int)sys_fork(NULL), __ATOMIC_SEQ_CST);
    task_exit_group(0);
}

static void test_exit_status(void)
{
    int status = -1;
    long pid = fork_into(exits_5);

    tap_ok(pid > 1, "fork");
    tap_is(wait4(-1, &status, 0), pid, "wait4 finds the child");
    tap_is(status, 5 << 8, "and its status");
    tap_is(wait4(-1, &status, 0), -ECHILD, "no more children");
    pid = fork_into(killed_9);
    tap_is(wait4((int)pid, &status, 0), pid, "wait4 by number");
    tap_is(status, 9, "a status of a signal");
    drain_signals();
}

static void test_nohang_and_groups(void)
{
    int status;
    u64 a[6];
    long pid;

    hold = 1;
    pid = fork_into(waits);
    tap_is(wait4(-1, &status, WNOHANG), 0, "WNOHANG: not yet");
    tap_is(wait4((int)pid + 1, &status, 0), -ECHILD, "not our child");
    tap_is(wait4(-12345, &status, WNOHANG), -ECHILD, "no such group");
    a[0] = (u64)pid;
    a[1] = (u64)pid;
    tap_is(sys_setpgid(a), 0, "a group of its own");
    tap_is(wait4(0, &status, WNOHANG), -ECHILD, "not in our group any more");
    tap_is(wait4(-(int)pid, &status, WNOHANG), 0, "but in its own");
    a[1] = 4711;
    tap_is(sys_setpgid(a), -EPERM, "no group without members");
    tap_is(sys_setsid(a), -EPERM, "a leader makes no session");
    hold = 0;
    tap_is(wait4(-(int)pid, &status, 0), pid, "it ends");
    drain_signals();
}

static void test_waitid(void)
{
    int info[32] = { 0 };
    u64 a[6] = { P_ALL, 0, (u64)info, WEXITED | WNOWAIT, 0 };
    long pid = fork_into(exits_5);

    tap_is(sys_waitid(a), 0, "waitid with WNOWAIT");
    tap_ok(info[0] == SIGCHLD && info[2] == CLD_EXITED && info[4] == pid && info[6] == 5, "siginfo");
    a[3] = WEXITED;
    tap_is(sys_waitid(a), 0, "and again, for good");
    a[3] = 0;
    tap_is(sys_waitid(a), -EINVAL, "nothing asked for");
    a[3] = WEXITED;
    tap_is(sys_waitid(a), -ECHILD, "nobody left");
    drain_signals();
}

static void test_orphans(void)
{
    int status;
    long pid;

    hold = 1;
    pid = fork_into(makes_grandchild);
    tap_is(wait4((int)pid, &status, 0), pid, "the parent between has ended");
    hold = 0;
    tap_is(wait4(-1, &status, 0), grandchild, "its child is init's now");
    drain_signals();
}

static void test_autoreap(void)
{
    struct ksigaction *sa = &current()->sighand->action[SIGCHLD - 1];
    int status;

    sa->handler = 1;
    fork_into(exits_5);
    tap_is(wait4(-1, &status, 0), -ECHILD, "with SIGCHLD ignored there is nothing to wait for");
    sa->handler = 0;
    drain_signals();
}

static void test_kill(void)
{
    int status;
    long pid = fork_into(sleeps_for_signal);
    struct proc *p = proc_find_get((int)pid);

    unit_sleep_ns(2000000);
    signal_send_proc(p, SIGTERM, NULL);
    proc_put(p);
    tap_is(wait4((int)pid, &status, 0), pid, "a sleeping child is killed");
    tap_is(status, SIGTERM, "by its signal");
    drain_signals();
}

static void many_exit(void)
{
    struct clone_req rq = { .flags = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FS | CLONE_FILES };

    child_main = sleeps_for_signal;
    for (int i = 0; i < 5; i++) assert(task_clone(&rq) > 0);
    task_exit_group(3 << 8);
}

static void test_threads(void)
{
    int status;
    long pid = fork_into(many_exit);

    tap_is(wait4((int)pid, &status, 0), pid, "exit_group ends a process of six threads");
    tap_is(status, 3 << 8, "with its status");
    drain_signals();
}

static void test_storm(void)
{
    int status, n = 0, before;

    before = task_count();
    for (int i = 0; i < 300; i++) {
        if (fork_into(exits_5) < 0) break;
        if (i % 7 == 0 && wait4(-1, &status, 0) > 0) n++;
    }
    while (wait4(-1, &status, 0) > 0) n++;
    tap_is(n, 300, "300 children, each waited for once");
    tap_is(task_count(), before, "no number is left taken");
    drain_signals();
}

int main(void)
{
    make_init();
    long before = unit_blocks;
    test_exit_status();
    test_nohang_and_groups();
    test_waitid();
    test_orphans();
    test_autoreap();
    test_kill();
    test_threads();
    test_storm();
    while (__atomic_load_n(&live_threads, __ATOMIC_SEQ_CST)) unit_sleep_ns(100000);
    task_reap_dead();
    tap_is(unit_blocks, before, "all memory is given back");
    return tap_end();
}
