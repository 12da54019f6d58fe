// uses: abi/*.def
/* The filter of a pv domain against its table, abi/pv_calls.def: the program that the
 * generator makes is run on arguments around every bound, and must say what the table's
 * conditions, read as C, say. */
#define FILTER_TEST
#include "hv/pv/gen/filter_gen.c"
#include <stdlib.h>
#include <string.h>
#include "tap.h"

#undef EQ
#undef GE
#undef LT
#undef FD
#undef MASK
#undef CALL
#undef RULE

static uint32_t run(const struct seccomp_data *d)
{
    uint32_t a = 0;

    for (unsigned pc = 0; pc < len; pc++) {
        const struct sock_filter *f = &out[pc];

        switch (f->code) {
        case BPF_LD | BPF_W | BPF_ABS: memcpy(&a, (const char *)d + f->k, 4); break;
        case BPF_ALU | BPF_AND | BPF_K: a &= f->k; break;
        case BPF_JMP | BPF_JA: pc += f->k; break;
        case BPF_JMP | BPF_JEQ | BPF_K: pc += a == f->k ? f->jt : f->jf; break;
        case BPF_JMP | BPF_JGT | BPF_K: pc += a > f->k ? f->jt : f->jf; break;
        case BPF_JMP | BPF_JGE | BPF_K: pc += a >= f->k ? f->jt : f->jf; break;
        case BPF_RET | BPF_K: return f->k;
        default: tap_ok(false, "unknown instruction"); exit(1);
        }
    }
    tap_ok(false, "ran over the end");
    exit(1);
}

#define ARG(n) ((uint64_t)d->args[n])
#define EQ(n, v) (ARG(n) == (uint64_t)(v))
#define GE(n, v) (ARG(n) >= (uint64_t)(v))
#define LT(n, v) (ARG(n) < (uint64_t)(v))
#define FD(n, v) (ARG(n) >> 32 == 0 && ARG(n) >= (uint64_t)(v))
#define MASK(n, m, v) ((ARG(n) & (uint64_t)(m)) == (uint64_t)(v))
#define ALL_(a, b, c, d, e, f, ...) ((a) && (b) && (c) && (d) && (e) && (f))
#define ALL(...) ALL_(__VA_ARGS__, true, true, true, true, true, true)
#define CALL(name, why) if (nr == SYS_##name) return true;
#define RULE(name, ...) if (nr == SYS_##name && ALL(__VA_ARGS__)) return true;

static bool by_table(const struct seccomp_data *d)
{
    unsigned nr = (unsigned)d->nr;

#include "abi/pv_calls.def"
    return false;
}

/* Every constant that a rule has, and the numbers next to it and to its halves. */
static uint64_t edge[4096];
static unsigned nedges;

static void add_edges(uint64_t v)
{
    const uint64_t near[] = { v, v - 1, v + 1, ~v, v | 1ull << 32, v | 1ull << 63, v << 32, v >> 32,
                              v ^ 1ull << 33, (uint32_t)v };

    for (unsigned i = 0; i < sizeof near / sizeof near[0] && nedges < 4096; i++)
        edge[nedges++] = near[i];
}

static void find_edges(void)
{
    add_edges(0);
    add_edges(4096);
    add_edges(0x12345678);
    for (size_t i = 0; i < NRULES; i++) {
        for (unsigned k = 0; k < CONDS_MAX; k++) {
            add_edges(rules[i].cond[k].v);
            add_edges(rules[i].cond[k].mask);
        }
    }
}

static uint64_t seed = 88172645463325252ull;
static uint64_t rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

/* Arguments that satisfy some rule, then one or two of them spoilt. */
static void make_args(struct seccomp_data *d)
{
    const struct rule *r = &rules[rnd() % NRULES];

    d->nr = (int)r->nr;
    for (int i = 0; i < 6; i++)
        d->args[i] = rnd() % 4 ? edge[rnd() % nedges] : rnd() >> (rnd() & 63);
    for (unsigned k = 0; k < CONDS_MAX && r->cond[k].kind != C_NONE; k++) {
        const struct cond *c = &r->cond[k];
        __u64 *a = &d->args[c->arg];
        *a = c->kind == C_MASK ? c->v | (rnd() & ~c->mask)
             : c->kind == C_LT ? rnd() % c->v : c->kind == C_EQ ? c->v : c->v + rnd() % 4096;
    }
    for (uint64_t n = rnd() % 3; n > 0; n--)
        d->args[rnd() % 6] = edge[rnd() % nedges];
}

static void arguments(void)
{
    struct seccomp_data d = { .arch = AUDIT_ARCH_X86_64, .instruction_pointer = PV_TEXT_BASE + 64 };
    unsigned wrong = 0, allowed = 0;

    for (int i = 0; i < 2000000; i++) {
        make_args(&d);
        bool want = by_table(&d), got = run(&d) == SECCOMP_RET_ALLOW;
        allowed += got;
        if (want != got && wrong++ < 5)
            printf("# %d(%llx, %llx, %llx, %llx, %llx): %d\n", d.nr, d.args[0], d.args[1],
                   d.args[2], d.args[3], d.args[4], got);
    }
    tap_is(wrong, 0, "the filter says what the table says");
    tap_ok(allowed > 200000 && allowed < 1800000, "both answers were seen");
}

static void numbers(void)
{
    struct seccomp_data d = { .arch = AUDIT_ARCH_X86_64, .instruction_pointer = PV_TEXT_BASE + 64 };
    unsigned wrong = 0;

    for (int64_t nr = -70000; nr < 70000; nr++) {
        for (unsigned bit = 0; bit < 2; bit++) {
            d.nr = (int)((uint32_t)nr | bit << 30);
            wrong += (run(&d) == SECCOMP_RET_ALLOW) != by_table(&d);
        }
    }
    tap_is(wrong, 0, "no other number is let through, x32 included");
}

static uint32_t at(uint64_t ip, uint32_t arch)
{
    struct seccomp_data d = { .nr = SYS_sched_yield, .arch = arch, .instruction_pointer = ip };

    return run(&d);
}

static void routes(void)
{
    uint64_t t = PV_TEXT_BASE;

    tap_is(at(t, AUDIT_ARCH_X86_64), SECCOMP_RET_ALLOW, "from the kernel's text");
    tap_is(at(t + PV_TEXT_MAX - 1, AUDIT_ARCH_X86_64), SECCOMP_RET_ALLOW, "from its end");
    tap_is(at(t - 1, AUDIT_ARCH_X86_64), SECCOMP_RET_TRAP, "from in front of it");
    tap_is(at(t + PV_TEXT_MAX, AUDIT_ARCH_X86_64), SECCOMP_RET_TRAP, "from behind it");
    tap_is(at(0x401000, AUDIT_ARCH_X86_64), SECCOMP_RET_TRAP, "from a program");
    tap_is(at(t | 1ull << 47, AUDIT_ARCH_X86_64), SECCOMP_RET_TRAP, "from the same low half");
    tap_is(at(t, AUDIT_ARCH_I386), SECCOMP_RET_KILL_PROCESS, "32-bit calls");
    tap_is(at(0x401000, AUDIT_ARCH_I386), SECCOMP_RET_TRAP, "32-bit calls of a program");
    tap_ok(PV_USER_TOP + PV_LEN_MAX <= PV_KERNEL_START, "a low range ends before the kernel");
}

int main(void)
{
    make_filter();
    find_edges();
    arguments();
    numbers();
    routes();
    return tap_end();
}
