// uses: runtime/seccomp*.c base/*.c
/* The compiled filter must decide as the rules read: a small BPF machine runs it beside
 * a direct evaluation of the rules, for chosen and for random profiles. */
#include <asm/unistd_64.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/seccomp.h"
#include "tap.h"

enum { ALLOW = SECCOMP_RET_ALLOW, KILL = SECCOMP_RET_KILL_THREAD, EPERM_ = SECCOMP_RET_ERRNO | EPERM };

/* As the kernel: jumps go forward only, and stay inside. -1: the program is broken. */
static int64_t run(const struct buf *b, const struct seccomp_data *d)
{
    const struct sock_filter *f = (const void *)b->data;
    size_t n = b->len / sizeof(*f);
    uint32_t a = 0;

    for (size_t i = 0; i < n; i++) {
        bool t;
        switch (f[i].code) {
        case BPF_LD | BPF_W | BPF_ABS:
            if (f[i].k + 4 > sizeof(*d))
                return -1;
            memcpy(&a, (const char *)d + f[i].k, 4);
            continue;
        case BPF_ALU | BPF_AND | BPF_K: a &= f[i].k; continue;
        case BPF_RET | BPF_K: return f[i].k;
        case BPF_JMP | BPF_JA: i += f[i].k; continue;
        case BPF_JMP | BPF_JEQ | BPF_K: t = a == f[i].k; break;
        case BPF_JMP | BPF_JGT | BPF_K: t = a > f[i].k; break;
        case BPF_JMP | BPF_JGE | BPF_K: t = a >= f[i].k; break;
        default: return -1;
        }
        i += t ? f[i].jt : f[i].jf;
    }
    return -1;
}

static bool holds(const struct oci_sec_arg *a, uint64_t v)
{
    switch (a->op) {
    case OCI_OP_NE: return v != a->value;
    case OCI_OP_LT: return v < a->value;
    case OCI_OP_LE: return v <= a->value;
    case OCI_OP_EQ: return v == a->value;
    case OCI_OP_GE: return v >= a->value;
    case OCI_OP_GT: return v > a->value;
    default: return (v & a->value) == a->value_two;
    }
}

/* Conditional rules in order, then the first unconditional one, then the default. */
static uint32_t direct(const struct oci_seccomp *s, const char *name, const struct seccomp_data *d)
{
    for (int conditional = 1; conditional >= 0; conditional--) {
        for (size_t i = 0; i < s->nrules; i++) {
            const struct oci_sec_rule *r = &s->rules[i];
            bool match = (r->nargs > 0) == conditional, named = false;
            for (size_t k = 0; k < r->names.n; k++)
                named |= !strcmp(r->names.v[k], name);
            for (size_t k = 0; k < r->nargs; k++)
                match = match && holds(&r->args[k], d->args[r->args[k].index]);
            if (match && named)
                return r->action;
        }
    }
    return s->default_action;
}

#define NAMES(...) { .v = (char *[]){ __VA_ARGS__, NULL }, \
                     .n = sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *) }
static char n_read[] = "read", n_write[] = "write", n_clone[] = "clone", n_personality[] = "personality",
            n_arm[] = "arm_sync_file_range", n_futex_wait[] = "process_madvise", n_unlink[] = "unlink";

static void test_profile(void)
{
    struct oci_sec_arg clone_arg = { 0, OCI_OP_MASKED_EQ, 0x7e020000, 0 };
    struct oci_sec_arg pers[2] = { { 0, OCI_OP_EQ, 0, 0 }, { 0, OCI_OP_EQ, 0xffffffff, 0 } };
    struct oci_sec_rule rules[] = {
        { .names = NAMES(n_read, n_write, n_arm, n_futex_wait), .action = ALLOW },
        { .names = NAMES(n_clone), .action = ALLOW, .args = &clone_arg, .nargs = 1 },
        { .names = NAMES(n_personality), .action = ALLOW, .args = &pers[0], .nargs = 1 },
        { .names = NAMES(n_personality), .action = ALLOW, .args = &pers[1], .nargs = 1 },
    };
    struct oci_seccomp s = { .present = true, .default_action = EPERM_, .rules = rules, .nrules = 4 };
    struct { int nr; uint64_t arg; uint32_t want; const char *what; } t[] = {
        { __NR_read, 0, ALLOW, "read" }, { __NR_write, 5, ALLOW, "write" },
        { __NR_open, 0, EPERM_, "open" }, { __NR_process_madvise, 0, ALLOW, "process_madvise" },
        { __NR_clone, 0x11, ALLOW, "clone of a process" },
        { __NR_clone, 0x10000000, EPERM_, "clone of a user namespace" },
        { __NR_clone, 0x100000011ull, ALLOW, "clone with a high bit the mask lacks" },
        { __NR_personality, 0, ALLOW, "personality(0)" },
        { __NR_personality, 0xffffffff, ALLOW, "personality(query)" },
        { __NR_personality, 0x1ffffffff, EPERM_, "personality with a high half" },
        { __NR_personality, 8, EPERM_, "personality(8)" },
        { 1023, 0, EPERM_, "the last number" }, { 1024, 0, EPERM_, "one more" },
        { 0x40000000, 0, EPERM_, "x32's read" }, { -1, 0, EPERM_, "-1" },
    };
    struct buf b = { 0 };
    struct err e = { 0 };

    tap_is(rt_seccomp_compile(&s, &b, &e), 0, "a profile of docker's kind");
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct seccomp_data d = { .nr = t[i].nr, .args = { t[i].arg } };
        tap_is(run(&b, &d), t[i].want, "%s", t[i].what);
    }
    buf_dispose(&b);
}

static uint64_t edge(void)
{
    static const uint64_t v[] = { 0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000ull,
                                  0x100000001ull, 0x1ffffffffull, 0x8000000000000000ull, UINT64_MAX };
    return v[(unsigned)rand() % (sizeof(v) / sizeof(v[0]))];
}

static void test_random(void)
{
    static const struct { char *name; int nr; } calls[] = {
        { n_read, __NR_read }, { n_write, __NR_write }, { n_clone, __NR_clone },
        { n_personality, __NR_personality }, { n_unlink, __NR_unlink },
    };
    static const uint32_t actions[] = { ALLOW, KILL, EPERM_, SECCOMP_RET_TRAP };
    unsigned wrong = 0, broken = 0;

    srand(1);
    for (int round = 0; round < 2000; round++) {
        struct oci_sec_arg args[6][6];
        struct oci_sec_rule rules[6];
        char *names[6][2];
        struct oci_seccomp s = { .default_action = actions[rand() % 4], .rules = rules,
                                 .nrules = (size_t)(rand() % 7) };
        struct buf b = { 0 };
        struct err e = { 0 };
        for (size_t i = 0; i < s.nrules; i++) {
            names[i][0] = calls[rand() % 5].name;
            names[i][1] = NULL;
            rules[i] = (struct oci_sec_rule){ .names = { names[i], 1 }, .action = actions[rand() % 4],
                                              .args = args[i], .nargs = (size_t)(rand() % 4) };
            for (size_t k = 0; k < rules[i].nargs; k++)
                args[i][k] = (struct oci_sec_arg){ (uint32_t)rand() % 2, 1 + (uint32_t)rand() % 7,
                                                   edge(), edge() };
        }
        if (rt_seccomp_compile(&s, &b, &e) < 0)
            broken++;
        for (int k = 0; k < 50; k++) {
            int c = rand() % 5;
            struct seccomp_data d = { .nr = calls[c].nr, .args = { edge(), edge() } };
            int64_t got = run(&b, &d);
            broken += got < 0;
            wrong += got != direct(&s, calls[c].name, &d);
        }
        buf_dispose(&b);
    }
    tap_is(broken, 0, "2000 random profiles make sound programs");
    tap_is(wrong, 0, "that decide as the rules read");
}

int main(void)
{
    test_profile();
    test_random();
    return tap_end();
}
