#include "hv/kvm/elf.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "abi/pvh.h"

enum { MAX_PHDRS = 64, NOTES_MAX = 65536 };

struct loader {
    int fd;
    uint8_t *mem;
    uint64_t size;
    Elf64_Ehdr eh;
    Elf64_Phdr ph[MAX_PHDRS];
    uint8_t notes[NOTES_MAX];
};

static int read_at(int fd, void *buf, uint64_t n, uint64_t off, struct err *e)
{
    for (uint64_t done = 0; done < n;) {
        ssize_t got = pread(fd, (char *)buf + done, n - done, (off_t)(off + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_sys(e, errno, "cannot read it");
        if (got == 0)
            return err_set(e, ENOEXEC, "it is truncated");
        done += (uint64_t)got;
    }
    return 0;
}

static int read_headers(struct loader *l, struct err *e)
{
    const Elf64_Ehdr *eh = &l->eh;
    int r = read_at(l->fd, &l->eh, sizeof l->eh, 0, e);

    if (r < 0)
        return r;
    if (memcmp(eh->e_ident, ELFMAG, SELFMAG) || eh->e_ident[EI_CLASS] != ELFCLASS64 ||
        eh->e_machine != EM_X86_64)
        return err_set(e, ENOEXEC, "it is no ELF file for x86-64");
    if (eh->e_phentsize != sizeof l->ph[0] || !eh->e_phnum || eh->e_phnum > MAX_PHDRS)
        return err_set(e, ENOEXEC, "its program headers are broken");
    return read_at(l->fd, l->ph, eh->e_phnum * sizeof l->ph[0], eh->e_phoff, e);
}

static bool meets(uint64_t a, uint64_t a_end, uint64_t b, uint64_t b_end)
{
    return a < b_end && b < a_end;
}

/* Where segment i goes, if it may. */
static int place(const struct loader *l, unsigned i, struct err *e)
{
    const Elf64_Phdr *p = &l->ph[i];
    uint64_t end = p->p_paddr + p->p_memsz;

    if (p->p_filesz > p->p_memsz || end < p->p_paddr || p->p_offset > INT64_MAX ||
        p->p_filesz > INT64_MAX - p->p_offset)
        return err_set(e, ENOEXEC, "segment %u is broken", i);
    if (p->p_paddr < PVH_HIGH_GPA || meets(p->p_paddr, end, PVH_HOLE_START, PVH_HOLE_END))
        return err_set(e, ENOEXEC, "segment %u lies outside memory, at %#llx", i,
                       (unsigned long long)p->p_paddr);
    if (end > l->size)
        return err_set(e, ENOMEM, "segment %u needs memory up to %#llx, there is %#llx", i,
                       (unsigned long long)end, (unsigned long long)l->size);
    for (unsigned k = 0; k < i; k++) {
        const Elf64_Phdr *q = &l->ph[k];
        if (q->p_type == PT_LOAD && meets(p->p_paddr, end, q->p_paddr, q->p_paddr + q->p_memsz))
            return err_set(e, ENOEXEC, "segments %u and %u overlap", k, i);
    }
    return 0;
}

static int load_segments(struct loader *l, struct pvh_image *im, struct err *e)
{
    int r;

    im->start = UINT64_MAX;
    im->end = 0;
    for (unsigned i = 0; i < l->eh.e_phnum; i++) {
        const Elf64_Phdr *p = &l->ph[i];
        if (p->p_type != PT_LOAD || !p->p_memsz)
            continue;
        if ((r = place(l, i, e)) < 0 ||
            (r = read_at(l->fd, l->mem + p->p_paddr, p->p_filesz, p->p_offset, e)) < 0)
            return r;
        im->start = p->p_paddr < im->start ? p->p_paddr : im->start;
        im->end = p->p_paddr + p->p_memsz > im->end ? p->p_paddr + p->p_memsz : im->end;
    }
    return im->end ? 0 : err_set(e, ENOEXEC, "it has nothing to load");
}

/* One note at n[at]: its whole length in len_r (0: broken); true: it is the entry's. */
static bool entry_note(const uint8_t *n, uint64_t size, uint64_t at, uint64_t *len_r,
                       uint64_t *entry_r)
{
    Elf64_Nhdr h;

    *len_r = 0;
    if (size - at < sizeof h)
        return false;
    memcpy(&h, n + at, sizeof h);
    uint64_t name = at + sizeof h, desc = name + (((uint64_t)h.n_namesz + 3) & ~3ull);
    uint64_t end = desc + (((uint64_t)h.n_descsz + 3) & ~3ull);
    if (desc > size || h.n_descsz > size - desc)
        return false;
    *len_r = end - at;
    if (h.n_type != PVH_NOTE_ENTRY || h.n_namesz != 4 || memcmp(n + name, "Xen", 4) ||
        (h.n_descsz != 4 && h.n_descsz != 8))
        return false;
    *entry_r = 0;
    memcpy(entry_r, n + desc, h.n_descsz);
    return true;
}

static int find_entry(struct loader *l, uint64_t *entry_r, struct err *e)
{
    for (unsigned i = 0; i < l->eh.e_phnum; i++) {
        const Elf64_Phdr *p = &l->ph[i];
        if (p->p_type != PT_NOTE || p->p_filesz > NOTES_MAX)
            continue;
        int r = read_at(l->fd, l->notes, p->p_filesz, p->p_offset, e);
        if (r < 0)
            return r;
        for (uint64_t at = 0, len; at < p->p_filesz; at += len) {
            if (entry_note(l->notes, p->p_filesz, at, &len, entry_r))
                return 0;
            if (!len)
                break;
        }
    }
    return err_set(e, ENOEXEC, "it has no PVH entry (ELF note 18 of Xen)");
}

int pvh_elf_load(struct pvh_image *im, int fd, uint8_t *mem, uint64_t size, struct err *e)
{
    static struct loader l;             /* one kernel a process */
    uint64_t entry = 0;
    int r;

    l = (struct loader){ .fd = fd, .mem = mem, .size = size };
    if ((r = read_headers(&l, e)) < 0 || (r = find_entry(&l, &entry, e)) < 0 ||
        (r = load_segments(&l, im, e)) < 0)
        return r;
    if (entry < im->start || entry >= im->end || entry > UINT32_MAX)
        return err_set(e, ENOEXEC, "its entry %#llx lies outside of it",
                       (unsigned long long)entry);
    im->entry = (uint32_t)entry;
    return 0;
}
