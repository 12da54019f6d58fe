// uses: hv/dev/[!m]*.c base/err.c tests/unit/dev_guest.c
/* What others change in the shared root, as the file system device tells it (abi/fs.h,
 * "News"): a guest driver here, xenc-dev as a process on a directory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dev_guest.h"
#include "tap.h"

static struct guest g;
static char root[64], path[256];
static uint64_t dir;            /* node of the folder d */

#define PART(x) { &(x), sizeof(x) }
#define STR(s)  { (s), strlen(s) + 1 }
#define CALL(op, node, out, ...) ({ \
    struct part parts_[] = { __VA_ARGS__ }; \
    guest_fuse(&g, (op), (node), parts_, sizeof(parts_) / sizeof(parts_[0]), \
               &(out), sizeof(out), NULL); })

static char none[64];           /* for replies nobody reads */

static const char *in_dir(const char *name)
{
    snprintf(path, sizeof(path), "%s/d/%s", root, name);
    return path;
}

static void put_file(const char *name)
{
    close(open(in_dir(name), O_WRONLY | O_CREAT, 0644));
}

static int lookup(const char *name, struct fuse_entry_out *o)
{
    return CALL(FUSE_LOOKUP, dir, *o, STR(name));
}

/* Asks for news: how many; *name_r is the last one's name. -1: all may have changed. */
static int news(char name_r[256])
{
    struct { struct xenc_news_out o; uint8_t list[8192]; } in;
    size_t at = 0;

    name_r[0] = 0;
    if (guest_fuse(&g, XENC_FUSE_NEWS, FUSE_ROOT_ID, NULL, 0, &in, sizeof(in), NULL) < 0)
        return -2;
    if (in.o.flags & XENC_NEWS_ALL)
        return -1;
    for (uint32_t i = 0; i < in.o.count; i++) {
        struct xenc_news e;

        memcpy(&e, in.list + at, sizeof(e));
        if (e.nodeid != dir)
            return -3;
        memcpy(name_r, in.list + at + sizeof(e), e.namelen);
        name_r[e.namelen] = 0;
        at += XENC_NEWS_SIZE(e.namelen);
    }
    return (int)in.o.count;
}

static void test_before(void)
{
    struct fuse_entry_out o;
    char name[256];

    tap_is(lookup("old", &o), 0, "LOOKUP before anybody asked for news");
    tap_is((long)o.entry_valid, 1, "holds for a second");
    tap_is(lookup("none", &o), -ENOENT, "a missing name is an error");
    tap_is(news(name), -1, "the first news: anything may have changed");
    tap_is(news(name), 0, "then nothing has");
}

static void test_valid(void)
{
    struct fuse_entry_out o;

    tap_ok(lookup("old", &o) == 0 && o.entry_valid == XENC_FS_UNTIL_NEWS &&
           o.attr_valid == XENC_FS_UNTIL_NEWS, "a name holds until there is news");
    tap_ok(lookup("none", &o) == 0 && o.nodeid == 0 && o.entry_valid == XENC_FS_UNTIL_NEWS,
           "that there is none, too");
    tap_ok(lookup("two", &o) == 0 && o.entry_valid == XENC_FS_UNTIL_NEWS && o.attr_valid == 1,
           "a file of two names: its attributes for a second");
}

static void test_others(void)
{
    char name[256];

    put_file("none");
    tap_ok(news(name) == 2 && !strcmp(name, "none"), "made and closed by others: its name");
    unlink(in_dir("none"));
    tap_ok(news(name) == 1 && !strcmp(name, "none"), "removed by others");
    chmod(in_dir("old"), 0600);
    tap_ok(news(name) == 1 && !strcmp(name, "old"), "mode changed by others");
    tap_is(news(name), 0, "told once");
}

static void test_own(void)
{
    struct fuse_create_in c = { .flags = O_RDWR | O_CREAT | O_EXCL, .mode = 0100644 };
    struct fuse_setattr_in s = { .valid = FATTR_MODE, .mode = 0100600 };
    struct { struct fuse_entry_out e; struct fuse_open_out f; } made;
    struct fuse_release_in rel = { 0 };
    struct fuse_rename_in mv = { .newdir = dir };
    struct fuse_attr_out a;
    char name[256];

    tap_is(CALL(FUSE_CREATE, dir, made, PART(c), STR("mine")), 0, "CREATE");
    tap_ok(made.e.entry_valid == XENC_FS_UNTIL_NEWS, "holds until news");
    rel.fh = made.f.fh;
    CALL(FUSE_RELEASE, made.e.nodeid, none, PART(rel));
    CALL(FUSE_SETATTR, made.e.nodeid, a, PART(s));
    CALL(FUSE_RENAME, dir, none, PART(mv), STR("mine"), STR("moved"));
    tap_is(CALL(FUSE_UNLINK, dir, none, STR("moved")), 0, "made, changed, renamed, removed");
    tap_is(news(name), 0, "what the guest does itself is no news to it");
}

static void test_new_directory(void)
{
    struct fuse_mkdir_in in = { .mode = 0755 };
    uint64_t outer = dir;
    struct fuse_entry_out o;
    char name[256], inside[64];

    tap_is(CALL(FUSE_MKDIR, dir, o, PART(in), STR("sub")), 0, "MKDIR");
    tap_ok(o.attr_valid == XENC_FS_UNTIL_NEWS, "the new directory is watched");
    tap_is(news(name), 0, "and empty");
    snprintf(inside, sizeof(inside), "%s/x", in_dir("sub"));
    tap_is(mkdir(inside, 0755), 0, "others make something in it");
    dir = o.nodeid;
    tap_ok(news(name) == 1 && !strcmp(name, "x"), "which is news");
    dir = outer;
    rmdir(inside);
    rmdir(in_dir("sub"));
    while (news(name) > 0)
        ;
}

static void test_many(void)
{
    char name[256];
    int n, total = 0;

    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "many%d", i);
        put_file(name);
    }
    while ((n = news(name)) > 0)
        total += n;
    tap_ok(n == 0 && total == 200, "a hundred files, in several answers");
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof(name), "more%d", i);
        put_file(name);
    }
    tap_is(news(name), -1, "more than can be noted: anything may have changed");
    tap_is(news(name), 0, "and then nothing more");
}

static void run(bool exec)
{
    struct guest_host h = { .root = root, .con = { { -1, -1 }, { -1, -1 } }, .exec = exec };
    struct fuse_init_in in = { .major = 7, .minor = 38, .max_readahead = 65536 };
    struct fuse_init_out out;
    struct fuse_entry_out o;
    char other[256];

    snprintf(root, sizeof(root), "/tmp/xenc-news-XXXXXX");
    if (!mkdtemp(root) || mkdir(in_dir(""), 0755) < 0)
        abort();
    put_file("old");
    put_file("two");
    strcpy(other, in_dir("too"));
    if (link(in_dir("two"), other) < 0)
        abort();
    guest_init(&g, &h);
    guest_start(&g, &h);
    guest_queue(&g, DEV_FS, 0);
    guest_queue(&g, DEV_FS, 1);
    guest_driver_ok(&g, DEV_FS);
    CALL(FUSE_INIT, 0, out, PART(in));
    CALL(FUSE_LOOKUP, FUSE_ROOT_ID, o, STR("d"));
    dir = o.nodeid;
    test_before();
    test_valid();
    test_others();
    test_own();
    test_new_directory();
    test_many();
    guest_stop(&g);
    snprintf(path, sizeof(path), "rm -rf %s", root);
    if (system(path) != 0)
        tap_ok(false, "cleans up");
}

int main(void)
{
    run(false);
    run(true);
    return tap_end();
}
