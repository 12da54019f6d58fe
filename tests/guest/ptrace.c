/* ptrace: stops at calls, signals and events; registers, memory, breakpoints, single steps;
 * seizing, interrupting, group stops; threads; detaching and the tracer's end. */
#include "say.h"
#include <cpuid.h>
#include <elf.h>
#include <linux/ptrace.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>

static long pt(long op, pid_t p, void *addr, void *data) { return syscall(SYS_ptrace, op, p, addr, data); }
static void *num(long n) { return (void *)n; }
enum { PEEK = 2, POKE = 5, CONT = 7, SINGLE = 9, GETREGS_ = 12, SETREGS_ = 13, GETFP = 14, SETFP = 15, ATTACH_ = 16,
       DETACH_ = 17, SYSCALL_ = 24 };

static volatile long word = 0x1122334455667788;
__attribute__((noinline)) static int answer(void) { __asm__ volatile("" ::: "memory"); return 42; }

/* Waits, and says what was told. */
static int told(const char *what, pid_t p)
{
    int st = 0;
    pid_t r = waitpid(p, &st, __WALL);
    if (r == -1) { say(what, -1); return -1; }
    if (WIFSTOPPED(st)) note("%s: stopped %d%s event %d", what, WSTOPSIG(st) & 0x7f, WSTOPSIG(st) & 0x80 ? " at a call" : "", st >> 16);
    else say_status(what, st);
    return st;
}

static struct user_regs_struct regs_of(pid_t p)
{
    struct user_regs_struct r = { 0 };
    if (pt(GETREGS_, p, NULL, &r)) say("getregs", -1);
    return r;
}

static pid_t traced(void (*fn)(void))
{
    fflush(stdout);
    pid_t p = fork();
    if (p) return p;
    if (pt(PTRACE_TRACEME, 0, NULL, NULL)) say("traceme", -1);
    raise(SIGSTOP);
    fn();
    _exit(0);
}

static void three_calls(void)
{
    syscall(SYS_getppid);
    long r = syscall(SYS_close, 12345);
    _exit(syscall(SYS_getuid) == 77 && r == -1 && errno == EBADF ? 21 : 22);
}

static void calls(void)
{
    pid_t p = traced(three_calls);
    told("start", p);
    say("options", pt(PTRACE_SETOPTIONS, p, NULL, num(PTRACE_O_TRACESYSGOOD)));
    say("bad options", pt(PTRACE_SETOPTIONS, p, NULL, num(1 << 30)));
    for (int n = 0; n < 40; n++) {
        struct ptrace_syscall_info i;
        int st;
        if (pt(SYSCALL_, p, NULL, NULL) || waitpid(p, &st, 0) != p) break;
        if (!WIFSTOPPED(st)) { say_status("end", st); break; }
        if (WSTOPSIG(st) != (SIGTRAP | 0x80)) { note("stop %d", WSTOPSIG(st)); continue; }
        struct user_regs_struct r = regs_of(p);
        long len = pt(PTRACE_GET_SYSCALL_INFO, p, num(sizeof i), &i);
        if (i.op == PTRACE_SYSCALL_INFO_ENTRY) {
            if (r.orig_rax != SYS_getppid && r.orig_rax != SYS_close && r.orig_rax != SYS_getuid && r.orig_rax != SYS_exit_group) continue;
            note("enter %lld arg %lld rax %lld info %ld nr %lld arg %lld", r.orig_rax, r.orig_rax == SYS_close ? r.rdi : 0,
                 (long long)r.rax, len, (long long)i.entry.nr, r.orig_rax == SYS_close ? (long long)i.entry.args[0] : 0);
            if (r.orig_rax == SYS_getppid) { r.orig_rax = SYS_getuid; say("another call", pt(SETREGS_, p, NULL, &r)); }
        } else {
            if (r.orig_rax != SYS_close && r.orig_rax != SYS_getuid) continue;
            note("leave %lld rax %lld info %ld %lld error %d", r.orig_rax, (long long)r.rax, len, (long long)i.exit.rval, i.exit.is_error);
            if (r.orig_rax == SYS_getuid) { r.rax = 77; say("another result", pt(SETREGS_, p, NULL, &r)); }
        }
    }
}

static void breaks(void) { _exit(word == 5 ? answer() : 1); }

static void memory(void)
{
    long text, w = 0;
    pid_t p = traced(breaks);
    told("start", p);
    say("peek", pt(PEEK, p, (void *)&word, &w));
    note("%lx", w);
    say("poke", pt(POKE, p, (void *)&word, num(5)));
    say("peek nowhere", pt(PEEK, p, num(8), &w));
    say("poke nowhere", pt(POKE, p, num(8), num(1)));
    pt(PEEK, p, (void *)answer, &text);
    say("breakpoint", pt(POKE, p, (void *)answer, num((text & ~0xffl) | 0xcc)));
    pt(PEEK, p, (void *)answer, &w);
    yes("is there", (w & 0xff) == 0xcc);
    say("cont", pt(CONT, p, NULL, NULL));
    told("break", p);
    struct user_regs_struct r = regs_of(p);
    yes("behind it", r.rip == (uintptr_t)answer + 1);
    siginfo_t si;
    say("siginfo", pt(PTRACE_GETSIGINFO, p, NULL, &si));
    note("signal %d code %d", si.si_signo, si.si_code);
    pt(POKE, p, (void *)answer, num(text));
    r.rip--;
    say("back", pt(SETREGS_, p, NULL, &r));
    int steps = 0, st = 0;
    unsigned long at[4] = { 0 };
    while (steps < 4) {
        if (pt(SINGLE, p, NULL, NULL) || waitpid(p, &st, 0) != p || !WIFSTOPPED(st) || WSTOPSIG(st) != SIGTRAP) break;
        at[steps++] = regs_of(p).rip;
    }
    note("%d steps", steps);
    yes("each moves", at[0] != r.rip && at[1] != at[0] && at[2] != at[1]);
    yes("first is near", at[0] - r.rip > 0 && at[0] - r.rip < 16);
    pt(PTRACE_GETSIGINFO, p, NULL, &si);
    note("signal %d code %d", si.si_signo, si.si_code);
    r = regs_of(p);
    yes("no trap flag to be seen", !(r.eflags & 0x100));
    struct iovec v = { &r, sizeof r };
    say("regset", pt(PTRACE_GETREGSET, p, num(NT_PRSTATUS), &v));
    note("%zu bytes", v.iov_len);
    say("no such set", pt(PTRACE_GETREGSET, p, num(0x999), &v));
    say("peekuser", pt(3, p, num(offsetof(struct user_regs_struct, rip)), &w));
    yes("rip", (unsigned long)w == r.rip);
    say("cont", pt(CONT, p, NULL, NULL));
    told("end", p);
}

static void floats(void)
{
    double x = 1.5, y = 0;
    __asm__ volatile("movsd %1, %%xmm3; int3; movsd %%xmm3, %0" : "=m"(y) : "m"(x) : "xmm3");
    _exit(y == 2.25 ? 11 : 12);
}

static void fpu(void)
{
    struct user_fpregs_struct f;
    static char big[8192];
    double d;
    pid_t p = traced(floats);
    told("start", p);
    pt(CONT, p, NULL, NULL);
    told("int3", p);
    say("getfpregs", pt(GETFP, p, NULL, &f));
    memcpy(&d, f.xmm_space + 12, 8);
    note("%g", d);
    d = 2.25;
    memcpy(f.xmm_space + 12, &d, 8);
    say("setfpregs", pt(SETFP, p, NULL, &f));
    struct iovec v = { big, sizeof big };
    say("xstate", pt(PTRACE_GETREGSET, p, num(NT_X86_XSTATE), &v));
    unsigned ax, bx, cx = 0, dx;
    __get_cpuid(1, &ax, &bx, &cx, &dx);
    if (cx & bit_OSXSAVE) yes("as large as it should be", v.iov_len >= 576 && v.iov_len < sizeof big);
    else without("as large", "programs have no XSAVE here");
    memcpy(&d, big + 160 + 48, 8);
    note("%g", d);
    say("set it", pt(PTRACE_SETREGSET, p, num(NT_X86_XSTATE), &v));
    pt(CONT, p, NULL, NULL);
    told("end", p);
}

static volatile int got[65];
static void on(int s) { got[s]++; }

static void kills(void)
{
    signal(SIGUSR1, on), signal(SIGUSR2, on);
    signal(SIGWINCH, SIG_IGN);
    raise(SIGUSR1);
    raise(SIGUSR1);
    raise(SIGUSR1);
    raise(SIGWINCH);
    _exit(got[SIGUSR1] * 10 + got[SIGUSR2]);
}

static void signals(void)
{
    siginfo_t si;
    pid_t p = traced(kills);
    told("start", p);
    say("no info at a group stop or one of a signal", pt(PTRACE_GETSIGINFO, p, NULL, &si));
    note("signal %d, from itself %d", si.si_signo, si.si_pid == p);
    pt(CONT, p, NULL, NULL);
    told("first", p);
    pt(CONT, p, NULL, num(SIGUSR1));
    told("second", p);
    pt(CONT, p, NULL, NULL);
    told("third", p);
    pt(CONT, p, NULL, num(SIGUSR2));
    told("ignored ones, too", p);
    pt(CONT, p, NULL, num(SIGWINCH));
    told("end", p);
    say("gone", pt(CONT, p, NULL, NULL));
}

static void *thread(void *a) { return a; }
static void lives(void)
{
    pthread_t t;
    pid_t c = fork();
    if (!c) _exit(3);
    waitpid(c, NULL, 0);
    pthread_create(&t, NULL, thread, NULL);
    pthread_join(t, NULL);
    execl("/bin/busybox", "true", (char *)NULL);
    _exit(9);
}

/* Goes on with all that stop until none is left; what happened, by kind. */
static void events(void)
{
    int forks = 0, clones = 0, execs = 0, exits = 0, ended = 0, stops = 0, st;
    long opts = PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | PTRACE_O_TRACEVFORK;
    unsigned long msg, of[8];
    pid_t p = traced(lives), q, child = 0, who[8];
    told("start", p);
    say("options", pt(PTRACE_SETOPTIONS, p, NULL, num(opts)));
    pt(CONT, p, NULL, NULL);
    while ((q = waitpid(-1, &st, __WALL)) > 0) {
        int sig = 0;
        if (!WIFSTOPPED(st)) { ended++; if (q == p) say_status("main", st); continue; }
        switch (st >> 16) {
        case PTRACE_EVENT_FORK: forks++; pt(PTRACE_GETEVENTMSG, q, NULL, &msg); child = (pid_t)msg; break;
        case PTRACE_EVENT_CLONE: clones++; break;
        case PTRACE_EVENT_EXEC: execs++; pt(PTRACE_GETEVENTMSG, q, NULL, &msg); yes("its old number", (pid_t)msg == p); break;
        case PTRACE_EVENT_EXIT: pt(PTRACE_GETEVENTMSG, q, NULL, &of[exits & 7]); who[exits++ & 7] = q; break;
        default: if (WSTOPSIG(st) == SIGSTOP) stops++; else if (WSTOPSIG(st) != SIGTRAP) sig = WSTOPSIG(st);
        }
        pt(CONT, q, NULL, num(sig));
    }
    for (int i = 0; i < exits; i++) if (who[i] == child) note("child's status %lx", of[i]);
    note("forks %d clones %d execs %d exits %d stops %d ended %d", forks, clones, execs, exits, stops, ended);
}

static void execs(void) { execl("/bin/busybox", "true", (char *)NULL); _exit(9); }

static int status_of(pid_t p, char *state)
{
    char path[40], line[100];
    int n = -1;
    sprintf(path, "/proc/%d/status", (int)p);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f)) {
        sscanf(line, "TracerPid: %d", &n);
        sscanf(line, "State: %c", state);
    }
    if (f) fclose(f);
    return n;
}

static void plain_exec(void)
{
    char st = '?';
    pid_t p = traced(execs);
    told("start", p);
    yes("TracerPid", status_of(p, &st) == getpid());
    note("state %c", st);
    pt(CONT, p, NULL, NULL);
    told("exec", p);
    pt(CONT, p, NULL, NULL);
    told("end", p);
}

static pid_t sleeper(void)
{
    fflush(stdout);
    pid_t p = fork();
    if (!p) { signal(SIGUSR1, on); for (;;) if (pause() && got[SIGUSR1]) _exit(5); }
    await_sleep(p);
    return p;
}

static void seizing(void)
{
    char st = '?';
    siginfo_t si;
    pid_t p = sleeper();
    say("not ours", pt(CONT, p, NULL, NULL));
    say("seize with an address", pt(PTRACE_SEIZE, p, num(1), NULL));
    say("seize", pt(PTRACE_SEIZE, p, NULL, num(PTRACE_O_TRACESYSGOOD)));
    say("again", pt(PTRACE_SEIZE, p, NULL, NULL));
    say("runs", pt(CONT, p, NULL, NULL));
    say("interrupt", pt(PTRACE_INTERRUPT, p, NULL, NULL));
    told("interrupted", p);
    note("in its call %lld, rax %lld", regs_of(p).orig_rax, (long long)regs_of(p).rax);
    pt(CONT, p, NULL, NULL);
    await_sleep(p);
    say("stop", kill(p, SIGSTOP));
    told("signal", p);
    pt(CONT, p, NULL, num(SIGSTOP));
    told("group stop", p);
    say("siginfo", pt(PTRACE_GETSIGINFO, p, NULL, &si));
    say("listen", pt(PTRACE_LISTEN, p, NULL, NULL));
    status_of(p, &st);
    note("state %c", st == 'T' ? 't' : st);
    say("busy", pt(CONT, p, NULL, NULL));
    kill(p, SIGCONT);
    told("goes on", p);
    pt(CONT, p, NULL, NULL);
    told("SIGCONT", p);
    pt(CONT, p, NULL, num(SIGCONT));
    await_sleep(p);
    kill(p, SIGUSR2);
    told("signal", p);
    say("detach with a signal", pt(DETACH_, p, NULL, num(SIGUSR1)));
    told("end", p);
    p = sleeper();
    say("attach", pt(ATTACH_, p, NULL, NULL));
    told("attached", p);
    say("interrupt", pt(PTRACE_INTERRUPT, p, NULL, NULL));
    say("detach", pt(DETACH_, p, NULL, NULL));
    await_sleep(p);
    say("attach", pt(ATTACH_, p, NULL, NULL));
    told("attached", p);
    kill(p, SIGKILL);
    told("killed", p);
    say("itself", pt(ATTACH_, getpid(), NULL, NULL));
    say("none", pt(ATTACH_, 999999, NULL, NULL));
}

/* A process that is not its child, and the end of a tracer. */
static void strangers(void)
{
    int pfd[2];
    pid_t a = sleeper(), b = sleeper();
    char c;
    if (pipe(pfd)) exit(99);
    fflush(stdout);
    pid_t t = fork();
    if (!t) {
        say("seize", pt(PTRACE_SEIZE, a, NULL, NULL));
        say("seize and kill at the end", pt(PTRACE_SEIZE, b, NULL, num(PTRACE_O_EXITKILL)));
        pt(PTRACE_INTERRUPT, a, NULL, NULL);
        told("stopped", a);
        say("not our child to wait for when not traced", waitpid(getppid(), NULL, WNOHANG));
        _exit(0);
    }
    say_wait("tracer", t);
    told("one died with it", b);
    kill(a, SIGUSR1);
    told("the other goes on", a);
    a = sleeper();
    t = fork();
    if (!t) {
        pt(PTRACE_SEIZE, a, NULL, NULL);
        if (write(pfd[1], "x", 1) != 1) _exit(1);
        told("tracer hears of its end", a);
        _exit(0);
    }
    if (read(pfd[0], &c, 1) != 1) exit(98);
    kill(a, SIGKILL);
    say_wait("tracer", t);
    told("parent too", a);
}

int main(void)
{
    note("-- calls"), calls();
    note("-- memory"), memory();
    note("-- fpu"), fpu();
    note("-- signals"), signals();
    note("-- exec"), plain_exec();
    note("-- events"), events();
    note("-- seize"), seizing();
    note("-- strangers"), strangers();
    return 0;
}
