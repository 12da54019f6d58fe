#include "oci_mk.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/fd.h"
#include "oci/image.h"

char mk_dir[64];
struct err mk_err;
char mk_warnings[4096];

static unsigned entry_uid, entry_gid;
static unsigned long entry_mtime = 1000000000;

static void must(bool ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(99);
    }
}

void mk_begin(void)
{
    strcpy(mk_dir, "/tmp/xenc-oci-XXXXXX");
    must(mkdtemp(mk_dir) && chdir(mk_dir) == 0, "temporary folder");
}

void mk_end(void)
{
    must(chdir("/") == 0 && remove_tree_at(AT_FDCWD, mk_dir) == 0, "clean up");
}

void mk_owner(unsigned uid, unsigned gid)
{
    entry_uid = uid;
    entry_gid = gid;
}

void mk_mtime(unsigned long mtime)
{
    entry_mtime = mtime;
}

static void raw_entry(struct mk_layer *l, const char *name, char type, unsigned mode,
                      const char *link, const char *data, size_t len)
{
    char h[512] = { 0 };
    unsigned sum = 0;

    must(strlen(name) <= 100 && strlen(link) <= 100, "long names are for mk_pax");
    memcpy(h, name, strlen(name));
    sprintf(h + 100, "%07o", mode);
    sprintf(h + 108, "%07o", entry_uid);
    sprintf(h + 116, "%07o", entry_gid);
    sprintf(h + 124, "%011zo", len);
    sprintf(h + 136, "%011lo", entry_mtime);
    memset(h + 148, ' ', 8);
    h[156] = type;
    memcpy(h + 157, link, strlen(link));
    memcpy(h + 257, "ustar\0" "00", 8);
    if (type == '3' || type == '4') {
        strcpy(h + 329, "0000001");
        strcpy(h + 337, "0000003");
    }
    for (size_t i = 0; i < sizeof(h); i++)
        sum += (unsigned char)h[i];
    sprintf(h + 148, "%06o", sum);
    buf_put(&l->tar, h, sizeof(h));
    buf_put(&l->tar, data, len);
    memset(h, 0, sizeof(h));
    buf_put(&l->tar, h, -len & 511);
}

void mk_entry(struct mk_layer *l, const char *name, char type, unsigned mode,
              const char *link_or_data)
{
    const char *s = link_or_data ? link_or_data : "";
    bool link = type == '1' || type == '2';

    raw_entry(l, name, type, mode, link ? s : "", s, link ? 0 : strlen(s));
}

void mk_pax(struct mk_layer *l, const char *key, const char *value)
{
    size_t body = strlen(key) + strlen(value) + 3, n = body + 1;
    struct buf b = { 0 };

    while (snprintf(NULL, 0, "%zu", n) + body != n)
        n++;
    buf_printf(&b, "%zu %s=%s\n", n, key, value);
    raw_entry(l, "pax", 'x', 0644, "", buf_cstr(&b), b.len);
    buf_dispose(&b);
}

static void pack(const struct mk_layer *l, struct buf *out)
{
    if (l->packing == MK_PLAIN) {
        buf_put(out, l->tar.data, l->tar.len);
    } else if (l->packing == MK_ZSTD) {
        size_t room = ZSTD_compressBound(l->tar.len);
        void *p = buf_extend(out, room);
        out->len = ZSTD_compress(p, room, l->tar.data, l->tar.len, 1);
    } else {
        z_stream z = { 0 };
        must(deflateInit2(&z, 1, Z_DEFLATED, 31, 8, 0) == Z_OK, "deflate");
        size_t room = deflateBound(&z, l->tar.len) + 64;
        z.next_out = buf_extend(out, room);
        z.avail_out = (unsigned)room;
        z.next_in = l->tar.data;
        z.avail_in = (unsigned)l->tar.len;
        must(deflate(&z, Z_FINISH) == Z_STREAM_END, "deflate");
        out->len = z.total_out;
        deflateEnd(&z);
    }
}

static void digest_of(const void *data, size_t len, char out[DIGEST_LEN + 1])
{
    struct hash h;

    hash_init(&h);
    hash_add(&h, data, len);
    hash_end(&h, out);
}

const char *mk_store(const char *dir, const char *text, size_t len)
{
    static char digest[4][DIGEST_LEN + 1];
    static int turn;
    char *d = digest[turn++ % 4], path[300];
    struct err e;

    digest_of(text, len, d);
    snprintf(path, sizeof(path), "%s/blobs/sha256/%s", dir, d + 7);
    must(write_file_at(AT_FDCWD, path, text, len, 0644, &e) == 0, path);
    return d;
}

void mk_write(const char *path, const char *text)
{
    struct err e;

    must(write_file_at(AT_FDCWD, path, text, strlen(text), 0644, &e) == 0, path);
}

char *mk_read(const char *path)
{
    struct err e;
    char *text = NULL;

    return read_file_at(AT_FDCWD, path, 1 << 24, &text, NULL, &e) < 0 ? NULL : text;
}

static const char *or(const char *a, const char *b)
{
    return a ? a : b;
}

static void add_layer(const char *dir, struct mk_layer *l, struct buf *descs, struct buf *ids)
{
    static const char *const types[] = {
        "application/vnd.oci.image.layer.v1.tar",
        "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.oci.image.layer.v1.tar+zstd",
    };
    static const char zero[1024];
    char diff_id[DIGEST_LEN + 1];
    struct buf packed = { 0 };

    buf_put(&l->tar, zero, sizeof(zero));
    digest_of(l->tar.data, l->tar.len, diff_id);
    pack(l, &packed);
    const char *digest = mk_store(dir, (char *)packed.data, packed.len);
    buf_printf(descs, "%s{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}",
               descs->len ? "," : "", or(l->media_type, types[l->packing]),
               or(l->digest, digest), packed.len + (size_t)l->size_off);
    buf_printf(ids, "%s\"%s\"", ids->len ? "," : "", or(l->diff_id, diff_id));
    buf_dispose(&packed);
}

void mk_layout(const char *dir, struct mk_image *im, const char *tag)
{
    struct buf descs = { 0 }, ids = { 0 }, text = { 0 };
    char path[200], config[400];

    snprintf(path, sizeof(path), "mkdir -p %s/blobs/sha256", dir);
    must(system(path) == 0, "mkdir");
    for (size_t i = 0; i < im->nlayers; i++)
        add_layer(dir, &im->layer[i], &descs, &ids);
    buf_printf(&text, "{\"os\":\"%s\",\"architecture\":\"amd64\",\"config\":{%s},"
               "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[%s]}}", or(im->os, "linux"),
               or(im->config, "\"Cmd\":[\"/bin/true\"]"), ids.len ? buf_cstr(&ids) : "");
    snprintf(config, sizeof(config), "\"digest\":\"%s\",\"size\":%zu",
             mk_store(dir, buf_cstr(&text), text.len), text.len);
    text.len = 0;
    buf_printf(&text, "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"%s\",%s},"
               "\"layers\":[%s]}",
               or(im->config_type, "application/vnd.oci.image.config.v1+json"), config,
               descs.len ? buf_cstr(&descs) : "");
    const char *digest = mk_store(dir, buf_cstr(&text), text.len);
    size_t len = text.len;
    text.len = 0;
    buf_printf(&text, "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"%s\","
               "\"digest\":\"%s\",\"size\":%zu",
               or(im->manifest_type, "application/vnd.oci.image.manifest.v1+json"), digest,
               len);
    if (tag)
        buf_printf(&text, ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"%s\"}",
                   tag);
    buf_puts(&text, "}]}");
    snprintf(path, sizeof(path), "%s/index.json", dir);
    mk_write(path, buf_cstr(&text));
    snprintf(path, sizeof(path), "%s/oci-layout", dir);
    mk_write(path, "{\"imageLayoutVersion\":\"1.0.0\"}");
    buf_dispose(&descs);
    buf_dispose(&ids);
    buf_dispose(&text);
}

void mk_free(struct mk_image *im)
{
    for (size_t i = 0; i < 4; i++)
        buf_dispose(&im->layer[i].tar);
    memset(im, 0, sizeof(*im));
}

static void on_warn(void *arg, const char *text)
{
    (void)arg;
    strncat(mk_warnings, text, sizeof(mk_warnings) - strlen(mk_warnings) - 2);
    strcat(mk_warnings, "\n");
}

int mk_unpack(const char *ref, const char *bundle)
{
    struct oci_image_opts opts = { .warn = on_warn };

    mk_warnings[0] = 0;
    memset(&mk_err, 0, sizeof(mk_err));
    return oci_image_unpack(ref, bundle, &opts, &mk_err);
}

bool mk_has(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

bool mk_text_is(const char *path, const char *want)
{
    char *text = mk_read(path);
    bool same = text && !strcmp(text, want);

    if (!same)
        printf("# %s: %s\n", path, text ? text : "(no such file)");
    free(text);
    return same;
}
