// uses: unikernel-kernel/core/signal*.c
/* Signals: queues, who gets one, frames, restarts, stops, the container's init. */
#include <linux/signal.h>
#include <setjmp.h>
#include "../../unikernel-kernel/core/sigq.h"
#include "proc.h"
#include "unitplat.h"

static struct task *init, *a, *b;       /* init, and two threads of process 2 */
static jmp_buf left;
static int exit_code, notified, notify_code;

void task_exit_group(int code)
{
    exit_code = code;
    longjmp(left, 1);
}

bool proc_notify_parent(struct proc *p, int code, int status)
{
    notified++;
    notify_code = code;
    return false;
}

static void set_action(int sig, u64 handler, u64 flags, ksigset_t mask)
{
    struct ksigaction act = { handler, flags | SA_RESTORER, 0x4141, mask };

    current()->sighand->action[sig - 1] = act;
}

static struct ksiginfo queued(int sig, u64 value)
{
    return (struct ksiginfo){ .signo = sig, .code = SI_QUEUE, .pid = 7, .uid = 8, .value = value };
}

/* The status that delivery ended the process with; -1: it did not. */
static int deliver(struct regs *r)
{
    exit_code = -1;
    if (!setjmp(left)) signal_deliver(r);
    return exit_code;
}

static void test_queues(void)
{
    struct ksiginfo i = queued(SIGUSR1, 1), rt = queued(40, 0);

    unit_set_current(a);
    signal_set_blocked(~0ull);
    i.value = 1;
    signal_send_task(a, SIGUSR1, &i);
    i.value = 2;
    signal_send_task(a, SIGUSR1, &i);
    tap_is(signal_dequeue(a, ~0ull, &i), SIGUSR1, "a standard signal is pending");
    tap_is(i.value, 1, "the first one's particulars are kept");
    tap_is(signal_dequeue(a, ~0ull, &i), 0, "and only once");

    for (rt.value = 1; rt.value <= 3; rt.value++) signal_send_proc(a->proc, 40, &rt);
    for (u64 n = 1; n <= 3; n++) {
        int sig = signal_dequeue(b, ~0ull, &i);
        tap_ok(sig == 40 && i.value == n, "realtime signal %d in order", (int)n);
    }
    tap_is(a->proc->pending.set, 0, "nothing is left");

    a->proc->rlim[11].cur = 2;
    signal_send_proc(a->proc, 40, &rt);
    signal_send_proc(a->proc, 40, &rt);
    tap_is(signal_send_proc(a->proc, 40, &rt), -EAGAIN, "RLIMIT_SIGPENDING holds");
    tap_is(signal_send_proc(a->proc, SIGTERM, NULL), 0, "but not for the kernel's signals");
    a->proc->rlim[11].cur = ~0ull;
    sigpending_flush(&a->proc->pending, ~0ull);
    signal_recalc(a);
    signal_set_blocked(0);
}

static void test_ignored(void)
{
    unit_set_current(a);
    signal_send_proc(a->proc, SIGCHLD, NULL);
    tap_is(a->proc->pending.set, 0, "ignored by default: dropped");
    set_action(SIGUSR1, HANDLER_IGN, 0, 0);
    signal_send_proc(a->proc, SIGUSR1, NULL);
    tap_is(a->proc->pending.set, 0, "ignored by choice: dropped");
    a->blocked = b->blocked = SIGMASK(SIGUSR1);
    signal_send_proc(a->proc, SIGUSR1, NULL);
    tap_is(a->proc->pending.set, SIGMASK(SIGUSR1), "blocked: kept");
    tap_ok(!signal_pending(a), "but not to be taken");
    sigpending_flush(&a->proc->pending, ~0ull);
    a->blocked = b->blocked = 0;
    set_action(SIGUSR1, HANDLER_DFL, 0, 0);

    signal_set_blocked(~0ull);
    b->blocked = ~0ull;
    signal_send_proc(a->proc, SIGTSTP, NULL);
    signal_send_proc(a->proc, SIGCONT, NULL);
    tap_is(a->proc->pending.set, SIGMASK(SIGCONT), "SIGCONT takes a stop away");
    signal_send_task(b, SIGTTIN, NULL);
    tap_is(a->proc->pending.set, 0, "a stop takes SIGCONT away");
    sigpending_flush(&b->pending, ~0ull);
    signal_set_blocked(0);
    b->blocked = 0;
    a->work = b->work = 0;
}

static void test_choice(void)
{
    unit_set_current(init);
    b->plat.kicks = 0;
    a->blocked = SIGMASK(SIGUSR2);
    a->sighand->action[SIGUSR2 - 1].handler = 0x1000;
    signal_send_proc(a->proc, SIGUSR2, NULL);
    tap_ok(!(a->work & WORK_SIGNAL) && (b->work & WORK_SIGNAL), "the thread that may gets it");
    tap_is(b->plat.kicks, 1, "and is kicked");
    unit_set_current(b);
    signal_set_blocked(SIGMASK(SIGUSR2));
    unit_set_current(a);
    signal_set_blocked(0);
    tap_ok(a->work & WORK_SIGNAL, "unblocking finds what is pending");
    a->work = 0;
    unit_set_current(b);
    signal_deliver(b->regs);
    tap_ok(!(b->work & WORK_SIGNAL) && (a->work & WORK_SIGNAL),
           "a signal blocked after the choice goes to another thread");
    sigpending_flush(&a->proc->pending, ~0ull);
    b->blocked = 0;
    a->work = b->work = WORK_SIGNAL;    /* left over: there is nothing to take */
    a->plat.token = b->plat.token = 0;
    unit_set_current(init);
    signal_send_proc(a->proc, SIGUSR2, NULL);
    tap_is(a->plat.token + b->plat.token, 1, "one that looks busy is woken all the same");
    sigpending_flush(&a->proc->pending, ~0ull);
    a->work = b->work = 0;
    a->sighand->action[SIGUSR2 - 1].handler = 0;
}

static void test_init(void)
{
    unit_set_current(a);
    signal_send_proc(init_proc, SIGTERM, NULL);
    signal_send_proc(init_proc, SIGKILL, &(struct ksiginfo){ .pid = 2 });
    tap_is(init_proc->pending.set, 0, "init: default actions from inside are dropped");
    signal_from_host(SIGTERM, false);
    tap_is(init_proc->pending.set, 0, "from the host too");
    init->sighand->action[SIGTERM - 1].handler = 0x1000;
    signal_from_host(SIGTERM, false);
    tap_is(init_proc->pending.set, SIGMASK(SIGTERM), "not with a handler");
    signal_from_host(SIGKILL, false);
    tap_ok(init_proc->pending.set & SIGMASK(SIGKILL), "SIGKILL from the host is kept");
    unit_set_current(init);
    tap_is(deliver(init->regs), SIGKILL, "and ends it");
    sigpending_flush(&init_proc->pending, ~0ull);
    init->work = 0;
    signal_force(SIGSEGV, NULL);
    tap_is(deliver(init->regs), SIGSEGV, "a fault ends init");
}

static u8 *stack;
enum { STACK = 16384 };

static struct regs program(void)
{
    struct regs r;

    for (unsigned i = 0; i < sizeof r / 8; i++) ((u64 *)&r)[i] = 0x1000 + i;
    r.rsp = (u64)stack + STACK - 1;     /* odd on purpose */
    r.rflags = 0x246;
    r.nr = NO_SYSCALL;
    r.host = 0;
    return r;
}

static bool same(const struct regs *x, const struct regs *y)
{
    return !memcmp(x, y, offsetof(struct regs, nr));
}

static void test_frame(void)
{
    struct regs r = program(), was = r;
    struct ksiginfo i = queued(40, 0x1122334455667788);
    u64 rsp;

    unit_set_current(a);
    a->regs = &r;
    set_action(40, 0xabcdef, SA_SIGINFO, SIGMASK(SIGHUP));
    signal_set_blocked(SIGMASK(SIGINT));
    memset(stack + STACK - 128, 0x77, 128);
    signal_send_task(a, 40, &i);
    tap_ok(signal_pending(a), "pending");
    signal_deliver(&r);
    rsp = r.rsp;
    tap_ok(r.rip == 0xabcdef && r.arg[0] == 40 && r.rax == 0, "the handler is entered");
    tap_is((rsp + 8) % 16, 0, "its stack is aligned");
    tap_is(*(u64 *)rsp, 0x4141, "it returns to the restorer");
    tap_is(*(u64 *)(r.arg[1] + 24), 0x1122334455667788, "siginfo: value");
    tap_is(*(u32 *)(r.arg[1] + 16), 7, "siginfo: pid");
    tap_is(*(u64 *)(r.arg[2] + 296), SIGMASK(SIGINT), "ucontext: mask");
    tap_is(*(u64 *)(r.arg[2] + 40 + 128), was.rip, "ucontext: rip");
    tap_is(*(u64 *)(r.arg[2] + 40 + 184) % 64, 0, "ucontext: floating point is aligned");
    tap_is(a->blocked, SIGMASK(SIGINT) | SIGMASK(SIGHUP) | SIGMASK(40), "mask in the handler");
    tap_ok(stack[STACK - 128] == 0x77, "the red zone is left alone");

    r.rsp = rsp + 8;
    tap_is(signal_frame_pop(&r), 0, "sigreturn");
    tap_ok(same(&r, &was), "all registers are back");
    tap_is(a->blocked, SIGMASK(SIGINT), "and the mask");
    signal_set_blocked(0);

    a->altstack_sp = (u64)stack;
    a->altstack_size = 8192;
    set_action(40, 0xabcdef, SA_ONSTACK | SA_RESETHAND | SA_NODEFER, 0);
    signal_send_task(a, 40, &i);
    signal_deliver(&r);
    tap_ok(r.rsp < (u64)stack + 8192, "SA_ONSTACK");
    tap_is(a->blocked, 0, "SA_NODEFER");
    tap_is(a->sighand->action[39].handler, HANDLER_DFL, "SA_RESETHAND");
    r.rsp += 8;
    signal_frame_pop(&r);
    tap_ok(same(&r, &was) && a->altstack_size == 8192, "back from there");
    a->altstack_size = 0;

    set_action(40, 0xabcdef, 0, 0);
    r.rsp = 4096;
    signal_send_task(a, 40, &i);
    signal_deliver(&r);
    tap_is(deliver(&r), SIGSEGV | 0x80, "no stack: SIGSEGV");
    set_action(40, 0, 0, 0);
}

static void restart(s64 rax, u64 handler, u64 flags, s64 want, int moved)
{
    struct regs r = program();
    u64 rip = r.rip;

    r.nr = 35;
    r.rax = (u64)rax;
    a->regs = &r;
    set_action(SIGUSR1, handler, flags, 0);
    signal_send_task(a, SIGUSR1, NULL);
    if (handler > 1) {
        signal_deliver(&r);
        r.rsp += 8;
        signal_frame_pop(&r);
    } else {
        a->work |= WORK_SIGNAL;
        signal_deliver(&r);
    }
    tap_ok((s64)r.rax == want && rip - r.rip == (u64)moved && r.nr == NO_SYSCALL,
           "restart of %d, handler %d, flags %#x", (int)rax, handler > 1, (unsigned)flags);
}

static void test_restart(void)
{
    unit_set_current(a);
    restart(-ERESTARTSYS, 0x9000, 0, -EINTR, 0);
    restart(-ERESTARTSYS, 0x9000, SA_RESTART, 35, 2);
    restart(-ERESTARTNOHAND, 0x9000, SA_RESTART, -EINTR, 0);
    restart(-ERESTART_RESTARTBLOCK, 0x9000, SA_RESTART, -EINTR, 0);
    restart(-ERESTARTSYS, HANDLER_IGN, 0, 35, 2);
    restart(-ERESTARTNOHAND, HANDLER_IGN, 0, 35, 2);
    restart(-ERESTART_RESTARTBLOCK, HANDLER_IGN, 0, 219, 2);
    restart(-ENOENT, 0x9000, SA_RESTART, -ENOENT, 0);
    restart(17, HANDLER_IGN, 0, 17, 0);
    set_action(SIGUSR1, 0, 0, 0);

    signal_set_temp_mask(SIGMASK(SIGINT));
    a->work |= WORK_SIGNAL;
    signal_deliver(a->regs);
    tap_ok(!a->blocked && !a->has_saved_blocked, "no signal came: the old mask is back");
}

static void test_default(void)
{
    struct regs r = program();

    unit_set_current(a);
    a->regs = &r;
    signal_send_proc(a->proc, SIGTERM, NULL);
    tap_is(deliver(&r), SIGTERM, "SIGTERM ends a process");
    a->dumpable = true;
    signal_send_proc(a->proc, SIGQUIT, NULL);
    tap_is(deliver(&r), SIGQUIT | 0x80, "SIGQUIT with a core limit");
    a->proc->rlim[4].cur = 0;
    signal_send_proc(a->proc, SIGQUIT, NULL);
    tap_is(deliver(&r), SIGQUIT, "and without");
    a->work = b->work = 0;
}

static void stopper(void *arg)
{
    struct task *t = arg;

    while (t->work & (WORK_SIGNAL | WORK_STOP)) signal_deliver(t->regs);
}

static void wait_for(bool *flag, bool value)
{
    for (int i = 0; i < 2000 && READ_ONCE(*flag) != value; i++) unit_sleep_ns(1000000);
}

static void test_stop(void)
{
    struct proc *p = a->proc;

    unit_set_current(init);
    notified = 0;
    signal_send_proc(p, SIGSTOP, NULL);
    a->regs = plat_task_regs(a);
    unit_task_run(a, stopper, a);
    for (int i = 0; i < 2000 && !(READ_ONCE(b->work) & WORK_STOP); i++) unit_sleep_ns(1000000);
    tap_ok(b->work & WORK_STOP, "a stop reaches the other thread");
    unit_sleep_ns(5000000);
    tap_ok(!READ_ONCE(p->stopped), "one still runs: not stopped yet");
    unit_task_run(b, stopper, b);
    wait_for(&p->stopped, true);
    tap_ok(p->stopped && notified == 1 && notify_code == CLD_STOPPED, "both stopped, parent told");
    tap_is(p->stop_sig, SIGSTOP, "by SIGSTOP");
    signal_send_proc(p, SIGCONT, NULL);
    unit_task_join(a);
    unit_task_join(b);
    tap_ok(!p->stopped && p->continued && notified == 2 && notify_code == CLD_CONTINUED,
           "SIGCONT sets them going");
    tap_ok(a->state == TASK_RUNNING && !a->work && !b->work, "nothing is left to do");
}

int main(void)
{
    init = unit_task_init();
    a = unit_task_new(NULL);
    b = unit_task_new(a->proc);
    a->dumpable = true;
    stack = kmalloc(STACK);
    test_queues();
    test_ignored();
    test_choice();
    test_init();
    test_frame();
    test_restart();
    test_default();
    test_stop();
    unit_set_current(init);
    unit_task_free(b);
    unit_task_free(a);
    unit_task_free(init);
    kfree(stack);
    tap_is(unit_blocks, 0, "nothing leaked");
    return tap_end();
}
