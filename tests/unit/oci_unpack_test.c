// uses: base/*.c oci/*.c tests/unit/oci_mk.c
// libs: -ljson-c -larchive -lnettle -lz -lzstd
/* What layers mean: whiteouts, replacing, owners, modes, times; and images made by
 * import and by umoci, compared with the tree they were made from. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "oci_mk.h"
#include "tap.h"

static struct mk_image im;

static void unpack(const char *what)
{
    mk_layout("lay", &im, "t");
    int rc = mk_unpack("lay:t", "b");
    if (!tap_is(rc, 0, "%s", what))
        printf("# %s\n", mk_err.text);
}

static void begin(size_t n)
{
    mk_begin();
    im.nlayers = n;
}

static void end(void)
{
    mk_end();
    mk_free(&im);
}

#define R "b/rootfs/"

static void whiteouts(void)
{
    struct mk_layer *a = &im.layer[0], *b = &im.layer[1];

    begin(2);
    mk_entry(a, "gone", '0', 0644, "1");
    mk_entry(a, "dir/gone/deep", '0', 0644, "1");
    mk_entry(a, "dir/stays", '0', 0644, "1");
    mk_entry(a, "again", '0', 0644, "old");
    mk_entry(a, "early", '0', 0644, "old");
    mk_entry(a, "opaque/old", '0', 0644, "1");
    mk_entry(a, "opaque/sub/old", '0', 0644, "1");
    mk_entry(a, "opaque/both/old", '0', 0644, "1");
    mk_entry(a, "mixed/old", '0', 0644, "1");
    mk_entry(b, ".wh.gone", '0', 0644, "");
    mk_entry(b, "dir/.wh.gone", '0', 0644, "");
    mk_entry(b, ".wh.again", '0', 0644, "");
    mk_entry(b, "again", '0', 0644, "new");
    mk_entry(b, "early", '0', 0644, "new");
    mk_entry(b, ".wh.early", '0', 0644, "");
    mk_entry(b, "opaque/new", '0', 0644, "1");
    mk_entry(b, "opaque/both/new", '0', 0644, "1");
    mk_entry(b, "opaque/.wh..wh..opq", '0', 0644, "");
    mk_entry(b, "opaque/late", '0', 0644, "1");
    mk_entry(b, "mixed", '5', 0755, NULL);
    mk_entry(b, "mixed/new", '0', 0644, "1");
    mk_entry(b, ".wh.mixed", '0', 0644, "");
    mk_entry(b, ".wh.never", '0', 0644, "");
    mk_entry(b, ".wh..wh.plnk", '5', 0755, NULL);
    unpack("whiteouts");
    tap_ok(!mk_has(R "gone") && !mk_has(R "dir/gone") && mk_has(R "dir/stays"), "hide names");
    tap_ok(mk_text_is(R "again", "new") && mk_text_is(R "early", "new"),
           "but not their own layer's, in either order");
    tap_ok(!mk_has(R "opaque/old") && !mk_has(R "opaque/sub") && mk_has(R "opaque/new") &&
           mk_has(R "opaque/late"), "opaque folder");
    tap_ok(mk_has(R "opaque/both/new") && !mk_has(R "opaque/both/old"), "opaque, a level down");
    tap_ok(mk_has(R "mixed/new") && !mk_has(R "mixed/old"), "folder hidden and made anew");
    tap_ok(!mk_has(R ".wh.gone") && !mk_has(R ".wh..wh.plnk") && !mk_has(R ".wh.never"),
           "no marks are left");
    end();
}

static void replacing(void)
{
    struct mk_layer *a = &im.layer[0], *b = &im.layer[1];
    struct stat st;

    begin(2);
    mk_entry(a, "file", '0', 0644, "1");
    mk_entry(a, "tree/x/y", '0', 0644, "1");
    mk_entry(a, "link", '2', 0777, "kept");
    mk_entry(a, "kept", '5', 0755, NULL);
    mk_entry(a, "kept/in", '0', 0644, "1");
    mk_entry(a, "usr/lib/z", '0', 0644, "1");
    mk_entry(a, "lib", '2', 0777, "usr/lib");
    mk_entry(b, "file", '5', 0755, NULL);
    mk_entry(b, "file/in", '0', 0644, "2");
    mk_entry(b, "tree", '0', 0644, "2");
    mk_entry(b, "link", '5', 0700, NULL);
    mk_entry(b, "kept", '5', 0500, NULL);
    mk_entry(b, "lib/new", '0', 0644, "2");
    unpack("replacing");
    tap_ok(mk_text_is(R "file/in", "2"), "file by folder");
    tap_ok(mk_text_is(R "tree", "2"), "folder by file");
    tap_ok(lstat(R "link", &st) == 0 && S_ISDIR(st.st_mode), "link to a folder by folder");
    tap_ok(mk_text_is(R "kept/in", "1") && stat(R "kept", &st) == 0 &&
           (st.st_mode & 07777) == 0500, "folder by folder keeps its content");
    tap_ok(mk_text_is(R "usr/lib/new", "2"), "a parent that is a link is followed");
    end();
}

static void attributes(void)
{
    struct mk_layer *a = &im.layer[0];
    struct stat st;

    begin(2);
    mk_owner(1234, 5678);
    mk_entry(a, "d", '5', 02751, NULL);
    mk_entry(a, "d/suid", '0', 04755, "x");
    mk_entry(a, "d/ln", '2', 0777, "nowhere");
    mk_owner(0, 0);
    mk_mtime(500000000);
    mk_entry(a, "d/hard", '1', 0755, "d/suid");
    mk_entry(a, "closed", '5', 0000, NULL);
    mk_entry(a, "closed/in", '0', 0600, "x");
    mk_pax(a, "mtime", "400000000.25");
    mk_entry(a, "frac", '0', 0644, "");
    mk_pax(a, "SCHILY.xattr.user.k", "value");
    mk_entry(a, "xattr", '0', 0644, "");
    mk_pax(a, "SCHILY.xattr.trusted.overlay.opaque", "y");
    mk_entry(a, "overlay", '5', 0755, NULL);
    mk_pax(a, "path", "h\xc3\xa9llo \xe2\x82\xac");
    mk_entry(a, "utf8", '0', 0644, "");
    mk_entry(a, "bytes\xff\xfe", '0', 0644, "");
    mk_pax(a, "path", "bytes\xff\xfe in pax");
    mk_entry(a, "bytes", '0', 0644, "");
    mk_mtime(1000000000);
    mk_entry(&im.layer[1], "d/added", '0', 0644, "x");
    unpack("attributes");
    tap_ok(stat(R "d", &st) == 0 && st.st_mtime == 1000000000, "time of a folder added to");
    tap_is(st.st_mode & 07777, 02751, "its mode");
    tap_ok(stat(R "d/hard", &st) == 0 && st.st_nlink == 2 && (st.st_mode & 07777) == 04755,
           "setuid, hard link");
    if (geteuid() == 0)
        tap_ok(st.st_uid == 1234 && st.st_gid == 5678 && lstat(R "d/ln", &st) == 0 &&
               st.st_uid == 1234, "owners");
    else
        tap_skip("not root", "owners");
    tap_ok(stat(R "closed", &st) == 0 && (st.st_mode & 07777) == 0 &&
           st.st_mtime == 500000000, "closed folder with content");
    tap_ok(stat(R "frac", &st) == 0 && st.st_mtim.tv_nsec == 250000000, "parts of a second");
    char value[16] = "";
    if (getxattr(R "xattr", "user.k", value, sizeof(value)) < 0 && strstr(mk_warnings, "user.k"))
        tap_skip("no user attributes here", "extended attribute");
    else
        tap_ok(!strcmp(value, "value"), "extended attribute");
    tap_ok(getxattr(R "overlay", "trusted.overlay.opaque", value, 16) < 0, "none of overlayfs");
    tap_ok(mk_has(R "h\xc3\xa9llo \xe2\x82\xac") && mk_has(R "bytes\xff\xfe") &&
           mk_has(R "bytes\xff\xfe in pax"), "names are bytes");
    end();
}

/* The same as nobody: what is not permitted is said, the rest works. */
static void unprivileged(void)
{
    struct mk_layer *a = &im.layer[0];
    int status;

    begin(1);
    mk_owner(1234, 5678);
    mk_entry(a, "dev/null", '3', 0666, NULL);
    mk_entry(a, "ro", '5', 0500, NULL);
    mk_entry(a, "ro/in", '0', 0400, "x");
    mk_owner(0, 0);
    mk_layout("lay", &im, "t");
    fflush(stdout);
    if (system("mkdir o && chmod 777 o . && chmod -R a+rX lay") != 0)
        tap_ok(false, "prepare");
    pid_t pid = fork();
    if (pid == 0) {
        struct stat st;
        if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
            _exit(3);
        if (mk_unpack("lay:t", "o/b") != 0) {
            fprintf(stderr, "# %s\n", mk_err.text);
            _exit(1);
        }
        bool ok = strstr(mk_warnings, "device nodes are left out") &&
                  strstr(mk_warnings, "owners are not kept") &&
                  mk_text_is("o/b/rootfs/ro/in", "x") && !mk_has("o/b/rootfs/dev/null") &&
                  stat("o/b/rootfs/ro", &st) == 0 && (st.st_mode & 07777) == 0500;
        _exit(ok ? 0 : 2);
    }
    waitpid(pid, &status, 0);
    tap_is(status, 0, "unpack without privilege");
    end();
}

/* A tree with everything in it, and how to tell that another is the same. */
static const char make_tree[] =
    "mkdir -p t/d/e 't/with space' t/empty && cd t && echo hi > d/f && ln d/f d/hard && "
    "ln -s ../d/f d/e/soft && ln -s /abs abs && mkfifo fifo && (mknod null c 1 3 || true) && "
    "truncate -s 3M holes && printf x | dd of=holes bs=1 seek=1000000 conv=notrunc 2>/dev/null && "
    "n=$(printf 'n%.0s' $(seq 200)) && mkdir -p $n/$n && echo l > $n/$n/$n && "
    "touch \"$(printf 'h\\303\\251 \\377')\" && chmod 4711 d/f && chmod 1777 empty && "
    "(chown 3:4 d/e || true) && touch -d '2001-02-03 04:05:06.5' d/f && "
    "touch -d '2002-02-02' d d/e . && cd ..";
static const char list_tree[] =
    "list() { (cd $1; find . -printf '%P|%y|%m|%U|%G|%n|%l|%Ts\\n' | sort; "
    "find . -type f -printf '%P|%s|' -exec sha256sum '{}' ';' | sort; "
    "find . -type c -exec stat -c '%n %t %T' '{}' '+'); }; list t > A; list b/rootfs > B; "
    "diff A B >&2";

static void run(const char *command, const char *what)
{
    tap_is(system(command), 0, "%s", what);
}

static void round_trip(void)
{
    static const char *const cmd[] = { "/bin/x", "y", NULL };
    struct oci_import_opts opts = { .cmd = cmd };
    struct err e;

    mk_begin();
    run(make_tree, "a tree");
    tap_is(oci_image_import("t", "lay:dir", &opts, &e), 0, "import of a directory");
    tap_is(mk_unpack("lay:dir", "b"), 0, "unpack it");
    run(list_tree, "the trees are the same");
    run("test $(stat -c %b b/rootfs/holes) -lt 1000", "holes stay holes");
    run("rm -r b && sleep 1 && cp -a lay lay.1", "again");
    tap_is(oci_image_import("t", "lay:dir", &opts, &e), 0, "import it again");
    run("diff -r lay lay.1", "gives the same bytes");
    run("tar -C t -cf t.tar . && gzip -k t.tar", "a tar");
    tap_is(oci_image_import("t.tar", "lay:tar", &opts, &e), 0, "import of a tar");
    tap_is(oci_image_import("t.tar.gz", "lay:tgz", NULL, &e), 0, "import of a tar.gz");
    tap_is(mk_unpack("lay:tar", "b"), 0, "unpack it");
    run(list_tree, "the trees are the same");
    tap_ok(oci_image_import("A", "lay:bad", NULL, &e) < 0 && strstr(e.text, "A: tar: "),
           "import of something else");
    tap_ok(oci_image_import("A", "new:bad", NULL, &e) < 0 && !mk_has("new"), "leaves nothing");
    tap_ok(oci_image_import("t", "lay", NULL, &e) < 0 && strstr(e.text, "LAYOUT:TAG"),
           "no tag");
    tap_ok(oci_image_import("t", "t:x", NULL, &e) < 0 && strstr(e.text, "no OCI image layout"),
           "layout folder that is none");
    run("find lay -name '.new*' | grep -q . && exit 1 || exit 0", "no pieces are left");
    mk_end();
}

static void umoci(void)
{
    if (system("umoci --version > /dev/null 2>&1") != 0 || geteuid() != 0) {
        tap_skip("umoci is not installed, or not root", "image made by umoci");
        return;
    }
    mk_begin();
    run("exec 2>&1; umoci init --layout lay && umoci new --image lay:x && "
        "umoci unpack --image lay:x u > /dev/null", "umoci: bundle");
    run(make_tree, "a tree");
    run("rm -r u/rootfs && cp -a t u/rootfs && touch -r t u/rootfs && "
        "umoci repack --image lay:x u 2>&1 && rm -r t && "
        "umoci unpack --image lay:x u2 2>&1 && mv u2/rootfs t", "umoci: first layer");
    tap_is(mk_unpack("lay:x", "b"), 0, "unpack it");
    run(list_tree, "the trees are the same");
    run("rm -r b u u2; umoci unpack --image lay:x u 2>&1 && cd u/rootfs && rm -r d abs && "
        "mkdir abs && echo 2 > abs/new && echo 3 > d && cd ../.. && "
        "umoci repack --image lay:y u 2>&1 && rm -r u t && "
        "umoci unpack --image lay:y u 2>&1 && mv u/rootfs t", "umoci: second layer");
    tap_is(mk_unpack("lay:y", "b"), 0, "unpack it");
    run(list_tree, "the trees are the same");
    run("umoci config --image lay:y --config.cmd /z --config.workingdir /d2/x 2>&1",
        "umoci: config");
    run("rm -r b", "again");
    tap_is(mk_unpack("lay:y", "b"), 0, "unpack it");
    run("grep -q '\"/z\"' b/config.json && test -d b/rootfs/d2/x", "its config is used");
    mk_end();
}

int main(void)
{
    whiteouts();
    replacing();
    attributes();
    unprivileged();
    round_trip();
    umoci();
    return tap_end();
}
