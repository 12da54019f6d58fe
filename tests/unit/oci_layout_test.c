// uses: base/*.c oci/*.c tests/unit/oci_mk.c
// libs: -ljson-c -larchive -lnettle -lz -lzstd
/* Finding the image in a layout, verifying it, and the config.json made from it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oci_mk.h"
#include "tap.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static struct mk_image im;

static void begin(void)
{
    mk_begin();
    im.nlayers = 1;
    mk_entry(&im.layer[0], "bin/true", '0', 0755, "program");
}

static void end(void)
{
    mk_end();
    mk_free(&im);
}

/* Unpacks and wants this error number and this part of the message. */
static void check(const char *ref, int want, const char *text, const char *what)
{
    int rc = mk_unpack(ref, "b");

    if (!tap_is(rc, -want, "%s", what) || !strstr(mk_err.text, text))
        tap_ok(false, "%s: message \"%s\"", what, mk_err.text);
    tap_ok(mk_has("b") == !want && !mk_has("b/.rootfs.new"), "%s: %s", what,
           want ? "leaves nothing" : "makes a bundle");
}

static void build_and_check(int want, const char *text, const char *what)
{
    mk_layout("lay", &im, "t");
    check("lay:t", want, text, what);
    end();
}

static void good(void)
{
    static const char *const names[] = { "tar", "tar+gzip", "tar+zstd" };

    for (int packing = MK_PLAIN; packing <= MK_ZSTD; packing++) {
        begin();
        im.layer[0].packing = packing;
        mk_layout("lay", &im, "t");
        check("lay:t", 0, "", names[packing]);
        tap_ok(mk_text_is("b/rootfs/bin/true", "program"), "%s: content", names[packing]);
        end();
    }
    begin();
    im.layer[0].packing = MK_GZIP;
    im.layer[0].media_type = "application/vnd.docker.image.rootfs.diff.tar.gzip";
    im.config_type = "application/vnd.docker.container.image.v1+json";
    im.manifest_type = "application/vnd.docker.distribution.manifest.v2+json";
    build_and_check(0, "", "the other family of media types");
    begin();
    im.nlayers = 0;
    build_and_check(0, "", "image without layers");
}

static void damaged(void)
{
    begin();
    im.layer[0].digest = "sha256:" ZEROS;
    build_and_check(2, "blob sha256:0000", "blob that is not there");
    begin();
    im.layer[0].diff_id = "sha256:" ZEROS;
    build_and_check(74, "not sha256:0000", "wrong diff_id");
    begin();
    im.layer[0].size_off = 1;
    build_and_check(22, "its descriptor says", "wrong size");
    begin();
    im.layer[0].digest = "sha256:../../../../../etc/passwd";
    build_and_check(22, "is not supported", "digest that is a path");
    begin();
    im.layer[0].digest = "md5:abc";
    build_and_check(22, "is not supported", "other digest algorithm");
    begin();
    im.layer[0].media_type = "application/x-7z";
    build_and_check(22, "layers[0].mediaType: \"application/x-7z\" is not supported",
                    "unsupported layer type");
    begin();
    im.config_type = "application/vnd.cncf.helm.config.v1+json";
    build_and_check(22, "config.mediaType", "unsupported config type");
    begin();
    im.manifest_type = "application/vnd.docker.distribution.manifest.v1+json";
    build_and_check(2, "has no image", "unsupported manifest type");
    begin();
    im.os = "windows";
    build_and_check(22, "os: image is for \"windows\"", "foreign system");
}

/* Overwrites bytes of the only blob of a size in a range: the layer. */
static void spoil(const char *command, int want, const char *text, const char *what)
{
    begin();
    im.layer[0].packing = MK_GZIP;
    for (int i = 0; i < 300; i++) {
        char name[32];
        sprintf(name, "file%d", i * 7919 % 1000);
        mk_entry(&im.layer[0], name, '0', 0644, name);
    }
    mk_layout("lay", &im, "t");
    tap_ok(system(command) == 0, "%s: prepared", what);
    check("lay:t", want, text, what);
    end();
}

#define BIGGEST "f=lay/blobs/sha256/$(ls -S lay/blobs/sha256 | head -n1); "

static void spoilt(void)
{
    spoil(BIGGEST "truncate -s -100 $f", 22, "its descriptor says", "cut blob");
    spoil(BIGGEST "printf XXXX | dd of=$f bs=1 seek=2000 conv=notrunc 2>/dev/null", 74,
          "layer 1 of 1", "changed byte");
    spoil(BIGGEST "printf A | dd of=$f bs=1 seek=4 conv=notrunc 2>/dev/null", 74,
          "digest of the blob", "changed byte in the gzip header");
    spoil("sed -i 's/size/s1ze/' lay/index.json", 22, "manifests[0].size: is missing",
          "index without a size");
    spoil("echo '{' > lay/index.json", 22, "index.json: line 2 column 1", "broken index");
    spoil("rm lay/index.json", 2, "index.json", "no index");
    spoil("rm lay/oci-layout", 2, "no OCI image layout", "no marker");
    spoil("echo '{\"imageLayoutVersion\":\"2.0\"}' > lay/oci-layout", 22,
          "imageLayoutVersion", "other version");
    spoil(BIGGEST "rm $f; mkfifo $f", 22, "blob sha256", "fifo for a blob");
    spoil("for f in $(grep -l schemaVersion lay/blobs/sha256/*); do echo ' ' >> $f; done", 22,
          "its descriptor says", "changed manifest");
}

static void cut_tar(void)
{
    static char data[10001];

    /* The digests are right, but the tar ends inside of a file. */
    memset(data, 'd', sizeof(data) - 1);
    begin();
    mk_entry(&im.layer[0], "tail", '0', 0644, data);
    im.layer[0].tar.len -= 5000;
    build_and_check(74, "layer 1 of 1", "tar that is damaged before it was hashed");
    begin();
    im.layer[0].tar.len = 0;
    buf_puts(&im.layer[0].tar, "this is no tar, but long enough to be looked at");
    for (int i = 0; i < 40; i++)
        buf_puts(&im.layer[0].tar, "0123456789012345678901234567890123456789");
    build_and_check(74, "layer 1 of 1", "something else than a tar");
}

static void tags(void)
{
    char *text;

    begin();
    mk_layout("lay", &im, "one");
    check("lay", 0, "", "one image, no tag");
    tap_ok(system("rm -r b") == 0, "again");
    check("lay:two", 2, "no image is tagged \"two\"; there are: one", "unknown tag");
    check("lay:", 22, "empty tag", "empty tag");
    check("nowhere:x", 2, "nowhere", "no layout");
    text = mk_read("lay/index.json");
    char *d = strstr(text, "sha256:");
    char other[71 + 1];
    memcpy(other, d, 71);
    other[71] = 0;
    char index[2000];
    snprintf(index, sizeof(index), "{\"manifests\":[{\"mediaType\":"
             "\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"sha256:" ZEROS
             "\",\"size\":3,\"annotations\":{\"org.opencontainers.image.ref.name\":\"two\"}},%s",
             strstr(text, "[{") + 1);
    mk_write("lay/index.json", index);
    check("lay", 22, "a tag must say which: two, one", "two images, no tag");
    check("lay:one", 0, "", "two images, tag");
    free(text);
    end();
}

/* Wraps the index's only entry into a nested index, with foreign platforms around. */
static void nested(int depth, int want, const char *text, const char *what)
{
    begin();
    mk_layout("lay", &im, NULL);
    for (int i = 0; i < depth; i++) {
        char *inner = mk_read("lay/index.json"), index[4000];
        char *entry = strstr(inner, "[{") + 1;
        *strrchr(entry, ']') = 0;
        entry[strlen(entry) - 1] = 0;       /* its closing brace */
        snprintf(index, sizeof(index), "{\"schemaVersion\":2,\"manifests\":["
                 "{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":"
                 "\"sha256:" ZEROS "\",\"size\":9,\"platform\":{\"os\":\"linux\","
                 "\"architecture\":\"arm64\"}},{\"mediaType\":"
                 "\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"sha256:" ZEROS
                 "\",\"size\":9,\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\","
                 "\"variant\":\"v3\"}},%s%s}]}", entry,
                 i ? "" : ",\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}");
        const char *digest = mk_store("lay", index, strlen(index));
        char top[600];
        snprintf(top, sizeof(top), "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":"
                 "\"application/vnd.oci.image.index.v1+json\",\"digest\":\"%s\",\"size\":%zu,"
                 "\"annotations\":{\"org.opencontainers.image.ref.name\":\"x/y:t\"}}]}",
                 digest, strlen(index));
        mk_write("lay/index.json", top);
        free(inner);
    }
    check("lay:t", want, text, what);
    end();
}

static void as_tar(void)
{
    begin();
    im.layer[0].packing = MK_GZIP;
    mk_layout("lay", &im, "t");
    tap_ok(system("tar -C lay -cf a.tar . && tar -C lay --format=pax -cf p.tar "
                  "blobs index.json oci-layout && gzip -k a.tar && "
                  "head -c 3000 a.tar > cut.tar && tar -cf no.tar lay/blobs") == 0, "tars");
    check("a.tar:t", 0, "", "layout in a tar");
    tap_ok(system("rm -r b") == 0, "again");
    check("p.tar", 0, "", "layout in a pax tar");
    tap_ok(system("rm -r b") == 0, "again");
    check("a.tar.gz", 22, "uncompressed tar", "compressed tar");
    check("cut.tar", 22, "cut off", "cut tar");
    check("no.tar", 2, "no OCI image layout", "tar of something else");
    end();
}

static void config(const char *text, const char *jq, const char *want, const char *what)
{
    char command[400];
    char *got = NULL;

    begin();
    im.config = text;
    mk_entry(&im.layer[0], "etc/passwd", '0', 0644, "root:x:0:0::/root:/bin/sh\n"
             "app:x:1000:1001::/home/app:/bin/sh\n1234:x:7:7::/:/bin/sh\n");
    mk_entry(&im.layer[0], "etc/group", '0', 0644,
             "root:x:0:\nwheel:x:10:root,app\nusers:x:100:app\nstaff:x:50:\n");
    mk_layout("lay", &im, "t");
    if (want) {
        check("lay:t", 0, "", what);
        snprintf(command, sizeof(command), "jq -c '%s' b/config.json | tr -d '\\n' > out", jq);
        tap_ok(system(command) == 0 && (got = mk_read("out")), "%s: jq", what);
        if (!tap_ok(got && !strcmp(got, want), "%s: %s", what, jq))
            printf("# got %s, wanted %s\n", got ? got : "nothing", want);
        free(got);
    } else {
        check("lay:t", 2, jq, what);
    }
    end();
}

static void configs(void)
{
    static const char cmd[] = "\"Cmd\":[\"x\"],";
    char text[300];
    static const struct { const char *user, *want, *what; } users[] = {
        { "", "[0,0,[10]]", "no user" },
        { "app", "[1000,1001,[10,100]]", "user by name" },
        { "1000", "[1000,1001,[10,100]]", "user by number in passwd" },
        { "4242", "[4242,0,null]", "user by number" },
        { "app:staff", "[1000,50,null]", "user and group by name" },
        { "app:77", "[1000,77,null]", "user by name, group by number" },
        { "5:6", "[5,6,null]", "both by number" },
        { "1234", "[7,7,null]", "name that looks like a number" },
        { "nobody", NULL, "unknown user" },
        { "app:nobody", NULL, "unknown group" },
        { "4294967295", NULL, "id out of range" },
    };

    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        snprintf(text, sizeof(text), "%s\"User\":\"%s\"", cmd, users[i].user);
        config(text, users[i].want ? "[.process.user|.uid,.gid,.additionalGids]"
                                   : "is not in the image", users[i].want, users[i].what);
    }
    config("\"Entrypoint\":[\"/e\",\"1\"],\"Cmd\":[\"c\"]", ".process.args",
           "[\"/e\",\"1\",\"c\"]", "entrypoint and command");
    config("\"Cmd\":null", ".process.args", "[\"sh\"]", "no command");
    config("\"Env\":[\"A=1\",\"HOME=/h\"]", ".process.env",
           "[\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\",\"A=1\","
           "\"HOME=/h\"]", "environment");
    config("\"Env\":[\"PATH=/x\"],\"User\":\"app\"", ".process.env",
           "[\"PATH=/x\",\"HOME=/home/app\"]", "own PATH, HOME of the user");
    config("\"WorkingDir\":\"srv/app\"", ".process.cwd", "\"/srv/app\"", "working directory");
    config("\"StopSignal\":\"SIGQUIT\",\"Labels\":{\"k\":\"v\"}",
           "[.annotations[\"k\",\"org.opencontainers.image.stopSignal\"]]",
           "[\"v\",\"SIGQUIT\"]", "stop signal and labels");
}

int main(void)
{
    good();
    damaged();
    spoilt();
    cut_tar();
    tags();
    nested(1, 0, "", "nested index");
    nested(4, 0, "", "four nested indexes");
    nested(5, 40, "nested more than", "five nested indexes");
    as_tar();
    if (system("jq --version > /dev/null 2>&1") == 0)
        configs();
    else
        tap_skip("jq is not installed", "config.json of an image");
    return tap_end();
}
