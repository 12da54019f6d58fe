// uses: base/*.c oci/*.c tests/unit/oci_mk.c
// libs: -ljson-c -larchive -lnettle -lz -lzstd
/* Layers that try to write outside the root. Whatever they do, the folder "outside"
 * stays as it was, and what fails leaves no bundle. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "oci_mk.h"
#include "tap.h"

static struct mk_image im;
static char abs_outside[100];

/* The state of the world outside the bundle, as text. */
static bool outside_untouched(void)
{
    struct stat d, f;

    return stat("outside", &d) == 0 && d.st_mtime == 12345 && (d.st_mode & 07777) == 0750 &&
           stat("outside/secret", &f) == 0 && f.st_mtime == 12345 && f.st_nlink == 1 &&
           (f.st_mode & 07777) == 0640 && mk_text_is("outside/secret", "secret") &&
           !mk_has("evil") && !mk_has("../evil");
}

static void begin(size_t nlayers)
{
    mk_begin();
    snprintf(abs_outside, sizeof(abs_outside), "%s/outside", mk_dir);
    mkdir("outside", 0750);
    mk_write("outside/secret", "secret");
    chmod("outside/secret", 0640);
    if (system("touch -d @12345 outside/secret outside") != 0)
        tap_ok(false, "touch");
    im.nlayers = nlayers;
}

/* want: the errno of a refusal, or 0 when it must succeed (harmlessly). */
static void check(int want, const char *what)
{
    mk_layout("lay", &im, "t");
    int rc = mk_unpack("lay:t", "b");
    tap_ok(outside_untouched(), "%s: outside is untouched", what);
    if (!tap_is(rc, -want, "%s: %s", what, want ? "is refused" : "stays inside") && rc)
        printf("# %s\n", mk_err.text);
    if (rc < 0)
        tap_ok(!mk_has("b"), "%s: leaves nothing", what);
}

static void end(void)
{
    mk_end();
    mk_free(&im);
}

static void refused(const char *name, char type, const char *arg, int want)
{
    begin(1);
    mk_entry(&im.layer[0], name, type, 0777, arg);
    check(want, name);
    end();
}

/* A symbolic link, then something through it: in the same layer, then in the next. */
static void through_link(const char *target, const char *name, char type, const char *arg,
                         int want)
{
    char what[200];

    for (size_t n = 1; n <= 2; n++) {
        begin(n);
        snprintf(what, sizeof(what), "link to %s, %s, %zu layer", target, name, n);
        mk_entry(&im.layer[0], "l", '2', 0777, target);
        mk_entry(&im.layer[n - 1], name, type, 04777, arg);
        check(want, what);
        end();
    }
}

static void names(void)
{
    refused("../evil", '0', "x", 22);
    refused("a/../../evil", '0', "x", 22);
    refused("/../evil", '0', "x", 22);
    refused("a/..", '5', NULL, 22);
    refused("..", '5', NULL, 22);
    refused("h", '1', "../outside/secret", 22);
    refused("h", '1', abs_outside, 2);
    refused(".wh..", '0', "", 22);
    refused(".wh...", '0', "", 22);
    refused(".wh.", '0', "", 22);
    refused("./", '2', "/tmp", 22);
    refused(".", '0', "x", 22);
    refused("/", '1', "x", 22);

    begin(1);
    mk_entry(&im.layer[0], "/etc/evil", '0', 0644, "in");
    mk_entry(&im.layer[0], "//x/./y//z", '0', 0644, "in");
    check(0, "absolute name");
    tap_ok(mk_text_is("b/rootfs/etc/evil", "in"), "it lies in the root");
    tap_ok(mk_text_is("b/rootfs/x/y/z", "in"), "odd slashes are fine");
    end();
}

static void links(void)
{
    static const char rel[] = "../../outside", magic[] = "/proc/self/root/tmp";

    begin(0);
    end();      /* gives abs_outside a value of the right length for messages */
    through_link("/tmp/../..", "l/evil", '0', "x", 2);
    through_link(rel, "l/evil", '0', "x", 2);
    through_link(rel, "l/secret", '0', "x", 2);
    through_link(rel, "l/.wh.secret", '0', "", 0);
    through_link(rel, "l/.wh..wh..opq", '0', "", 0);
    through_link(rel, "l/sub", '5', NULL, 2);
    through_link(rel, "h", '1', "l/secret", 2);
    through_link(magic, "l/evil", '0', "x", 2);
    through_link("../../outside/secret", "l", '0', "mine", 0);
    through_link(rel, "l", '5', NULL, 0);
    through_link(rel, "l", '6', NULL, 0);
    through_link(rel, "l", '1', "l", 0);
    through_link(rel, ".wh.l", '0', "", 0);
}

/* An absolute target must be taken from the root, where the folder exists as well. */
static void absolute_target(void)
{
    char inside[200], name[200];

    begin(1);
    snprintf(inside, sizeof(inside), "%s/keep", abs_outside);
    mk_entry(&im.layer[0], inside, '0', 0644, "k");
    mk_entry(&im.layer[0], "l", '2', 0777, abs_outside);
    mk_entry(&im.layer[0], "l/evil", '0', 0644, "in");
    mk_entry(&im.layer[0], "l/.wh.secret", '0', 0644, "");
    mk_entry(&im.layer[0], "up", '2', 0777, "../../../../../..");
    mk_entry(&im.layer[0], "up/top", '0', 0644, "in");
    mk_entry(&im.layer[0], "h", '1', 0644, "l/evil");
    check(0, "absolute link");
    snprintf(name, sizeof(name), "b/rootfs%s/evil", abs_outside);
    tap_ok(mk_text_is(name, "in"), "its target is inside");
    tap_ok(mk_text_is("b/rootfs/top", "in"), "the root's parent is the root");
    tap_ok(mk_text_is("b/rootfs/h", "in"), "hard link through it");
    end();
}

/* A folder is noted for its times, then replaced by a link to outside. */
static void swapped_folder(void)
{
    begin(2);
    mk_entry(&im.layer[0], "d", '5', 0777, NULL);
    mk_entry(&im.layer[0], "d/x", '0', 0644, "x");
    mk_entry(&im.layer[1], "d", '2', 0777, "../../outside");
    mk_entry(&im.layer[1], "e", '5', 0700, NULL);
    mk_entry(&im.layer[1], "e", '2', 0777, "d");
    check(0, "folder that becomes a link");
    end();

    begin(1);
    mk_entry(&im.layer[0], "h", '2', 0777, "../../outside/secret");
    mk_entry(&im.layer[0], "h2", '1', 0777, "h");
    mk_entry(&im.layer[0], "h2", '0', 04755, "mine");
    mk_entry(&im.layer[0], "h", '0', 04755, "mine");
    check(0, "hard link to a link, then files");
    tap_ok(mk_text_is("b/rootfs/h", "mine") && mk_text_is("b/rootfs/h2", "mine"),
           "the links were replaced");
    end();
}

/* The image's own /etc/passwd may be a link or a fifo. */
static void passwd(void)
{
    begin(1);
    im.config = "\"User\":\"root\",\"Cmd\":[\"x\"]";
    mk_entry(&im.layer[0], "etc/passwd", '2', 0777, "../../../../../etc/passwd");
    check(2, "passwd outside");
    end();
    begin(1);
    im.config = "\"User\":\"0\",\"Cmd\":[\"x\"]";
    mk_entry(&im.layer[0], "etc/passwd", '6', 0777, NULL);
    check(0, "passwd is a fifo");
    end();
    begin(1);
    im.config = "\"WorkingDir\":\"/l/evil\",\"Cmd\":[\"x\"]";
    mk_entry(&im.layer[0], "l", '2', 0777, "../../outside");
    check(2, "working directory through a link");
    end();
    begin(1);
    im.config = "\"WorkingDir\":\"/../../evil\",\"Cmd\":[\"x\"]";
    mk_entry(&im.layer[0], "x", '0', 0777, "");
    check(22, "working directory with ..");
    end();
}

static void long_names(void)
{
    char name[5000];

    memset(name, 'n', 300);
    name[300] = 0;
    begin(1);
    mk_pax(&im.layer[0], "path", name);
    mk_entry(&im.layer[0], "short", '0', 0644, "x");
    check(36, "name of 300 bytes");
    end();

    for (size_t i = 0; i < 4998; i++)
        name[i] = i & 1 ? '/' : 'd';
    name[4998] = 0;
    begin(1);
    mk_pax(&im.layer[0], "path", name);
    mk_entry(&im.layer[0], "short", '0', 0644, "x");
    check(36, "path of 5000 bytes");
    end();

    name[2400] = 0;
    begin(1);
    mk_pax(&im.layer[0], "path", name);
    mk_entry(&im.layer[0], "short", '5', 0755, NULL);
    check(0, "folders 1200 deep");
    end();
}

/* From now on openat2 is not there, as on old hosts and in filtered containers. */
static bool hide_openat2(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog prog = { .len = 4, .filter = code };

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0;
}

static void all(void)
{
    names();
    links();
    absolute_target();
    swapped_folder();
    passwd();
    long_names();
}

int main(void)
{
    all();
    if (hide_openat2()) {
        printf("# again, without openat2\n");
        all();
    } else {
        tap_skip("no seccomp here", "without openat2");
    }
    return tap_end();
}
