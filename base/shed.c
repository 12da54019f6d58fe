#include "base/shed.h"

#include <elf.h>
#include <stdint.h>
#include <sys/mman.h>

extern const char __ehdr_start[];      /* by the linker: the first page of the program */

void shed_text(void)
{
    const Elf64_Ehdr *h = (const void *)__ehdr_start;
    const Elf64_Phdr *p = (const void *)(__ehdr_start + h->e_phoff);
    uintptr_t bias = h->e_type == ET_DYN ? (uintptr_t)__ehdr_start : 0;

    for (unsigned i = 0; i < h->e_phnum; i++, p++) {
        if (p->p_type != PT_LOAD || (p->p_flags & PF_W))
            continue;
        uintptr_t start = (bias + p->p_vaddr) & ~4095ul;
        uintptr_t end = (bias + p->p_vaddr + p->p_memsz) & ~4095ul;
        /* Advice: what can't be dropped stays, and nothing is lost. */
        (void)madvise((void *)start, end - start, MADV_DONTNEED);
    }
}
