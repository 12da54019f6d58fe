// uses: base/*.c oci/*.c tests/fuzz/replay.c
// libs: -ljson-c -larchive -lnettle -lz
/* Any bytes as a layer, unpacked twice over itself, as a second layer would be. Beside
 * the root lies a folder that must stay as it is. */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "oci/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/tmp/xenc-fuzz-XXXXXX";
static int top = -1;

static void must(int ok)
{
    if (!ok)
        abort();
}

static void clean_up(void)
{
    remove_tree_at(AT_FDCWD, dir);
}

static void begin(void)
{
    /* A sparse file of the input may claim any size. */
    struct rlimit most = { 1 << 24, 1 << 24 };

    must(setrlimit(RLIMIT_FSIZE, &most) == 0 && mkdtemp(dir) != NULL);
    atexit(clean_up);
    top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(top >= 0 && mkdirat(top, "outside", 0711) == 0);
    int fd = openat(top, "outside/secret", O_WRONLY | O_CREAT, 0600);
    must(fd >= 0 && write(fd, "secret", 6) == 6);
    close(fd);
}

/* Only the outside folder and the root are here, and the former is untouched. */
static void check_outside(void)
{
    struct stat st;

    must(fstatat(top, "outside/secret", &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size == 6 &&
         st.st_nlink == 1 && (st.st_mode & 07777) == 0600);
    must(fstatat(top, "outside", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
         st.st_nlink == 2 && (st.st_mode & 07777) == 0711);
    must(fstatat(top, ".", &st, 0) == 0 && st.st_nlink == 4);
}

static void unpack_once(struct unpack *u, const struct blob *b)
{
    char packed[DIGEST_LEN + 1], plain[DIGEST_LEN + 1];
    struct layer_io io = { 0 };
    struct layer *l = NULL;
    struct err e = { 0 };
    int rc = layer_open(b, &io, &l, &e);

    if (rc == 0)
        rc = unpack_layer(u, l, &e);
    if (rc == 0)
        rc = layer_finish(l, packed, plain, &e);
    must(rc == 0 || e.text[0]);
    layer_free(l);
}

/* A changed header would be refused for its checksum before anything is looked at. */
static void mend_checksums(uint8_t *p, size_t size)
{
    for (; size >= 512; p += 512, size -= 512) {
        unsigned sum = 8 * ' ';
        char text[8];
        if (memcmp(p + 257, "ustar", 5))
            continue;
        for (size_t i = 0; i < 512; i++)
            sum += i >= 148 && i < 156 ? 0 : p[i];
        snprintf(text, sizeof(text), "%06o", sum & 0777777);
        memcpy(p + 148, text, sizeof(text));
    }
}

static int layer_file(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + 1);
    int fd = memfd_create("layer", MFD_CLOEXEC);

    must(copy && fd >= 0);
    memcpy(copy, data, size);
    mend_checksums(copy, size);
    must(write_all(fd, copy, size) == 0);
    free(copy);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct unpack *u = NULL;
    struct err e = { 0 };

    if (top < 0)
        begin();
    signal(SIGXFSZ, SIG_IGN);
    struct blob b = { .fd = layer_file(data, size), .size = size };
    must(mkdirat(top, "root", 0755) == 0);
    int root = openat(top, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(root >= 0 && unpack_new(root, NULL, &u, &e) == 0);
    unpack_once(u, &b);
    unpack_once(u, &b);
    unpack_finish(u, &e);
    unpack_free(u);
    close(root);
    close(b.fd);
    check_outside();
    must(remove_tree_at(top, "root") == 0);
    return 0;
}
