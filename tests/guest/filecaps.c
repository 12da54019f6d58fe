/* File capabilities and ambient ones across exec (capabilities(7)). */
#include "say.h"
#include <sys/xattr.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <linux/capability.h>
#include <linux/securebits.h>

#define KILL (1u << CAP_KILL)
#define CHOWN (1u << CAP_CHOWN)

static void show(void)
{
    char line[200];
    FILE *f = fopen("/proc/self/status", "r");
    unsigned long long v;
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "Cap", 3) && strncmp(line, "CapBnd", 6) && sscanf(line + 7, "%llx", &v) == 1)
            printf(" %.6s %llx", line, v > 0xffffff ? 0xfff : v);
    printf(" uid %d %d\n", getuid(), geteuid());
    fflush(stdout);
}

static int set_file(const char *name, unsigned perm, unsigned inh, int effective)
{
    struct vfs_cap_data d = { VFS_CAP_REVISION_2 | (effective ? VFS_CAP_FLAGS_EFFECTIVE : 0), { { perm, inh } } };
    return setxattr(name, "security.capability", &d, XATTR_CAPS_SZ_2, 0);
}

/* exec of the program, as user 5 when asked, after prepare(). */
static void run(const char *what, int uid, void (*prepare)(void))
{
    printf("%s:", what);
    fflush(stdout);
    pid_t p = fork();
    if (!p) {
        if (prepare) prepare();
        if (uid && (setgid(5) || setuid(5))) _exit(9);
        execl("./capself", "capself", "show", NULL);
        printf(" %s\n", strerror(errno));
        fflush(stdout);
        _exit(1);
    }
    waitpid(p, NULL, 0);
}

static void caps(unsigned perm, unsigned inh)
{
    struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct d[2] = { { perm, perm, inh }, { 0, 0, 0 } };
    syscall(SYS_capset, &h, d);
}
static void inherit(void) { caps(0xffffffff & 0xff, KILL); }
static void no_new(void) { prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }
static void bounded(void) { prctl(PR_CAPBSET_DROP, CAP_CHOWN, 0, 0, 0); }
static void noroot(void) { prctl(PR_SET_SECUREBITS, SECBIT_NOROOT); }
static void keep_ambient(void)
{
    prctl(PR_SET_KEEPCAPS, 1);
    setgid(5), setuid(5);
    caps(KILL | CHOWN, KILL | CHOWN);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0);
}

static void copy_self(void)
{
    char b[65536];
    int in = open("/proc/self/exe", O_RDONLY), out = open("capself", O_CREAT | O_TRUNC | O_WRONLY, 0755);
    ssize_t n;
    while ((n = read(in, b, sizeof b)) > 0) write(out, b, (size_t)n);
    close(in), close(out);
}

int main(int c, char **v)
{
    if (c > 1) { show(); return 0; }
    copy_self();
    chmod(".", 0755);
    run("root", 0, NULL);
    run("user", 5, NULL);
    run("root without its rights", 0, noroot);
    run("ambient", 5, keep_ambient);
    say("permitted, effective", set_file("capself", KILL, 0, 1));
    run("user", 5, NULL);
    run("root", 0, NULL);
    run("root without its rights", 0, noroot);
    run("no new privileges", 5, no_new);
    run("ambient", 5, keep_ambient);
    say("permitted", set_file("capself", KILL | CHOWN, 0, 0));
    run("user", 5, NULL);
    run("bounded", 5, bounded);
    say("permitted, effective", set_file("capself", KILL | CHOWN, 0, 1));
    run("bounded, effective", 5, bounded);
    say("inheritable", set_file("capself", 0, KILL | CHOWN, 1));
    run("user", 5, NULL);
    run("who has it", 5, inherit);
    char b[64];
    say("read", getxattr("capself", "security.capability", b, sizeof b));
    int fd = open("capself", O_WRONLY | O_APPEND);
    say("write", write(fd, "x", 1));
    close(fd);
    say("gone", getxattr("capself", "security.capability", b, sizeof b));
    say("set", set_file("capself", KILL, 0, 1));
    say("owner", chown("capself", 5, 5));
    say("gone", getxattr("capself", "security.capability", b, sizeof b));
    say("bad", setxattr("capself", "security.capability", "abc", 3, 0));
    say("remove nothing", removexattr("capself", "security.capability"));
    pid_t p = fork();
    if (!p) {
        setgid(5), setuid(5);
        say("users may not", set_file("capself", KILL, 0, 1));
        _exit(0);
    }
    waitpid(p, NULL, 0);
    unlink("capself");
    return 0;
}
