/* ELF programs: reading headers (all of it foreign input) and mapping segments. */
#include "exec.h"
#include "patch.h"
#include "random.h"
#include "user.h"
#include "vfs.h"

#include <asm/mman.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/mman.h>

#define PIE_BASE     0x5500000000ull    /* in the 1 GiB units near PV_USER_TOP */
#define COPY_MAX     (512ul << 10)      /* writable segments up to this are read in */

static int check_header(const Elf64_Ehdr *h)
{
    if (memcmp(h->e_ident, ELFMAG, SELFMAG) || h->e_ident[EI_CLASS] != ELFCLASS64 ||
        h->e_ident[EI_DATA] != ELFDATA2LSB || h->e_machine != EM_X86_64 ||
        (h->e_type != ET_EXEC && h->e_type != ET_DYN) ||
        h->e_phentsize != sizeof(Elf64_Phdr) || h->e_phnum == 0 || h->e_phnum > EXEC_MAX_PHDRS)
        return -ENOEXEC;
    return 0;
}

static int check_segment(const Elf64_Phdr *p, u64 *last)
{
    u64 end = p->p_vaddr + p->p_memsz;

    if (p->p_filesz > p->p_memsz || end < p->p_vaddr || end > plat_user_max() ||
        p->p_vaddr < *last || ((p->p_vaddr ^ p->p_offset) & ~PAGE_MASK))
        return -ENOEXEC;
    *last = PAGE_DOWN(p->p_vaddr);
    return 0;
}

static int read_headers(struct elf_file *f)
{
    char start[1024];           /* program headers follow the first as a rule */
    u64 last = 0;
    int loads = 0;
    ssize_t got = vfs_kread(f->file, start, sizeof start, 0);

    if (got < (ssize_t)sizeof f->eh)
        return -ENOEXEC;
    memcpy(&f->eh, start, sizeof f->eh);
    int e = check_header(&f->eh);
    if (e < 0)
        return e;
    size_t n = f->eh.e_phnum * sizeof f->ph[0];
    if (f->eh.e_phoff <= (u64)got && n <= (u64)got - f->eh.e_phoff)
        memcpy(f->ph, start + f->eh.e_phoff, n);
    else if (vfs_kread(f->file, f->ph, n, (loff_t)f->eh.e_phoff) != (ssize_t)n)
        return -ENOEXEC;
    for (int i = 0; i < f->eh.e_phnum; i++) {
        if (f->ph[i].p_type != PT_LOAD)
            continue;
        loads++;
        e = check_segment(&f->ph[i], &last);
        if (e < 0)
            return e;
    }
    return loads ? 0 : -ENOEXEC;
}

static int open_interp(struct image *im, const Elf64_Phdr *p)
{
    char path[PATH_MAX];

    if (p->p_filesz < 2 || p->p_filesz > sizeof path)
        return -ENOEXEC;
    if (vfs_kread(im->prog.file, path, p->p_filesz, (loff_t)p->p_offset) != (ssize_t)p->p_filesz ||
        path[p->p_filesz - 1])
        return -ENOEXEC;
    int e = exec_open(AT_FDCWD, path, 0, &im->interp.file);
    if (e < 0)
        return e;
    e = read_headers(&im->interp);
    return e == -ENOEXEC ? -ELIBBAD : e;
}

int elf_check(struct image *im)
{
    im->prog.file = im->file;
    int e = read_headers(&im->prog);
    for (int i = 0; e == 0 && i < im->prog.eh.e_phnum; i++)
        if (im->prog.ph[i].p_type == PT_INTERP)
            return open_interp(im, &im->prog.ph[i]);
    return e;
}

void elf_release(struct image *im)
{
    if (im->file)
        file_put(im->file);
    if (im->interp.file)
        file_put(im->interp.file);
}

static u32 prot_of(const Elf64_Phdr *p)
{
    return (p->p_flags & PF_R ? PROT_READ : 0) | (p->p_flags & PF_W ? PROT_WRITE : 0) |
           (p->p_flags & PF_X ? PROT_EXEC : 0);
}

/* A small writable segment: one run of memory with the file's bytes read into it. A
 * private mapping would fault, and copy, page by page. */
static int load_copied(struct elf_file *f, const Elf64_Phdr *p)
{
    u64 va = f->bias + p->p_vaddr, start = PAGE_DOWN(va), end = PAGE_UP(va + p->p_memsz);
    s64 r = mm_mmap(start, end - start, prot_of(p),
                    MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_POPULATE, NULL, 0);
    struct iov v;
    struct uio u;
    loff_t pos = (loff_t)p->p_offset;

    if (r < 0 || !p->p_filesz)
        return r < 0 ? (int)r : 0;
    uio_init_user(&u, &v, va, p->p_filesz);
    while (u.left) {
        ssize_t n = vfs_read(f->file, &u, &pos);
        if (n <= 0)
            return n < 0 ? (int)n : -ENOEXEC;
    }
    return 0;
}

static int load_mapped(struct elf_file *f, const Elf64_Phdr *p)
{
    u64 va = f->bias + p->p_vaddr, start = PAGE_DOWN(va);
    u64 fend = va + p->p_filesz, mend = va + p->p_memsz;
    u32 prot = prot_of(p);

    if (p->p_filesz && !mm_has_text(start, fend - start, prot, f->file->inode,
                                    PAGE_DOWN(p->p_offset))) {
        s64 r = mm_mmap(start, fend - start, prot, MAP_PRIVATE | MAP_FIXED, f->file,
                        PAGE_DOWN(p->p_offset));
        if (r < 0)
            return (int)r;
        if (mend > fend && (prot & PROT_WRITE) && clear_user(fend, PAGE_UP(fend) - fend))
            return -EFAULT;
    }
    if (PAGE_UP(mend) > PAGE_UP(fend)) {
        s64 r = mm_mmap(PAGE_UP(fend), PAGE_UP(mend) - PAGE_UP(fend), prot,
                        MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, NULL, 0);
        if (r < 0)
            return (int)r;
    }
    return 0;
}

static int load_segments(struct elf_file *f, u64 base)
{
    f->bias = f->eh.e_type == ET_DYN ? base : 0;
    for (int i = 0; i < f->eh.e_phnum; i++) {
        const Elf64_Phdr *p = &f->ph[i];
        if (p->p_type != PT_LOAD || !p->p_memsz)
            continue;
        int e = (p->p_flags & PF_W) && p->p_memsz <= COPY_MAX ? load_copied(f, p)
                                                              : load_mapped(f, p);
        if (e < 0)
            return e;
        f->end = max(f->end, f->bias + p->p_vaddr + p->p_memsz);
    }
    return 0;
}

static u64 span(const struct elf_file *f)
{
    u64 hi = 0;

    for (int i = 0; i < f->eh.e_phnum; i++)
        if (f->ph[i].p_type == PT_LOAD)
            hi = max(hi, f->ph[i].p_vaddr + f->ph[i].p_memsz);
    return PAGE_UP(hi);
}

static void note_ranges(struct mm *mm, struct image *im)
{
    for (int i = 0; i < im->prog.eh.e_phnum; i++) {
        const Elf64_Phdr *p = &im->prog.ph[i];
        u64 va = im->prog.bias + p->p_vaddr;
        if (p->p_type == PT_PHDR)
            im->phdr = va;
        if (p->p_type != PT_LOAD)
            continue;
        u64 off = im->prog.eh.e_phoff;
        if (!im->phdr && off >= p->p_offset && off < p->p_offset + p->p_filesz)
            im->phdr = va + (off - p->p_offset);
        if (p->p_flags & PF_X) {
            mm->code_start = va;
            mm->code_end = va + p->p_filesz;
        } else if (p->p_flags & PF_W) {
            mm->data_start = va;
            mm->data_end = va + p->p_filesz;
        }
    }
}

int elf_load(struct image *im)
{
    struct mm *mm = current()->mm;
    u32 rnd;

    random_bytes(&rnd, sizeof rnd);
    int e = load_segments(&im->prog, PIE_BASE + ((u64)(rnd & 0xfff) << PAGE_SHIFT));
    if (e < 0)
        return e;
    im->entry = im->prog.bias + im->prog.eh.e_entry;
    note_ranges(mm, im);
    /* The heap begins a random bit above the program, but in the same page table. */
    mm->brk_start = mm->brk = PAGE_UP(im->prog.end) + PV_PATCH_ROOM +
                              PAGE_SIZE * (1 + (rnd >> 12 & 0xf));
    stack_reserve(mm, im->args, rnd >> 16);
    if (im->interp.file) {
        u64 base = im->interp.eh.e_type == ET_DYN
                       ? mm_find_gap(mm, span(&im->interp) + PV_PATCH_ROOM) : 0;
        e = load_segments(&im->interp, base);
        if (e < 0)
            return e;
        im->entry = im->interp.bias + im->interp.eh.e_entry;
    }
    return 0;
}
