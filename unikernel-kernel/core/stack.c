/* The first stack of a program: strings, auxiliary vector, environment, arguments
 * (System V ABI for x86-64, 3.4.1). Built in the kernel, copied out at once. */
#include "abi/boot.h"
#include "exec.h"
#include "random.h"
#include "user.h"
#include "vfs.h"

#include <asm/mman.h>
#include <linux/auxvec.h>
#include <linux/mman.h>
#include <linux/resource.h>

#define STACK_MAX  (64ul << 20)
#define STACK_GAP  (1ul << 20)          /* below the stack nothing is placed */
#define STACK_LEAST (128ul << 10)       /* besides the arguments, whatever the limit */
#define TOP_NOW    (12ul << 10)         /* present from the start, besides the arguments */

void stack_reserve(struct mm *mm, u64 args, u32 rnd)
{
    u64 size = min(current()->proc->rlim[RLIMIT_STACK].cur, STACK_MAX);

    size = max(PAGE_UP(size), args + STACK_LEAST);
    mm->stack_top = plat_user_top() - PAGE_SIZE * (1 + (rnd & 0xff));
    mm->stack_limit = mm->stack_top - size - STACK_GAP;
}

struct builder {
    char *buf;                  /* kernel copy of [base, stack_top) */
    u64 base, top, at;          /* user addresses; at moves down */
};

static u64 push(struct builder *b, const void *p, size_t n)
{
    b->at -= n;
    memcpy(b->buf + (b->at - b->base), p, n);
    return b->at;
}

static u32 make_auxv(u64 *v, struct image *im, u64 random, u64 platform, u64 execfn)
{
    const struct cred *c = current()->cred;
    const u64 pairs[][2] = {
        { AT_SYSINFO_EHDR, plat_vdso() }, { AT_HWCAP, plat_boot()->hwcap },
        { AT_PAGESZ, PAGE_SIZE },
        { AT_CLKTCK, 100 }, { AT_PHDR, im->phdr }, { AT_PHENT, sizeof(Elf64_Phdr) },
        { AT_PHNUM, im->prog.eh.e_phnum }, { AT_BASE, im->interp.file ? im->interp.bias : 0 },
        { AT_FLAGS, 0 }, { AT_ENTRY, im->prog.bias + im->prog.eh.e_entry },
        { AT_UID, c->uid }, { AT_EUID, c->euid }, { AT_GID, c->gid }, { AT_EGID, c->egid },
        { AT_SECURE, im->secure }, { AT_RANDOM, random }, { AT_HWCAP2, 0 },
        { AT_EXECFN, execfn }, { AT_PLATFORM, platform },
        { 51 /* AT_MINSIGSTKSZ */, 1024 + plat_fp_size() }, { AT_NULL, 0 },
    };
    u32 n = 0;

    for (u32 i = 0; i < ARRAY_SIZE(pairs); i++) {
        if (pairs[i][0] == AT_SYSINFO_EHDR && !pairs[i][1])
            continue;
        v[n++] = pairs[i][0];
        v[n++] = pairs[i][1];
    }
    return n;
}

static void push_vectors(struct builder *b, struct image *im, const struct exec_args *a,
                         u64 strings, u64 random, u64 platform, u64 execfn)
{
    struct mm *mm = current()->mm;

    mm->auxv_n = make_auxv(mm->auxv, im, random, platform, execfn);
    size_t words = 1 + a->argc + 1 + a->envc + 1 + mm->auxv_n;
    b->at = (b->at - words * 8) & ~15ull;
    u64 *w = (u64 *)(void *)(b->buf + (b->at - b->base));
    const char *s = a->strings;

    *w++ = a->argc;
    mm->arg_start = strings;
    for (u32 i = 0; i < a->argc + a->envc; i++) {
        if (i == a->argc) {
            *w++ = 0;
            mm->arg_end = mm->env_start = strings + (u64)(s - a->strings);
        }
        *w++ = strings + (u64)(s - a->strings);
        s += strlen(s) + 1;
    }
    if (!a->envc) {
        *w++ = 0;
        mm->arg_end = mm->env_start = strings + a->len;
    }
    *w++ = 0;
    mm->env_end = strings + a->len;
    memcpy(w, mm->auxv, mm->auxv_n * 8);
}

u64 stack_args(const struct image *im, const struct exec_args *a)
{
    return PAGE_UP(a->len + strlen(im->execfn) + 1 + (a->argc + a->envc + 8ull) * 8 + 1024);
}

int stack_build(struct image *im, const struct exec_args *a)
{
    struct mm *mm = current()->mm;
    size_t fn = strlen(im->execfn) + 1;
    size_t need = im->args;
    u64 low = mm->stack_limit + STACK_GAP, top = mm->stack_top;
    u8 seed[16];

    s64 r = mm_mmap(low, top - low, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, NULL, 0);
    if (r < 0)
        return (int)r;
    mm_name(mm, low, "[stack]");
    int e = mm_populate_user(top - need - TOP_NOW, need + TOP_NOW, true);
    if (e < 0)
        return e;
    struct builder b = { kpages(need / PAGE_SIZE), top - need, top, top - 8 };
    if (!b.buf)
        return -ENOMEM;
    u64 execfn = push(&b, im->execfn, fn);
    u64 strings = push(&b, a->strings, a->len);
    u64 platform = push(&b, "x86_64", 7);
    random_bytes(seed, sizeof seed);
    b.at &= ~15ull;
    u64 random = push(&b, seed, sizeof seed);
    push_vectors(&b, im, a, strings, random, platform, execfn);
    im->sp = b.at;
    e = copy_to_user(b.at, b.buf + (b.at - b.base), top - b.at);
    kpages_free(b.buf, need / PAGE_SIZE);
    return e;
}
