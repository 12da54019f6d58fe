// uses: hv/dev/jail.c hv/dev/log.c base/err.c
/* The driver domain's view of the host's files once it is in its jail. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hv/dev/jail.h"
#include "tap.h"

static bool same_file(int fd, const char *a, const char *b)
{
    struct stat s, t;

    return fstatat(fd, a, &s, AT_EMPTY_PATH) == 0 && fstatat(fd, b, &t, AT_EMPTY_PATH) == 0 &&
           s.st_ino == t.st_ino && s.st_dev == t.st_dev;
}

static bool fails(int rc, int code)
{
    bool ok = rc < 0 && errno == code;

    if (rc >= 0)
        close(rc);
    return ok;
}

static int inside(int root, int share)
{
    struct jail_tree t[] = { { root, false }, { share, true } };
    char name[12];
    struct err e;

    if (!tap_ok(jail_enter_trees(t, 2, &e) == 0, "the trees are detached"))
        printf("# %s\n", e.text);
    tap_ok(same_file(root, "", ".."), "no way up from the root");
    tap_ok(same_file(share, "", ".."), "nor from a share");
    tap_ok(same_file(AT_FDCWD, ".", ".."), "nor from the working directory");
    tap_ok(fails(open("/etc/passwd", O_RDONLY), ENOENT), "absolute names find no host file");
    tap_ok(access("/file", F_OK) == 0, "but the root's");
    tap_ok(fails(openat(share, "new", O_CREAT | O_WRONLY, 0600), EROFS),
           "a read-only share can't be written");
    tap_ok(fails(openat(root, "null", O_RDWR), EACCES), "device nodes can't be opened");
    snprintf(name, sizeof(name), "%d", openat(root, "file", O_PATH));
    tap_ok(open(name, O_RDWR) >= 0, "a descriptor's number is its file's name");
    tap_ok(jail_lock(&e) == 0, "capabilities are dropped");
    tap_ok(fails(mount("/", "/", NULL, MS_BIND, NULL), EPERM), "mounting is over");
    tap_ok(fails(chroot("."), EPERM), "and chroot");
    return tap_end();
}

int main(void)
{
    char dir[] = "/tmp/dev_jail_XXXXXX", cmd[64];
    int root, share, status;
    pid_t pid;

    if (geteuid() != 0) {
        tap_skip("must be root to detach mounts", "jail");
        return tap_end();
    }
    if (!mkdtemp(dir))
        return 1;
    root = open(dir, O_PATH | O_DIRECTORY);
    mkdirat(root, "share", 0755);
    close(openat(root, "file", O_CREAT | O_WRONLY, 0644));
    mknodat(root, "null", S_IFCHR | 0666, makedev(1, 3));
    share = openat(root, "share", O_PATH | O_DIRECTORY);
    pid = fork();
    if (pid == 0) {
        status = inside(root, share);
        fflush(stdout);
        _exit(status);
    }
    waitpid(pid, &status, 0);
    snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
    return system(cmd) != 0 || status != 0;
}
