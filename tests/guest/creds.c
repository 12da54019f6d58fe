/* User and group ids, capabilities, no_new_privs, set-id programs. */
#include "say.h"
#include <grp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <linux/capability.h>
#include <linux/securebits.h>

static void ids(const char *what)
{
    uid_t r, e, s;
    gid_t gr, ge, gs;
    getresuid(&r, &e, &s);
    getresgid(&gr, &ge, &gs);
    note("%s: %d %d %d  %d %d %d", what, r, e, s, gr, ge, gs);
}
static void caps(const char *what)
{
    struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct d[2];
    if (syscall(SYS_capget, &h, d)) { say(what, -1); return; }
    note("%s: e %08x p %08x i %08x", what, d[0].effective, d[0].permitted, d[0].inheritable);
}
static long capset_(unsigned e, unsigned p, unsigned i)
{
    struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct d[2] = { { e, p, i }, { 0, 0, 0 } };
    return syscall(SYS_capset, &h, d);
}
static void child(const char *what, void (*fn)(void))
{
    note("-- %s", what);
    pid_t p = fork();
    if (!p) { fn(); _exit(0); }
    say_wait(what, p);
}

static void drop(void)
{
    gid_t g[3] = { 11, 22, 33 }, got[10];
    say("setgroups", setgroups(3, g));
    say("getgroups", getgroups(10, got));
    note("%d %d %d", got[0], got[1], got[2]);
    say("count", getgroups(0, NULL));
    say("too small", getgroups(1, got));
    say("too many", setgroups(70000, g));
    say("setgid", setgid(100));
    say("setuid", setuid(1000));
    ids("dropped");
    caps("none left");
    say("back", setuid(0));
    say("seteuid", seteuid(0));
    say("setgroups", setgroups(0, NULL));
    say("to itself", setuid(1000));
    say("setgid", setgid(0));
    say("kill init", kill(1, 0));
    say("sethostname", sethostname("x", 1));
    say("nice -5", setpriority(PRIO_PROCESS, 0, -5));
    say("nice 5", setpriority(PRIO_PROCESS, 0, 5));
    say("it", getpriority(PRIO_PROCESS, 0));
    say("back to 0", setpriority(PRIO_PROCESS, 0, 0));
}
static void effective(void)
{
    say("seteuid", seteuid(500));
    ids("euid");
    caps("effective cleared");
    close(open("made", O_CREAT | O_RDWR, 0600));
    say("forbidden", open("/etc/secret-of-root", O_CREAT | O_RDWR, 0600));
    say("back", seteuid(0));
    caps("effective again");
    say("setreuid", setreuid(7, 8));
    ids("setreuid");
    say("swap", setreuid(8, 7));
    ids("swapped");
    say("strange", setreuid(99, -1));
    say("setresuid -1", setresuid(-1, -1, -1));
}
static void saved(void)
{
    say("setresuid", setresuid(1, 2, 3));
    ids("three");
    say("to the saved one", setresuid(-1, 3, -1));
    say("to another", setresuid(-1, 4, -1));
    ids("now");
    say("setresgid", setresgid(1, 2, 3));
}
static void fsids(void)
{
    struct stat st;
    note("setfsuid returns %d", setfsuid(1234));
    note("then %d", setfsuid(-1));
    setfsgid(4321);
    chmod(".", 0777);
    int fd = open("fsid", O_CREAT | O_RDWR, 0600);
    fstat(fd, &st);
    note("owner %d %d", st.st_uid, st.st_gid);
    caps("without file capabilities");
}
static void capabilities(void)
{
    caps("at first");
    say("chown with", chown("cf", 5, 5));
    say("drop CAP_CHOWN from effective", capset_(~1u & 0xa82425fbu, 0xa82425fbu, 0));
    errno = 0;
    struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct d[2];
    syscall(SYS_capget, &h, d);
    d[0].effective &= ~1u;
    say("drop only it", syscall(SYS_capset, &h, d));
    say("chown without", chown("cf", 6, 6));
    d[0].effective |= 1;
    say("take it back", syscall(SYS_capset, &h, d));
    say("chown", chown("cf", 7, 7));
    d[0].effective &= ~1u, d[0].permitted &= ~1u;
    say("drop for good", syscall(SYS_capset, &h, d));
    d[0].effective |= 1, d[0].permitted |= 1;
    say("no way back", syscall(SYS_capset, &h, d));
    say("bounding read", prctl(PR_CAPBSET_READ, CAP_CHOWN));
    say("bounding drop", prctl(PR_CAPBSET_DROP, CAP_CHOWN));
    say("bounding read", prctl(PR_CAPBSET_READ, CAP_CHOWN));
    say("bounding of none", prctl(PR_CAPBSET_READ, 63));
    say("ambient without inheritable", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
    d[0].effective &= ~1u, d[0].permitted &= ~1u, d[0].inheritable = 1u << CAP_KILL;
    say("inheritable", syscall(SYS_capset, &h, d));
    say("ambient", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
    say("is set", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
    say("keepcaps", prctl(PR_SET_KEEPCAPS, 1));
    setresuid(1000, 1000, 1000);
    caps("kept over setuid");
    execl("/proc/self/exe", "creds", "caps", (char *)NULL);
    note("exec: %s", strerror(errno));
}
static void root_exec(void) { execl("/proc/self/exe", "creds", "caps", (char *)NULL); }
static void user_exec(void) { setuid(1000); execl("/proc/self/exe", "creds", "caps", (char *)NULL); }
static void securebits(void)
{
    say("noroot", prctl(PR_SET_SECUREBITS, SECBIT_NOROOT));
    say("read", prctl(PR_GET_SECUREBITS));
    execl("/proc/self/exe", "creds", "caps", (char *)NULL);
}
static void setid(void)
{
    setuid(1000);
    execl("./suid", "suid", "ids", (char *)NULL);
    note("exec: %s", strerror(errno));
}
static void setid_nnp(void)
{
    say("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    say("read", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    say("not back", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
    setid();
}
static void setgid_(void)
{
    setgid(1000), setuid(1000);
    execl("./sgid", "sgid", "ids", (char *)NULL);
}
static void kills(void)
{
    pid_t a = fork();
    if (!a) { setuid(2000); pause(); _exit(0); }
    nap(30);
    pid_t b = fork();
    if (!b) {
        setuid(3000);
        say("another user's", kill(a, SIGTERM));
        say("its own", kill(getpid(), 0));
        say("all", kill(-1, 0));
        _exit(0);
    }
    waitpid(b, NULL, 0);
    if (!(b = fork())) { setuid(2000); say("same user", kill(a, SIGKILL)); _exit(0); }
    waitpid(b, NULL, 0);
    say_wait("killed", a);
}

static void copy_self(const char *to, int mode, int uid, int gid)
{
    char b[65536];
    int in = open("/proc/self/exe", O_RDONLY), out = open(to, O_CREAT | O_WRONLY | O_TRUNC, 0755);
    for (ssize_t n; (n = read(in, b, sizeof b)) > 0;) if (write(out, b, n) != n) note("copy");
    close(in), close(out);
    chown(to, uid, gid);
    chmod(to, mode);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        if (!strcmp(argv[1], "caps")) caps("after exec"); else ids("after exec");
        say("dumpable", prctl(PR_GET_DUMPABLE) == 1);
        return 0;
    }
    chmod(".", 0777);
    close(open("cf", O_CREAT | O_RDWR, 0600));
    ids("start");
    child("drop", drop);
    child("effective", effective);
    child("saved", saved);
    child("fsids", fsids);
    child("capabilities", capabilities);
    child("exec as root", root_exec);
    child("exec as a user", user_exec);
    child("securebits", securebits);
    copy_self("suid", 04755, 500, 600);
    copy_self("sgid", 02755, 500, 600);
    child("set-user-id", setid);
    child("set-user-id with no_new_privs", setid_nnp);
    child("set-group-id", setgid_);
    child("kills", kills);
    return 0;
}
