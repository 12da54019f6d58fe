/* Prints the seccomp filter of a PV domain as a C initialiser, from abi/pv_calls.def.
 * Runs when xenc is built: the filter is the same for every domain, so starting one pays
 * nothing for computing it.
 *
 * It makes the program itself. libseccomp merges the tests of several rules for one call
 * into a tree; its version 2.5.4 there compares the half of one argument with a bound
 * meant for another, and let munmap(0, -4096) pass. Here each rule is tested from its
 * first condition to its last, which costs some nanoseconds and can be read.
 * tests/unit/pv_filter_test.c compares the outcome with the table. */
#include <asm/prctl.h>
#include <err.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "abi/pv.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

#define CONDS_MAX 6

struct cond {
    enum { C_NONE, C_EQ, C_GE, C_LT, C_MASK, C_FD } kind;
    unsigned arg;
    uint64_t v, mask;
};

struct rule { unsigned nr; struct cond cond[CONDS_MAX]; };

#define EQ(a, v) { C_EQ, a, v, 0 }
#define GE(a, v) { C_GE, a, v, 0 }
#define LT(a, v) { C_LT, a, v, 0 }
#define FD(a, v) { C_FD, a, v, 0 }
#define MASK(a, m, v) { C_MASK, a, v, m }
#define CALL(name, why) { SYS_##name, { { C_NONE, 0, 0, 0 } } },
#define RULE(name, ...) { SYS_##name, { __VA_ARGS__ } },

static const struct rule rules[] = {
#include "abi/pv_calls.def"
};

#define NRULES (sizeof rules / sizeof rules[0])

static struct sock_filter out[4096];
static unsigned len;

static unsigned add(uint16_t code, uint32_t k, unsigned jt, unsigned jf)
{
    if (len == sizeof out / sizeof out[0] || jt > 255 || jf > 255)
        errx(1, "the filter is too long");
    out[len] = (struct sock_filter){ code, (uint8_t)jt, (uint8_t)jf, k };
    return len++;
}

static void load(size_t off) { add(BPF_LD | BPF_W | BPF_ABS, (uint32_t)off, 0, 0); }
static void ret(uint32_t what) { add(BPF_RET | BPF_K, what, 0, 0); }

/* Goes on when (A op k) is as wanted, else to the end of the rule: 255 until known. */
#define FAIL 255
static void need(uint16_t op, uint32_t k) { add(BPF_JMP | op | BPF_K, k, 0, FAIL); }
static void need_not(uint16_t op, uint32_t k) { add(BPF_JMP | op | BPF_K, k, FAIL, 0); }

static void add_mask(size_t off, uint32_t mask, uint32_t v)
{
    if (!mask && !v)
        return;
    load(off);
    add(BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
    need(BPF_JEQ, v);
}

static void add_cond(const struct cond *c)
{
    size_t lo = offsetof(struct seccomp_data, args) + 8 * c->arg, hi = lo + 4;
    uint32_t vlo = (uint32_t)c->v, vhi = (uint32_t)(c->v >> 32);

    switch (c->kind) {
    case C_NONE:
        break;
    case C_EQ:
        add_mask(hi, ~0u, vhi);
        add_mask(lo, ~0u, vlo);
        break;
    case C_MASK:
        add_mask(hi, (uint32_t)(c->mask >> 32), vhi);
        add_mask(lo, (uint32_t)c->mask, vlo);
        break;
    case C_FD:          /* the host takes 32 bits of a descriptor: no others may be set */
        load(hi);
        need(BPF_JEQ, 0);
        load(lo);
        need(BPF_JGE, vlo);
        break;
    case C_GE:
        load(hi);
        add(BPF_JMP | BPF_JGT | BPF_K, vhi, 3, 0);
        need(BPF_JEQ, vhi);
        load(lo);
        need(BPF_JGE, vlo);
        break;
    case C_LT:
        load(hi);
        need_not(BPF_JGT, vhi);
        add(BPF_JMP | BPF_JEQ | BPF_K, vhi, 0, 2);
        load(lo);
        need_not(BPF_JGE, vlo);
        break;
    }
}

static void add_rule(const struct rule *r)
{
    unsigned first = len;

    for (unsigned i = 0; i < CONDS_MAX && r->cond[i].kind != C_NONE; i++)
        add_cond(&r->cond[i]);
    ret(SECCOMP_RET_ALLOW);
    for (unsigned i = first; i < len - 1; i++) {
        unsigned left = len - i - 1;

        if (BPF_CLASS(out[i].code) != BPF_JMP)
            continue;
        if (left >= FAIL)
            errx(1, "a rule is too long");
        out[i].jt = out[i].jt == FAIL ? (uint8_t)left : out[i].jt;
        out[i].jf = out[i].jf == FAIL ? (uint8_t)left : out[i].jf;
    }
}

/* Only the kernel's text may make host calls, 64-bit ones only. */
static void add_route(void)
{
    const size_t ip = offsetof(struct seccomp_data, instruction_pointer);

    _Static_assert((uint32_t)PV_TEXT_BASE == 0, "only an upper bound is checked");
    load(ip + 4);
    add(BPF_JMP | BPF_JEQ | BPF_K, PV_TEXT_BASE >> 32, 1, 0);
    ret(SECCOMP_RET_TRAP);
    load(ip);
    add(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)PV_TEXT_MAX, 0, 1);
    ret(SECCOMP_RET_TRAP);
    load(offsetof(struct seccomp_data, arch));
    add(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
    ret(SECCOMP_RET_KILL_PROCESS);
}

static void make_filter(void)
{
    bool done[NRULES] = { false };

    add_route();
    load(offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < NRULES; i++) {
        if (done[i])
            continue;
        add(BPF_JMP | BPF_JEQ | BPF_K, rules[i].nr, 1, 0);
        unsigned over = add(BPF_JMP | BPF_JA, 0, 0, 0);
        for (size_t j = i; j < NRULES; j++) {
            if (rules[j].nr == rules[i].nr) {
                add_rule(&rules[j]);
                done[j] = true;
            }
        }
        ret(SECCOMP_RET_TRAP);
        out[over].k = len - over - 1;
    }
    ret(SECCOMP_RET_TRAP);
}

#ifndef FILTER_TEST
int main(void)
{
    make_filter();
    for (unsigned i = 0; i < len; i++)
        printf("{ 0x%02x, %u, %u, 0x%08x },\n", out[i].code, out[i].jt, out[i].jf, out[i].k);
    return fflush(stdout) ? 1 : 0;
}
#endif
