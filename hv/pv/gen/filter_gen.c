/* Prints the seccomp filter of a PV domain as a C initialiser, from abi/pv_calls.def
 * by way of libseccomp. Runs when xenc is built: the filter is the same for every
 * domain, so starting one pays nothing for computing it. */
#include <asm/prctl.h>
#include <err.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abi/pv.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

static void rule(scmp_filter_ctx ctx, int nr, const char *name, unsigned n,
                 const struct scmp_arg_cmp *cmp)
{
    if (seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, nr, n, cmp) != 0)
        errx(1, "rule for %s", name);
}

/* Only the kernel's text may make host calls: [PV_TEXT_BASE, + PV_TEXT_MAX). libseccomp
 * knows no instruction pointer, so this goes in front of what it exports. */
static const struct sock_filter route[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PV_TEXT_BASE >> 32, 1, 0),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)),
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)(PV_TEXT_BASE + PV_TEXT_MAX), 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
};
_Static_assert((uint32_t)PV_TEXT_BASE == 0, "the route checks an upper bound only");

/* The host takes a descriptor's lower 32 bits only, libseccomp compares all 64: one with
 * upper bits set would pass as a large number and be a small one. */
static const struct { unsigned nr, arg; } fd_args[] = {
    { SCMP_SYS(pread64), 0 }, { SCMP_SYS(pwrite64), 0 }, { SCMP_SYS(close), 0 },
    { SCMP_SYS(mmap), 4 },
};

static void print(const struct sock_filter *f, size_t n)
{
    for (size_t i = 0; i < n; i++)
        printf("{ 0x%02x, %u, %u, 0x%08x },\n", f[i].code, f[i].jt, f[i].jf, f[i].k);
}

static void print_fd_args(void)
{
    const struct sock_filter load = BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                             offsetof(struct seccomp_data, nr));

    print(&load, 1);
    for (size_t i = 0; i < sizeof fd_args / sizeof fd_args[0]; i++) {
        /* The next comparison finds 0 for a number: read, which is none of these. */
        const struct sock_filter f[] = {
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, fd_args[i].nr, 0, 3),
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                     offsetof(struct seccomp_data, args[0]) + 8 * fd_args[i].arg + 4),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        };
        print(f, sizeof f / sizeof f[0]);
    }
}

int main(void)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_TRAP);
    if (!ctx)
        errx(1, "seccomp_init");
    seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

#define EQ(a, v) SCMP_CMP(a, SCMP_CMP_EQ, v)
#define GE(a, v) SCMP_CMP(a, SCMP_CMP_GE, v)
#define LT(a, v) SCMP_CMP(a, SCMP_CMP_LT, v)
#define MASK(a, m, v) SCMP_CMP(a, SCMP_CMP_MASKED_EQ, m, v)
#define CALL(name, why) rule(ctx, SCMP_SYS(name), #name, 0, NULL);
#define RULE(name, ...) { \
        const struct scmp_arg_cmp c[] = { __VA_ARGS__ }; \
        rule(ctx, SCMP_SYS(name), #name, sizeof c / sizeof c[0], c); \
    }
#include "abi/pv_calls.def"

    int fd = memfd_create("filter", 0);
    if (fd < 0 || seccomp_export_bpf(ctx, fd) != 0)
        errx(1, "export");
    static struct sock_filter f[4096];
    ssize_t n = pread(fd, f, sizeof f, 0);
    if (n <= 0 || n % (ssize_t)sizeof f[0] || n == (ssize_t)sizeof f)
        errx(1, "exported filter has an odd size");
    print(route, sizeof route / sizeof route[0]);
    print_fd_args();
    print(f, (size_t)n / sizeof f[0]);
    seccomp_release(ctx);
    return fflush(stdout) ? 1 : 0;
}
