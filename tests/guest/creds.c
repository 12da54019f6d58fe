/* User ids, groups, capabilities, securebits, no_new_privs, set-id programs. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "guest.h"

struct caps { unsigned long long eff, perm, inh; };

static struct caps caps_now(void)
{
    struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct d[2];

    syscall(SYS_capget, &h, d);
    return (struct caps){ d[0].effective | (unsigned long long)d[1].effective << 32,
                          d[0].permitted | (unsigned long long)d[1].permitted << 32,
                          d[0].inheritable | (unsigned long long)d[1].inheritable << 32 };
}

static int caps_set(struct caps c)
{
    struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct d[2] = {
        { (unsigned)c.eff, (unsigned)c.perm, (unsigned)c.inh },
        { (unsigned)(c.eff >> 32), (unsigned)(c.perm >> 32), (unsigned)(c.inh >> 32) } };

    return (int)syscall(SYS_capset, &h, d);
}

static int ids_are(uid_t r, uid_t e, uid_t s)
{
    uid_t x, y, z;

    return getresuid(&x, &y, &z) == 0 && x == r && y == e && z == s;
}

/* Runs fn in a child of its own, whose checks count as ours. */
static void in_child(void (*fn)(void))
{
    int status;
    pid_t p;

    fflush(stdout);
    p = fork();
    if (p == 0) {
        int before = guest_n;
        guest_failed = 0;
        fn();
        _exit(guest_failed ? 255 : guest_n - before);
    }
    waitpid(p, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) == 255) guest_failed++;
    else guest_n += WEXITSTATUS(status);
}

static void drops_root(void)
{
    check(setuid(1000) == 0 && ids_are(1000, 1000, 1000), "root gives up all ids");
    check(caps_now().perm == 0 && caps_now().eff == 0, "and its capabilities");
    check(setuid(0) < 0 && errno == EPERM, "for good");
    check(setgroups(0, NULL) < 0 && errno == EPERM, "groups too");
    check(setuid(1000) == 0 && setreuid(1000, -1) == 0, "its own id is no change");
}

static void effective_only(void)
{
    unsigned long long all = caps_now().perm;

    check(seteuid(1000) == 0 && ids_are(0, 1000, 0), "seteuid");
    check(caps_now().eff == 0 && caps_now().perm == all, "effective capabilities go");
    check(open("/etc/creds-none", O_CREAT | O_WRONLY, 0600) < 0 && errno == EACCES, "and power");
    check(seteuid(0) == 0 && caps_now().eff == all, "and come back");
    check(setreuid(1000, 0) == 0 && ids_are(1000, 0, 0), "setreuid");
    check(setreuid(0, 1000) == 0 && ids_are(0, 1000, 1000), "swapped: the saved id follows");
}

static void keeps_caps(void)
{
    unsigned long long all = caps_now().perm;

    check(prctl(PR_SET_KEEPCAPS, 1) == 0 && prctl(PR_GET_KEEPCAPS) == 1, "PR_SET_KEEPCAPS");
    check(setresuid(1000, 1000, 1000) == 0, "setresuid");
    check(caps_now().perm == all && caps_now().eff == 0, "permitted ones stay");
    check(caps_set((struct caps){ 1 << CAP_SETUID, 1 << CAP_SETUID, 0 }) == 0, "capset");
    check(setuid(0) == 0 && ids_are(0, 0, 0), "CAP_SETUID is enough");
    check(caps_set((struct caps){ 0, 3, 0 }) < 0 && errno == EPERM, "none can be gained");
}

static void ambient(void)
{
    unsigned long long bind = 1 << CAP_NET_BIND_SERVICE;
    int status;
    pid_t p;

    caps_set((struct caps){ caps_now().eff, caps_now().perm, bind });
    check(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0) == 0, "raise");
    check(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_BIND_SERVICE, 0, 0) == 1, "is set");
    check(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0) < 0 && errno == EPERM,
          "only inheritable ones");
    prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_NOROOT);
    check(setresuid(1000, 1000, 1000) == 0 && caps_now().perm != 0, "no setuid fix-up");
    fflush(stdout);
    p = fork();
    if (!p) {
        execl("/proc/self/exe", "creds", "ambient", NULL);
        _exit(99);
    }
    waitpid(p, &status, 0);
    check(status == 0, "an ambient capability passes exec, others don't");
}

static void bounding(void)
{
    int status;
    pid_t p;

    check(prctl(PR_CAPBSET_READ, CAP_KILL) == 1 && prctl(PR_CAPBSET_DROP, CAP_KILL) == 0, "drop");
    check(prctl(PR_CAPBSET_READ, CAP_KILL) == 0, "dropped");
    check(caps_now().perm & 1 << CAP_KILL, "what one has stays");
    check(prctl(PR_CAPBSET_READ, 63) < 0 && errno == EINVAL, "no such capability");
    fflush(stdout);
    p = fork();
    if (!p) {
        execl("/proc/self/exe", "creds", "nokill", NULL);
        _exit(99);
    }
    waitpid(p, &status, 0);
    check(status == 0, "the next program lacks it");
}

static void groups_and_files(void)
{
    gid_t g[3] = { 30, 10, 20 }, got[3];
    struct stat st;
    int fd;

    check(setgroups(3, g) == 0 && getgroups(0, NULL) == 3, "setgroups");
    check(getgroups(3, got) == 3 && got[0] == 10 && got[2] == 30, "sorted");
    check(getgroups(1, got) < 0 && errno == EINVAL, "too small a buffer");
    check(setfsuid(1000) == 0 && setfsuid(-1) == 1000, "setfsuid");
    check(setfsgid(20) == 0 && setfsgid(-1) == 20, "setfsgid");
    fd = open("/tmp/creds-file", O_CREAT | O_RDWR, 0640);
    check(fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == 1000 && st.st_gid == 20, "new files");
    unlink("/tmp/creds-file");
}

static void copy_self(const char *to, int mode, uid_t uid)
{
    char cmd[200];

    snprintf(cmd, sizeof cmd, "cat /proc/self/exe > /dev/null; cp /t/creds %s", to);
    if (system(cmd)) exit(1);
    if (chown(to, uid, uid) || chmod(to, (mode_t)mode)) exit(1);
}

static int run_as_1000(const char *prog, const char *arg, int nnp)
{
    int status;
    pid_t p;

    fflush(stdout);
    p = fork();
    if (!p) {
        if (setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000)) _exit(98);
        if (nnp && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) _exit(97);
        execl(prog, "creds", arg, NULL);
        _exit(99);
    }
    waitpid(p, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void set_id_programs(void)
{
    const char *prog = "/tmp/creds-setid";

    copy_self(prog, 04755, 0);
    check(run_as_1000(prog, "euid", 0) == 0, "set-uid root");
    check(run_as_1000(prog, "secure", 0) == 1, "is told to be careful (AT_SECURE)");
    check(run_as_1000(prog, "euid", 1) == 1000 % 256, "not with no_new_privs");
    copy_self(prog, 04755, 1234);
    check(run_as_1000(prog, "euid", 0) == 1234 % 256, "set-uid to a user");
    copy_self(prog, 02755, 77);
    check(run_as_1000(prog, "egid", 0) == 77, "set-gid");
    copy_self(prog, 0700, 0);
    check(run_as_1000(prog, "euid", 0) == 99, "no permission to run");
    unlink(prog);
}

#include <sys/auxv.h>
static int as_program(const char *what)
{
    unsigned long long bind = 1 << CAP_NET_BIND_SERVICE;

    if (!strcmp(what, "euid")) return (int)geteuid() % 256;
    if (!strcmp(what, "egid")) return (int)getegid() % 256;
    if (!strcmp(what, "secure")) return (int)getauxval(AT_SECURE);
    if (!strcmp(what, "ambient")) return !(caps_now().perm == bind && caps_now().eff == bind);
    if (!strcmp(what, "nokill")) return !!(caps_now().perm & 1 << CAP_KILL);
    return 50;
}

int main(int argc, char **argv)
{
    if (argc > 1) return as_program(argv[1]);
    in_child(drops_root);
    in_child(effective_only);
    in_child(keeps_caps);
    in_child(ambient);
    in_child(bounding);
    in_child(groups_and_files);
    set_id_programs();
    return guest_end();
}
