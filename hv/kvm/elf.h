/* PVH kernels: ELF files that say in a note where they start in 32-bit mode. */
#ifndef XENC_HV_KVM_ELF_H
#define XENC_HV_KVM_ELF_H

#include <stdint.h>

#include "base/err.h"

struct pvh_image {
    uint32_t entry;             /* physical address */
    uint64_t start, end;        /* of all that was loaded, gpa */
};

/* Loads the file's segments into mem (gpa 0 is mem[0], size bytes; nothing below 1 MiB or
 * in the hole) and finds its entry. The file is foreign: -ENOEXEC says what is wrong
 * with it, -ENOMEM that the memory is too small. */
int pvh_elf_load(struct pvh_image *im, int fd, uint8_t *mem, uint64_t size, struct err *e);

#endif
