/* Conditions on arguments: 64-bit comparisons in a machine of 32 bits. */
#include "runtime/seccomp.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>

/* Jump targets that are known only later. A rule has at most 6 conditions of at most 6
 * instructions, so real distances stay far below them. */
enum { NEXT = 0, PASS = 254, FAIL = 255 };

struct code { struct sock_filter v[64]; unsigned n; };

static void put(struct code *c, uint16_t op, uint32_t k, unsigned jt, unsigned jf)
{
    c->v[c->n++] = (struct sock_filter){ op, (uint8_t)jt, (uint8_t)jf, k };
}

static void load(struct code *c, const struct oci_sec_arg *a, bool high, uint64_t mask)
{
    uint32_t at = (uint32_t)(offsetof(struct seccomp_data, args) + 8 * a->index + (high ? 4 : 0));
    uint32_t m = (uint32_t)(high ? mask >> 32 : mask);

    put(c, BPF_LD | BPF_W | BPF_ABS, at, NEXT, NEXT);
    if (m != UINT32_MAX)
        put(c, BPF_ALU | BPF_AND | BPF_K, m, NEXT, NEXT);
}

/* How the low halves decide when the high halves are equal, and what it means when the
 * argument's high half is greater or smaller. */
struct compare { uint16_t low_op; unsigned low_true, low_false, greater, smaller; };

static struct compare compare_of(uint32_t op)
{
    switch (op) {
    case OCI_OP_NE: return (struct compare){ BPF_JEQ, FAIL, PASS, PASS, PASS };
    case OCI_OP_LT: return (struct compare){ BPF_JGE, FAIL, PASS, FAIL, PASS };
    case OCI_OP_LE: return (struct compare){ BPF_JGT, FAIL, PASS, FAIL, PASS };
    case OCI_OP_GE: return (struct compare){ BPF_JGE, PASS, FAIL, PASS, FAIL };
    case OCI_OP_GT: return (struct compare){ BPF_JGT, PASS, FAIL, PASS, FAIL };
    default: return (struct compare){ BPF_JEQ, PASS, FAIL, FAIL, FAIL };
    }
}

static void condition(struct code *c, const struct oci_sec_arg *a)
{
    bool masked = a->op == OCI_OP_MASKED_EQ;
    uint64_t mask = masked ? a->value : UINT64_MAX, want = masked ? a->value_two : a->value;
    struct compare cmp = compare_of(a->op);
    unsigned first = c->n;

    load(c, a, true, mask);
    put(c, BPF_JMP | BPF_JGT | BPF_K, (uint32_t)(want >> 32), cmp.greater, NEXT);
    put(c, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(want >> 32), NEXT, cmp.smaller);
    load(c, a, false, mask);
    put(c, BPF_JMP | cmp.low_op | BPF_K, (uint32_t)want, cmp.low_true, cmp.low_false);
    for (unsigned i = first; i < c->n; i++) {
        uint8_t here = (uint8_t)(c->n - i - 1);
        if (c->v[i].jt == PASS)
            c->v[i].jt = here;
        if (c->v[i].jf == PASS)
            c->v[i].jf = here;
    }
}

void rt_seccomp_rule(const struct oci_sec_rule *r, struct buf *out)
{
    struct code c = { .n = 0 };

    for (size_t i = 0; i < r->nargs && i < 6; i++)
        condition(&c, &r->args[i]);
    put(&c, BPF_RET | BPF_K, r->action, NEXT, NEXT);
    for (unsigned i = 0; i < c.n; i++) {
        uint8_t behind = (uint8_t)(c.n - i - 1);
        if (c.v[i].jt == FAIL)
            c.v[i].jt = behind;
        if (c.v[i].jf == FAIL)
            c.v[i].jf = behind;
    }
    buf_put(out, c.v, c.n * sizeof(c.v[0]));
}
