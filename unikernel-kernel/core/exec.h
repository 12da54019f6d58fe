/* Inside execve: a program being loaded. */
#ifndef CORE_EXEC_H
#define CORE_EXEC_H

#include "mm.h"
#include "task.h"

#include <linux/elf.h>

#define EXEC_HEAD 256
#define EXEC_MAX_PHDRS 64

struct elf_file {
    struct file *file;
    Elf64_Ehdr eh;
    Elf64_Phdr ph[EXEC_MAX_PHDRS];
    u64 bias, end;                      /* end of the highest segment, biased */
};

struct image {
    struct file *file;                  /* the program; owned with prog.file */
    char head[EXEC_HEAD + 1];
    size_t head_len;
    struct elf_file prog, interp;       /* interp.file: NULL for static programs */
    u64 phdr, entry, sp;
    const char *execfn;
    u64 args;                           /* stack_args */
    bool secure;
    u8 fcaps[24]; size_t nfcaps;        /* the file's capabilities; 0: none that count */
};

int exec_open(int dfd, const char *name, u32 at_flags, struct file **f_r);

/* Reads and checks the headers, opens the interpreter. -ENOEXEC for what is no x86-64
 * ELF, -ELIBBAD for a bad interpreter, or the interpreter's own error. */
int elf_check(struct image *im);
/* Maps program and interpreter into the empty current address space. */
int elf_load(struct image *im);
void elf_release(struct image *im);
/* Fixes where the stack will be, so that mappings are placed below it. args: bytes that
 * stack_build will need, of which a small RLIMIT_STACK takes nothing away. */
void stack_reserve(struct mm *mm, u64 args, u32 rnd);
/* Makes the stack with arguments, environment and auxiliary vector: sets im->sp. */
u64 stack_args(const struct image *im, const struct exec_args *a);
int stack_build(struct image *im, const struct exec_args *a);

#endif
