// uses: hv/kvm/elf.c base/err.c
/* Any bytes as a kernel for a PVH domain: what is accepted lies in memory, and nothing is
 * written below 1 MiB or behind the end (sanitizers watch the mapping's bounds). */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/pvh.h"
#include "hv/kvm/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEM = 4 << 20, LOW = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t *mem;
    static int fd = -1;
    struct pvh_image im = { 0 };
    struct err e;

    if (!mem) {
        mem = mmap(NULL, MEM + LOW, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (mem == MAP_FAILED || mprotect(mem + MEM, LOW, PROT_NONE) < 0)
            __builtin_trap();
        fd = memfd_create("kernel", MFD_CLOEXEC);
    }
    if (ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        __builtin_trap();
    if (pvh_elf_load(&im, fd, mem, MEM, &e) == 0) {
        if (im.entry < im.start || im.entry >= im.end || im.start < LOW || im.end > MEM)
            __builtin_trap();
    } else if (!e.code || !e.text[0]) {
        __builtin_trap();       /* refused without a word */
    }
    if (mem[0] || memcmp(mem, mem + 1, LOW - 1))
        __builtin_trap();
    return 0;
}
