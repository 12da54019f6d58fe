/* linux.seccomp as a program: a search tree over system call numbers, whose leaves are
 * actions or conditions on arguments. */
#include "runtime/seccomp.h"

#include <asm/unistd_64.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS = 1024 };          /* numbers are below; all above get the default */

static const struct { const char *name; uint16_t nr; } names[] = {
#define N(name) { #name, __NR_##name },
#include "runtime/seccomp_names.def"
#undef N
};

/* What is to happen for one system call: the conditional rules of `rules` that name it,
 * in order, then `action`. */
struct call { bool conditional; uint32_t action; };

struct compile {
    const struct oci_seccomp *s;
    struct call *calls;         /* CALLS */
    struct buf *out;
    size_t base;                /* bytes of `out` before the program */
};

static int number_of(const char *name)
{
    size_t lo = 0, hi = sizeof(names) / sizeof(names[0]);

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(name, names[mid].name);
        if (order == 0)
            return names[mid].nr;
        if (order < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return -1;
}

static bool names_call(const struct oci_sec_rule *r, int nr)
{
    for (size_t i = 0; i < r->names.n; i++) {
        if (number_of(r->names.v[i]) == nr)
            return true;
    }
    return false;
}

static void take_rules(struct compile *c)
{
    bool *fixed = calloc(CALLS, sizeof(*fixed));

    for (int i = 0; i < CALLS; i++)
        c->calls[i].action = c->s->default_action;
    for (size_t i = 0; i < c->s->nrules && fixed; i++) {
        const struct oci_sec_rule *r = &c->s->rules[i];
        for (size_t k = 0; k < r->names.n; k++) {
            int nr = number_of(r->names.v[k]);
            if (nr < 0)
                continue;
            if (r->nargs) {
                c->calls[nr].conditional = true;
            } else if (!fixed[nr]) {
                fixed[nr] = true;
                c->calls[nr].action = r->action;
            }
        }
    }
    if (!fixed)
        c->out->failed = true;
    free(fixed);
}

static size_t put(struct compile *c, uint16_t op, uint32_t k, uint8_t jt, uint8_t jf)
{
    struct sock_filter f = { op, jt, jf, k };

    buf_put(c->out, &f, sizeof(f));
    return (c->out->len - c->base) / sizeof(f) - 1;
}

static struct sock_filter *at(struct compile *c, size_t i)
{
    return (struct sock_filter *)(void *)(c->out->data + c->base) + i;
}

static bool same(const struct call *a, const struct call *b)
{
    return !a->conditional && !b->conditional && a->action == b->action;
}

static void leaf(struct compile *c, int nr)
{
    for (size_t i = 0; i < c->s->nrules && c->calls[nr].conditional; i++) {
        const struct oci_sec_rule *r = &c->s->rules[i];
        if (r->nargs && names_call(r, nr))
            rt_seccomp_rule(r, c->out);
    }
    put(c, BPF_RET | BPF_K, c->calls[nr].action, 0, 0);
}

/* starts[lo..hi): first numbers of runs that are treated alike. Conditional jumps reach
 * 255 instructions, so each goes over a long one. */
static void tree(struct compile *c, const uint16_t *starts, size_t lo, size_t hi)
{
    size_t mid = lo + (hi - lo) / 2, jump;

    if (hi - lo == 1) {
        leaf(c, starts[lo]);
        return;
    }
    put(c, BPF_JMP | BPF_JGE | BPF_K, starts[mid], 0, 1);
    jump = put(c, BPF_JMP | BPF_JA, 0, 0, 0);
    tree(c, starts, lo, mid);
    if (!c->out->failed)
        at(c, jump)->k = (uint32_t)((c->out->len - c->base) / sizeof(struct sock_filter) -
                                    jump - 1);
    tree(c, starts, mid, hi);
}

static int check(const struct oci_seccomp *s, struct err *e)
{
    if (s->listener_path || s->default_action == SECCOMP_RET_USER_NOTIF)
        return err_set(e, ENOTSUP, "linux.seccomp.listenerPath: a domain's system calls can't be "
                       "handed to a listener of the host");
    for (size_t i = 0; i < s->nrules; i++) {
        if (s->rules[i].action == SECCOMP_RET_USER_NOTIF)
            return err_set(e, ENOTSUP, "linux.seccomp.syscalls[%zu].action: SCMP_ACT_NOTIFY is "
                           "not supported", i);
    }
    return 0;
}

int rt_seccomp_compile(const struct oci_seccomp *s, struct buf *out, struct err *e)
{
    struct compile c = { .s = s, .out = out, .base = out->len };
    uint16_t starts[CALLS];
    size_t n = 0;
    int r = check(s, e);

    if (r < 0)
        return r;
    c.calls = calloc(CALLS, sizeof(*c.calls));
    if (!c.calls)
        return err_set(e, ENOMEM, "out of memory");
    take_rules(&c);
    for (int i = 0; i < CALLS; i++) {
        if (i == 0 || !same(&c.calls[i - 1], &c.calls[i]))
            starts[n++] = (uint16_t)i;
    }
    put(&c, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
    tree(&c, starts, 0, n);
    free(c.calls);
    if (out->failed)
        return err_set(e, ENOMEM, "out of memory");
    if ((out->len - c.base) / sizeof(struct sock_filter) > BPF_MAXINSNS)
        return err_set(e, E2BIG, "linux.seccomp: more than %d instructions", BPF_MAXINSNS);
    return 0;
}
