// uses: hv/kvm/elf.c base/err.c
/* The loader of PVH kernels: what it loads, and what it refuses by which words. */
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/pvh.h"
#include "hv/kvm/elf.h"
#include "tap.h"

enum { MEM = 8 << 20, NOTE_AT = 0x800, TEXT_AT = 0x1000 };

/* A small kernel: a note and two segments. */
struct file {
    Elf64_Ehdr eh;
    Elf64_Phdr ph[3];
    uint8_t pad[NOTE_AT - sizeof(Elf64_Ehdr) - 3 * sizeof(Elf64_Phdr)];
    struct { Elf64_Nhdr h; char name[4]; uint64_t entry; } __attribute__((packed)) note;
    uint8_t pad2[TEXT_AT - NOTE_AT - 24];
    uint8_t text[0x2000];
} __attribute__((packed));

static struct file f;
static uint8_t *mem;
static struct err e;
static struct pvh_image im;

static void fresh(void)
{
    memset(&f, 0, sizeof f);
    memcpy(f.eh.e_ident, ELFMAG, SELFMAG);
    f.eh.e_ident[EI_CLASS] = ELFCLASS64;
    f.eh.e_machine = EM_X86_64;
    f.eh.e_phoff = sizeof f.eh;
    f.eh.e_phentsize = sizeof f.ph[0];
    f.eh.e_phnum = 3;
    f.ph[0] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_offset = TEXT_AT, .p_paddr = 0x100000,
                            .p_filesz = 0x1000, .p_memsz = 0x1000 };
    f.ph[1] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_offset = TEXT_AT + 0x1000,
                            .p_paddr = 0x200000, .p_filesz = 0x1000, .p_memsz = 0x3000 };
    f.ph[2] = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = NOTE_AT, .p_filesz = 24 };
    f.note.h = (Elf64_Nhdr){ 4, 8, 18 };
    memcpy(f.note.name, "Xen", 4);
    f.note.entry = 0x100010;
    memset(f.text, 0x5a, sizeof f.text);
}

static int load(size_t len)
{
    int fd = memfd_create("kernel", MFD_CLOEXEC);

    if (write(fd, &f, len) != (ssize_t)len)
        return -EIO;
    memset(&e, 0, sizeof e);
    int r = pvh_elf_load(&im, fd, mem, MEM, &e);
    close(fd);
    return r;
}

static void refuses(int code, const char *words, const char *name)
{
    int r = load(sizeof f);

    tap_ok(r == -code && strstr(e.text, words), "%s", name);
    if (r != -code || !strstr(e.text, words))
        printf("# %d: %s\n", r, e.text);
}

static void test_good(void)
{
    fresh();
    tap_is(load(sizeof f), 0, "a kernel is loaded");
    tap_ok(im.entry == 0x100010 && im.start == 0x100000 && im.end == 0x203000,
           "entry and bounds");
    tap_ok(mem[0x100000] == 0x5a && mem[0x200fff] == 0x5a && mem[0x201000] == 0 &&
           mem[0xfffff] == 0, "bytes where they belong, and no others");
    f.note.h.n_descsz = 4;
    tap_is(load(sizeof f), 0, "a note of 4 bytes will do");
}

static void test_headers(void)
{
    fresh();
    tap_ok(load(10) == -ENOEXEC && strstr(e.text, "truncated"), "a file of ten bytes");
    tap_ok(load(100) == -ENOEXEC && strstr(e.text, "truncated"), "half a program header");
    tap_ok(load(sizeof f - 1) == -ENOEXEC && strstr(e.text, "truncated"), "a byte is missing");
    f.eh.e_ident[1] = 'X';
    refuses(ENOEXEC, "no ELF", "another magic");
    fresh();
    f.eh.e_ident[EI_CLASS] = ELFCLASS32;
    refuses(ENOEXEC, "no ELF", "32 bits");
    fresh();
    f.eh.e_phnum = 65;
    refuses(ENOEXEC, "program headers", "too many headers");
    fresh();
    f.eh.e_phnum = 0;
    refuses(ENOEXEC, "program headers", "no headers");
    fresh();
    f.eh.e_phoff = UINT64_MAX - 7;
    tap_ok(load(sizeof f) < 0, "headers behind the end of all files");
}

static void test_notes(void)
{
    fresh();
    f.note.h.n_type = 17;
    refuses(ENOEXEC, "note 18", "another note");
    fresh();
    f.note.name[0] = 'Y';
    refuses(ENOEXEC, "note 18", "another owner");
    fresh();
    f.ph[2].p_type = PT_NULL;
    refuses(ENOEXEC, "note 18", "no notes");
    fresh();
    f.note.h.n_descsz = UINT32_MAX;
    refuses(ENOEXEC, "note 18", "a note without end");
    fresh();
    f.note.h.n_namesz = UINT32_MAX - 2;
    refuses(ENOEXEC, "note 18", "a name without end");
    fresh();
    f.note.entry = 0x300000;
    refuses(ENOEXEC, "entry", "an entry outside");
    fresh();
    f.note.entry += 1ull << 32;
    refuses(ENOEXEC, "entry", "an entry above 4 GiB");
}

static void test_segments(void)
{
    fresh();
    f.ph[1].p_paddr = 0x100800;
    refuses(ENOEXEC, "overlap", "segments that overlap");
    fresh();
    f.ph[1].p_paddr = MEM - 0x1000;
    refuses(ENOMEM, "needs memory", "a segment over the end of memory");
    fresh();
    f.ph[1].p_paddr = UINT64_MAX - 0x1000;
    refuses(ENOEXEC, "broken", "a segment over the end of addresses");
    fresh();
    f.ph[1].p_paddr = 0x1000;
    refuses(ENOEXEC, "outside memory", "a segment in low memory, which is ours");
    fresh();
    f.ph[1].p_paddr = PVH_HOLE_START - 0x1000;
    refuses(ENOEXEC, "outside memory", "a segment in the hole");
    fresh();
    f.ph[1].p_filesz = 0x4000;
    refuses(ENOEXEC, "broken", "more file than memory");
    fresh();
    f.ph[1].p_offset = INT64_MAX;
    refuses(ENOEXEC, "broken", "an offset that no file has");
    fresh();
    f.ph[0].p_type = f.ph[1].p_type = PT_NULL;
    refuses(ENOEXEC, "nothing to load", "no segments");
}

int main(void)
{
    mem = mmap(NULL, MEM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    test_good();
    test_headers();
    test_notes();
    test_segments();
    return tap_end();
}
