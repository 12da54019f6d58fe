// uses: unikernel-kernel/core/elf.c
/* Any bytes as a program, through the guest kernel's ELF reader: what it accepts must be
 * mapped page by page inside the programs' part of the address space, and it may write
 * only to memory that it has just mapped writable. The input is the program; behind the
 * 16 bytes "--interpreter--\n" the interpreter, should it ask for one. */
#include "../unit/unitplat.h"
#include "../../unikernel-kernel/core/exec.h"
#include "random.h"
#include "user.h"
#include "vfs.h"

#include <asm/mman.h>
#include <linux/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MIN_   0x10000ull
#define TOP_   0x6000000000ull
#define KEND_  0x8000000000ull
#define MAX_   0x7ff000000000ull
enum { RANGES = 512 };

struct bytes { struct file f; const uint8_t *data; size_t size; };

static struct { u64 start, end; u32 prot; } range[RANGES];
static unsigned nranges;
static struct bytes program, interpreter;

static void must(bool ok)
{
    if (!ok)
        __builtin_trap();
}

u64 plat_user_min(void) { return MIN_; }
u64 plat_user_top(void) { return TOP_; }
u64 plat_kernel_end(void) { return KEND_; }
u64 plat_user_max(void) { return MAX_; }

static bool in_user_part(u64 a, u64 len)
{
    u64 end = a + len;

    return end >= a && ((a >= MIN_ && end <= TOP_) || (a >= KEND_ && end <= MAX_));
}

s64 mm_mmap(u64 addr, u64 len, u32 prot, u32 flags, struct file *f, u64 off)
{
    must(!(addr & ~PAGE_MASK) && !(off & ~PAGE_MASK) && (flags & MAP_FIXED));
    must(!(flags & MAP_ANONYMOUS) == (f != NULL));
    if (!len)
        return -EINVAL;
    if (!in_user_part(addr, PAGE_UP(len)))
        return -ENOMEM;
    if (nranges == RANGES)
        return -ENOMEM;
    range[nranges].start = addr;
    range[nranges].end = addr + PAGE_UP(len);
    range[nranges++].prot = prot;
    return (s64)addr;
}

/* Later mappings lie over earlier ones. */
static bool writable(u64 page)
{
    for (unsigned i = nranges; i--;)
        if (page >= range[i].start && page < range[i].end)
            return range[i].prot & PROT_WRITE;
    return false;
}

static int store(u64 a, size_t n)
{
    for (u64 p = PAGE_DOWN(a); n && p < a + n; p += PAGE_SIZE) {
        must(in_user_part(p, PAGE_SIZE));
        if (!writable(p))
            return -EFAULT;
    }
    return 0;
}

/* The program before this one is never the same here. */
bool mm_has_text(u64 start, u64 len, u32 prot, const struct inode *prog, u64 off)
{
    return false;
}

int copy_to_user(uptr_t dst, const void *src, size_t n) { return store(dst, n); }
int clear_user(uptr_t dst, size_t n) { return store(dst, n); }
int mm_populate_user(u64 addr, u64 len, bool write) { return store(addr, len); }
int mm_mprotect(u64 addr, u64 len, u32 prot) { return 0; }

static size_t take(struct file *f, size_t n, loff_t pos, const uint8_t **from_r)
{
    const struct bytes *b = container_of(f, struct bytes, f);

    if (pos < 0 || (u64)pos >= b->size)
        return 0;
    *from_r = b->data + pos;
    return min(n, b->size - (size_t)pos);
}

ssize_t vfs_kread(struct file *f, void *buf, size_t n, loff_t pos)
{
    const uint8_t *from;
    size_t got = take(f, n, pos, &from);

    if (got)
        memcpy(buf, from, got);
    return (ssize_t)got;
}

ssize_t vfs_read(struct file *f, struct uio *u, loff_t *pos)
{
    const uint8_t *from;
    size_t got = take(f, u->left, *pos, &from);

    if (store(u->iov->base, got) < 0)
        return -EFAULT;
    u->left -= got;
    u->iov->base += got;
    u->iov->len -= got;
    *pos += (loff_t)got;
    return (ssize_t)got;
}

int exec_open(int dfd, const char *name, u32 at_flags, struct file **f_r)
{
    must(strlen(name) < 4096);
    if (!interpreter.data)
        return -ENOENT;
    *f_r = &interpreter.f;
    return 0;
}

void file_put(struct file *f) {}
void random_bytes(void *p, size_t n) { memset(p, 0x5a, n); }
void stack_reserve(struct mm *mm, u64 args, u32 rnd) {}
u64 mm_find_gap(struct mm *mm, u64 len) { return PAGE_UP(len) < TOP_ / 2 ? TOP_ / 2 : 0; }

static void split(const uint8_t *data, size_t size)
{
    static const char mark[] = "--interpreter--\n";
    const size_t n = sizeof mark - 1;

    program.data = data;
    program.size = size;
    interpreter.data = NULL;
    for (size_t i = 0; i + n <= size; i++) {
        if (memcmp(data + i, mark, n))
            continue;
        program.size = i;
        interpreter.data = data + i + n;
        interpreter.size = size - i - n;
        return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct task *t;
    static struct image im;
    static struct mm mm;

    if (!t) {
        t = unit_task_init();
        t->mm = &mm;
    }
    memset(&im, 0, sizeof im);
    memset(&mm, 0, sizeof mm);
    nranges = 0;
    split(data, size);
    im.file = &program.f;
    if (elf_check(&im) == 0 && elf_load(&im) == 0)
        must(mm.brk_start >= im.prog.end && !(mm.brk_start & ~PAGE_MASK));
    elf_release(&im);
    return 0;
}
