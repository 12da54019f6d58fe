/* main for fuzz targets where libFuzzer is not: runs the target on files, or on all files
 * of folders, given as arguments. "-mutate=N" also runs N random changes of each, from a
 * fixed seed, so that a short run without a fuzzer still finds shallow bugs. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static long mutations, runs;
static uint64_t state = 88172645463325252ull;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

/* One to eight small changes: a bit, a byte, a run moved, cut or doubled. */
static size_t mutate(uint8_t *p, size_t n, size_t room)
{
    for (uint64_t k = next() % 8 + 1; k && n; k--) {
        size_t a = next() % n, b = next() % n, len = next() % 64;
        len = len > n - a ? n - a : len;
        switch (next() % 5) {
        case 0: p[a] ^= (uint8_t)(1u << next() % 8); break;
        case 1: p[a] = (uint8_t)next(); break;
        case 2: memmove(p + a, p + b, len > n - b ? n - b : len); break;
        case 3: memmove(p + a, p + a + len, n - a - len); n -= len; break;
        default:
            if (n + len <= room) {
                memmove(p + a + len, p + a, n - a);
                n += len;
            }
        }
    }
    return n;
}

static void run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    static uint8_t data[1 << 20], work[2 << 20];

    if (!f) {
        perror(path);
        exit(2);
    }
    size_t n = fread(data, 1, sizeof(data), f);
    fclose(f);
    LLVMFuzzerTestOneInput(data, n);
    runs++;
    for (long i = 0; i < mutations; i++, runs++) {
        memcpy(work, data, n);
        LLVMFuzzerTestOneInput(work, mutate(work, n, sizeof(work)));
    }
}

static void run_path(const char *path)
{
    struct dirent **list;
    struct stat st;
    int n;

    if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
        run_file(path);
        return;
    }
    n = scandir(path, &list, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char inner[4096];
        snprintf(inner, sizeof(inner), "%s/%s", path, list[i]->d_name);
        if (list[i]->d_name[0] != '.')
            run_path(inner);
        free(list[i]);
    }
    free(list);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!strncmp(argv[i], "-mutate=", 8))
            mutations = atol(argv[i] + 8);
        else
            run_path(argv[i]);
    }
    printf("%ld inputs\n", runs);
    return runs == 0;
}
