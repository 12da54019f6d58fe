/* Patching of system call sites: a program's text is mapped with each hot `syscall`
 * reached through a jump into the kernel instead of a trap (300 times cheaper).
 *
 * A file is prepared once, when a program has trapped from it often enough, and the
 * result serves every later mapping of it: copies of just the pages that hold sites,
 * laid over the file's own, and a page or more of stubs at a fixed distance behind the
 * image. The file's own pages and writable, anonymous or JIT-made text are never
 * changed, and no text is ever writable.
 *
 * Two shapes of site are taken (all else stays on the trap):
 *   A  mov $nr,%eax ; syscall        the mov (5 bytes) becomes a jmp; syscall stays
 *   B  syscall ; <3 bytes or more>   a jmp over both; the stub holds what it covered
 * For B nothing may jump to an instruction in the bytes covered: checked over the whole
 * text. (Into the middle of one nothing jumps: what seems to is a constant or the like.) */
#include "patch.h"
#include "pv.h"
#include "user.h"
#include "vfs.h"

#include <asm/mman.h>
#include <linux/elf.h>
#include <linux/mman.h>

#define STUB_SIZE  32u
#define STUB_MAX   (PV_PATCH_ROOM / STUB_SIZE - 1)
#define MERGE_GAP  16u          /* unpatched pages copied rather than mapped apart */
#define NR_MAX     512u

/* len: bytes covered from `at`; starts, B: bit k: an instruction begins at `at` + k; the
 * last one is a short conditional jump if `jcc` is set */
struct site { u32 at; u8 shape, len : 7, jcc : 1; u16 starts; };
struct piece { u32 page, n; char *copy; };

struct exec_image {
    u64 off, len;               /* the text's range in the file */
    u64 delta;                  /* stubs lie at text address + delta */
    char *stubs;
    u32 stub_pages, nsites, npieces;
    struct site *site;
    struct piece *piece;
};

void exec_image_free(struct exec_image *im)
{
    if (!im)
        return;
    for (u32 i = 0; i < im->npieces; i++)
        kpages_free(im->piece[i].copy, im->piece[i].n);
    if (im->stubs)
        kpages_free(im->stubs, im->stub_pages);
    kfree(im->piece);
    kfree(im->site);
    kfree(im);
}

/* -- finding -- */

#define MOVE_MIN 3u             /* with the syscall: room for a jmp */
#define MOVE_MAX 12u            /* what a stub has room for */

_Static_assert(7 + 6 + 2 + MOVE_MAX + 5 <= STUB_SIZE, "make_stub: B");
_Static_assert(7 + 6 + 2 + MOVE_MIN - 1 + 6 + 5 <= STUB_SIZE, "make_stub: B with a jump");
_Static_assert(2 + MOVE_MAX <= 16, "struct site: starts");

/* Bytes of a ModRM operand that does not name the program counter; 0: not taken. */
static u32 modrm_len(u8 m)
{
    if ((m & 0xc0) == 0xc0)
        return 1;
    if ((m & 7) == 4 || (m & 0xc7) == 5)        /* SIB; %rip-relative */
        return 0;
    return (m & 0xc0) == 0x40 ? 2 : (m & 0xc0) == 0x80 ? 5 : 1;
}

/* Length of an instruction at p that means the same elsewhere, of the few kinds that
 * compilers put behind a system call; 0: none of them. */
static u32 insn_len(const u8 *p)
{
    u32 rex = (p[0] & 0xf0) == 0x40, n;
    const u8 *o = p + rex;

    switch (o[0]) {
    case 0x31: case 0x33: case 0x39: case 0x3b: case 0x63: case 0x85: case 0x89:
    case 0x8b: case 0x8d:
        n = modrm_len(o[1]);
        return n ? rex + 1 + n : 0;
    case 0x83:
        return (o[1] & 0xc0) == 0xc0 ? rex + 3 : 0;
    case 0xc7:
        n = modrm_len(o[1]);
        return n && !(o[1] & 0x38) ? rex + 1 + n + 4 : 0;
    case 0x3d:
        return rex + 5;
    case 0xb8: case 0xb9: case 0xba: case 0xbb: case 0xbd: case 0xbe: case 0xbf:
        return rex && (p[0] & 8) ? 0 : rex + 5;
    default:
        return 0;
    }
}

/* A ret and the filling behind it, which nothing runs into. */
static bool ret_and_filling(const u8 *p)
{
    static const u8 fill[][2] = { { 0x66, 0x2e }, { 0x0f, 0x1f }, { 0x66, 0x0f }, { 0x66, 0x90 },
                                  { 0x90, 0x90 }, { 0xcc, 0xcc }, { 0x66, 0x66 } };

    for (u32 i = 0; p[0] == 0xc3 && i < ARRAY_SIZE(fill); i++)
        if (p[1] == fill[i][0] && p[2] == fill[i][1])
            return true;
    return false;
}

/* Are the bytes behind a syscall such that enough of them can move into its stub? Then *o
 * tells of them, but for its place. */
static bool movable(const u8 *p, struct site *o)
{
    u32 n = 0;

    o->starts = 1;              /* the syscall itself */
    o->jcc = 0;
    if (ret_and_filling(p)) {
        o->starts |= ((1u << MOVE_MIN) - 1) << 2;
        n = MOVE_MIN;
    }
    while (n < MOVE_MIN) {
        o->jcc = (p[n] & 0xf0) == 0x70;
        u32 l = o->jcc ? 2 : insn_len(p + n);
        if (!l || (o->jcc && n + l < MOVE_MIN))
            return false;
        o->starts |= (u16)(1u << (2 + n));
        n += l;
    }
    if (n > MOVE_MAX)
        return false;
    o->shape = 'B';
    o->len = (2 + n) & 0x7f;
    return true;
}

/* What looks like a site may be a constant: a program that makes code holds such bytes
 * in a movabs. True if one could reach from before `at` into it. */
static bool in_constant(const u8 *text, u32 at)
{
    for (u32 k = 2; k < 10 && k <= at; k++)
        if ((text[at - k] & 0xfe) == 0x48 && (text[at - k + 1] & 0xf8) == 0xb8)
            return true;
    return false;
}

static bool classify(const u8 *text, u32 s, u32 len, struct site *o)
{
    if (s >= 5 && text[s - 5] == 0xb8 && text[s - 3] < NR_MAX / 256 && !text[s - 2] &&
        !text[s - 1]) {
        *o = (struct site){ .at = s - 5, .shape = 'A', .len = 5 };
        return !in_constant(text, s - 5);
    }
    o->at = s;
    return s + 2 + MOVE_MAX + 8 < len && movable(text + s + 2, o) && !in_constant(text, s);
}

#define EACH_BYTE  0x0101010101010101ul

/* Texts are megabytes, and most of their bytes begin nothing of interest: which of eight are
 * b? Their top bits; now and then one more is set. */
static u64 bytes_like(u64 word, u8 b)
{
    word ^= EACH_BYTE * b;
    return (word - EACH_BYTE) & ~word & EACH_BYTE << 7;
}

static u64 word_at(const u8 *text, u32 at)
{
    u64 w;

    memcpy(&w, text + at, sizeof w);
    return w;
}

/* The text's last bytes, where no word fits any more, are no place for a site or a jump. */
static u32 find_sites(const u8 *text, u32 len, struct site *site, u32 max)
{
    u32 n = 0;

    for (u32 i = 0; i + 9 <= len; i += 8) {
        for (u64 like = bytes_like(word_at(text, i), 0x0f); like && n < max; like &= like - 1) {
            u32 at = i + ((u32)__builtin_ctzl(like) >> 3);
            if (text[at] == 0x0f && text[at + 1] == 0x05 && classify(text, at, len, &site[n]))
                n++;
        }
    }
    return n;
}

/* Takes out the B site that has an instruction at `target`, but for its first. Sites are
 * sorted. */
static void forbid(struct site *site, u32 n, s64 target)
{
    u32 lo = 0, hi = n;

    while (lo < hi) {
        u32 mid = (lo + hi) / 2;
        if ((s64)site[mid].at + site[mid].len <= target)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo < n && site[lo].shape == 'B' && target > site[lo].at &&
        (site[lo].starts >> (target - site[lo].at) & 1))
        site[lo].shape = 0;
}

#define NEAR_REACH 160u         /* more than a short jump and what a site covers */

/* Short jumps begin near a site. */
static void check_near(const u8 *t, u32 len, struct site *site, u32 n)
{
    u32 i = 0;

    for (u32 k = 0; k < n; k++) {
        if (site[k].shape == 'A')
            continue;
        u32 from = site[k].at > NEAR_REACH ? site[k].at - NEAR_REACH : 0;
        for (i = max(i, from); i < site[k].at + NEAR_REACH && i + 6 < len; i++)
            if ((t[i] & 0xf0) == 0x70 || t[i] == 0xeb || (t[i] & 0xfc) == 0xe0)
                forbid(site, n, (s64)i + 2 + (signed char)t[i + 1]);
    }
}

/* The lines of 64 bytes that B sites lie in, a bit each: nearly all targets lie in others. */
static u64 *lines_of(u32 len, const struct site *site, u32 n)
{
    u64 *lines = kzalloc(((len >> 12) + 1) * sizeof *lines);

    for (u32 k = 0; lines && k < n; k++) {
        if (site[k].shape == 'A')
            continue;
        u32 first = site[k].at >> 6, last = (site[k].at + site[k].len - 1) >> 6;
        lines[first >> 6] |= 1ul << (first & 63);
        lines[last >> 6] |= 1ul << (last & 63);
    }
    return lines;
}

/* op: bytes before the distance. */
static void check_far(const u8 *t, u32 len, u32 at, u32 op, struct site *site, u32 n,
                      const u64 *lines)
{
    s32 rel;

    memcpy(&rel, t + at + op, 4);
    s64 target = (s64)at + op + 4 + rel;
    if (target >= 0 && target < len && lines[target >> 12] >> (target >> 6 & 63) & 1)
        forbid(site, n, target);
}

/* Every byte that could begin a jump is taken for one: too many are forbidden rather
 * than one too few. False: no memory. */
static bool check_targets(const u8 *t, u32 len, struct site *site, u32 n)
{
    bool any = false;

    for (u32 k = 0; k < n; k++)
        any |= site[k].shape == 'B';
    if (!any)
        return true;
    u64 *lines = lines_of(len, site, n);
    if (!lines)
        return false;
    check_near(t, len, site, n);
    for (u32 i = 0; i + 14 <= len; i += 8) {
        u64 w = word_at(t, i), like = bytes_like(w, 0xe9) | bytes_like(w, 0x0f);
        for (; like; like &= like - 1) {
            u32 at = i + ((u32)__builtin_ctzl(like) >> 3);
            if (t[at] == 0xe9)
                check_far(t, len, at, 1, site, n, lines);
            else if (t[at] == 0x0f && (t[at + 1] & 0xf0) == 0x80)
                check_far(t, len, at, 2, site, n, lines);
        }
    }
    kfree(lines);
    return true;
}

/* -- building -- */

static void put32(char *p, s64 v)
{
    s32 x = (s32)v;
    memcpy(p, &x, 4);
}

/* Stub k of a site; all distances are relative to the text's start. The first slot of
 * the stub area holds the address of the kernel's entry. */
static void make_stub(struct exec_image *im, u32 k, const struct site *s, const u8 *text)
{
    s64 here = (s64)im->delta + (s64)(k + 1) * STUB_SIZE;
    char *p = im->stubs + (u64)(k + 1) * STUB_SIZE, *q = p;
    s64 back = s->at + s->len + (s->shape == 'A' ? 2 : 0);

    if (s->shape == 'A') {              /* mov $nr,%eax ; lea back,%rcx */
        memcpy(q, text + s->at, 5);
        q += 5;
        memcpy(q, "\x48\x8d\x0d", 3);
        put32(q + 3, back - (here + (q - p) + 7));
        q += 7;
    } else {                            /* lea over the syscall below,%rcx */
        memcpy(q, "\x48\x8d\x0d", 3);
        put32(q + 3, 6 + 2);
        q += 7;
    }
    memcpy(q, "\xff\x25", 2);           /* jmp *entry(%rip) */
    put32(q + 2, (s64)im->delta - (here + (q - p) + 6));
    q += 6;
    if (s->shape == 'B') {              /* what a restart finds, then what was covered */
        u32 plain = s->len - (s->jcc ? 2u : 0);
        memcpy(q, text + s->at, plain);
        q += plain;
        if (s->jcc) {                   /* the near form of it */
            *q++ = 0x0f;
            *q++ = (char)(text[s->at + plain] + 0x10);
            put32(q, back + (signed char)text[s->at + plain + 1] - (here + (q - p) + 4));
            q += 4;
        }
        *q = (char)0xe9;
        put32(q + 1, back - (here + (q - p) + 5));
    }
}

static void write_site(char *copy, u32 base, const struct exec_image *im, u32 k,
                       const struct site *s)
{
    char *p = copy + (s->at - base);
    s64 stub = (s64)im->delta + (s64)(k + 1) * STUB_SIZE;

    p[0] = (char)0xe9;
    put32(p + 1, stub - (s->at + 5));
    for (u32 i = 5; s->shape == 'B' && i < s->len; i++)
        p[i] = (char)0xcc;      /* nobody comes here */
}

/* Groups the sites' pages and copies them. */
static int make_pieces(struct exec_image *im, const u8 *text)
{
    u32 n = 0, cap = im->nsites;

    im->piece = kzalloc(cap * sizeof *im->piece);
    if (!im->piece)
        return -ENOMEM;
    for (u32 i = 0; i < im->nsites; i++) {
        u32 first = im->site[i].at >> PAGE_SHIFT;
        u32 last = (im->site[i].at + im->site[i].len - 1) >> PAGE_SHIFT;
        struct piece *p = n ? &im->piece[n - 1] : NULL;
        if (p && first <= p->page + p->n + MERGE_GAP)
            p->n = max(p->n, last + 1 - p->page);
        else
            im->piece[n++] = (struct piece){ first, last + 1 - first, NULL };
    }
    for (u32 i = 0; i < n; i++) {
        struct piece *p = &im->piece[i];
        p->copy = kpages(p->n);
        if (!p->copy)
            return -ENOMEM;
        im->npieces = i + 1;
        u64 at = (u64)p->page << PAGE_SHIFT;
        memcpy(p->copy, text + at, min((u64)p->n << PAGE_SHIFT, im->len - at));
    }
    for (u32 i = 0, k = 0; k < im->nsites; k++) {
        while (im->site[k].at >= (im->piece[i].page + im->piece[i].n) << PAGE_SHIFT)
            i++;
        write_site(im->piece[i].copy, im->piece[i].page << PAGE_SHIFT, im, k, &im->site[k]);
    }
    return 0;
}

/* Where the image ends in memory, relative to the text that lies at `off` in it. */
static s64 image_end(struct file *f, u64 off)
{
    Elf64_Ehdr h;
    Elf64_Phdr ph[16];
    u64 end = 0, text = ~0ull;

    if (vfs_kread(f, &h, sizeof h, 0) != sizeof h || memcmp(h.e_ident, ELFMAG, SELFMAG) ||
        h.e_phentsize != sizeof ph[0] || h.e_phnum > ARRAY_SIZE(ph))
        return -1;
    size_t n = h.e_phnum * sizeof ph[0];
    if (vfs_kread(f, ph, n, (loff_t)h.e_phoff) != (ssize_t)n)
        return -1;
    for (u32 i = 0; i < h.e_phnum; i++) {
        if (ph[i].p_type != PT_LOAD)
            continue;
        end = max(end, PAGE_UP(ph[i].p_vaddr + ph[i].p_memsz));
        if (PAGE_DOWN(ph[i].p_offset) == off && (ph[i].p_flags & PF_X))
            text = PAGE_DOWN(ph[i].p_vaddr);
    }
    return text < end && end - text < (1ul << 30) ? (s64)(end - text) : -1;
}

static int build(struct exec_image *im, const u8 *text)
{
    u32 len = (u32)im->len, max = min(STUB_MAX, len / 64 + 1);
    struct site *found = kmalloc(max * sizeof *found);

    if (!found)
        return -ENOMEM;
    im->site = found;
    u32 n = find_sites(text, len, found, max), k = 0;
    if (!check_targets(text, len, found, n))
        return -ENOMEM;
    for (u32 i = 0; i < n; i++)
        if (found[i].shape)
            found[k++] = found[i];
    im->nsites = k;
    if (!k)
        return -ENOENT;
    im->stub_pages = (u32)(PAGE_UP((k + 1) * STUB_SIZE) >> PAGE_SHIFT);
    im->stubs = kpages(im->stub_pages);
    if (!im->stubs)
        return -ENOMEM;
    u64 entry = (u64)pv_syscall_fast;
    memcpy(im->stubs, &entry, sizeof entry);
    for (u32 i = 0; i < k; i++)
        make_stub(im, i, &found[i], text);
    return make_pieces(im, text);
}

/* The text is read where it is mapped: it is the file's, and present as it runs. */
struct exec_image *pv_patch_prepare(const struct vma *v)
{
    s64 delta = image_end(v->file, v->off);
    struct exec_image *im = kzalloc(sizeof *im);
    u64 len = min(v->end - v->start, (u64)v->file->inode->size - v->off);

    if (!im)
        return NULL;
    im->off = v->off;
    im->len = len;
    im->delta = (u64)delta;
    if (delta < 0 || len > (64ul << 20) || plat_as_populate(current()->mm, v->start,
                                                            PAGE_UP(len), false) < 0 ||
        build(im, (const u8 *)v->start) < 0) {
        im->nsites = 0;         /* remembered: nothing to gain here */
    }
    return im;
}

int pv_patch_apply(struct mm *mm, const struct vma *v, const struct exec_image *im)
{
    struct plat_map m = { .prot = PROT_READ | PROT_EXEC, .src = PLAT_PAGES, .populate = true };

    for (u32 i = 0; i < im->npieces; i++) {
        m.va = v->start + ((u64)im->piece[i].page << PAGE_SHIFT);
        m.len = (u64)im->piece[i].n << PAGE_SHIFT;
        m.pages = im->piece[i].copy;
        if (m.va + m.len > v->end || plat_as_map(mm, &m) < 0)
            return -EINVAL;
    }
    m.va = v->start + im->delta;
    m.len = (u64)im->stub_pages << PAGE_SHIFT;
    m.pages = im->stubs;
    return plat_as_map(mm, &m);
}

u64 pv_patch_stubs(const struct exec_image *im, u64 text, u64 *len_r)
{
    *len_r = (u64)im->stub_pages << PAGE_SHIFT;
    return text + im->delta;
}

bool pv_patch_any(const struct exec_image *im, u64 off, u64 len)
{
    return im->nsites && im->off == off && len >= im->len;
}

bool pv_patch_covers(const struct exec_image *im, u64 off, u64 len)
{
    return pv_patch_any(im, off, len) && im->npieces == 1 && !im->piece[0].page &&
           (u64)im->piece[0].n << PAGE_SHIFT == len;
}

/* A program counter inside bytes that the image covers moves into the stub. */
u64 pv_patch_rip(const struct exec_image *im, u64 text, u64 rip)
{
    for (u32 k = 0; k < im->nsites; k++) {
        const struct site *s = &im->site[k];
        u64 at = text + s->at;
        if (s->shape == 'B' && rip > at && rip < at + s->len)
            return text + im->delta + (u64)(k + 1) * STUB_SIZE + 13 + (rip - at);
    }
    return rip;
}
