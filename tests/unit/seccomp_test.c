// uses: unikernel-kernel/core/seccomp.c
/* Seccomp filters: what is accepted, what programs do, which action wins. */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "proc.h"
#include "unitplat.h"

#include <setjmp.h>
#include <stddef.h>
#include <stdlib.h>

static int forced;
static jmp_buf killed;
void signal_force(int sig, const struct ksiginfo *info) { forced = info->err; }
void task_exit_group(int code) { longjmp(killed, code); }

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RET(v) BPF_STMT(BPF_RET | BPF_K, (v))

static bool check(u64 nr, u64 arg0, struct regs *r)
{
    *r = (struct regs){ .nr = nr, .rip = 0x1000, .arg = { arg0 } };
    return seccomp_check(r);
}

static void drop_all(void)
{
    seccomp_put(current()->seccomp);
    current()->seccomp = NULL;
}

static int attach1(struct sock_filter f) { return seccomp_attach(&f, 1); }

static void test_validity(void)
{
    struct sock_filter jump[] = { BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 5, 0), RET(0) };
    struct sock_filter far[] = { BPF_STMT(BPF_JMP | BPF_JA, 0xffffffff), RET(0) };
    struct sock_filter div[] = { BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RET(0) };
    struct sock_filter mem[] = { BPF_STMT(BPF_ST, 16), RET(0) };
    struct sock_filter half[] = { BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0), RET(0) };
    struct sock_filter odd[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), RET(0) };
    struct sock_filter out[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, sizeof(struct seccomp_data)), RET(0) };

    tap_is(seccomp_attach(jump, 0), -EINVAL, "an empty program");
    tap_is(seccomp_attach(jump, 1), -EINVAL, "no return at the end");
    tap_is(seccomp_attach(jump, 2), -EINVAL, "a jump beyond the end");
    tap_is(seccomp_attach(far, 2), -EINVAL, "a jump around the world");
    tap_is(seccomp_attach(div, 2), -EINVAL, "division by zero");
    tap_is(seccomp_attach(mem, 2), -EINVAL, "memory word 16");
    tap_is(seccomp_attach(half, 2), -EINVAL, "half words");
    tap_is(seccomp_attach(odd, 2), -EINVAL, "misaligned loads");
    tap_is(seccomp_attach(out, 2), -EINVAL, "loads beyond the data");
    tap_ok(!current()->seccomp && !syscall_watch, "nothing was installed");
}

static void test_actions(void)
{
    struct sock_filter f[] = {
        LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
        RET(SECCOMP_RET_KILL_PROCESS),
        LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 39, 0, 1), RET(SECCOMP_RET_ERRNO | 13),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 40, 0, 1), RET(SECCOMP_RET_TRAP | 77),
        LOAD(args[0]), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 100, 0, 1), RET(SECCOMP_RET_ERRNO | 1),
        RET(SECCOMP_RET_ALLOW),
    };
    static struct regs r;

    tap_is(seccomp_attach(f, ARRAY_SIZE(f)), 0, "a filter as libseccomp makes it");
    tap_ok(syscall_watch, "dispatch looks at it");
    tap_ok(check(1, 5, &r), "an allowed call");
    tap_ok(!check(39, 0, &r) && (s64)r.rax == -13, "an errno");
    tap_ok(!check(40, 0, &r) && forced == 77, "a trap with its data");
    tap_ok(!check(1, 101, &r) && (s64)r.rax == -1, "an argument that is too great");
    tap_is(attach1((struct sock_filter)RET(SECCOMP_RET_LOG)), 0, "a second filter, milder");
    tap_ok(!check(39, 0, &r) && (s64)r.rax == -13, "the stricter answer wins");
    tap_is(attach1((struct sock_filter)RET(SECCOMP_RET_ERRNO | 99)), 0, "a third, stricter");
    tap_ok(!check(1, 5, &r) && (s64)r.rax == -99, "wins too");
    drop_all();
    tap_is(attach1((struct sock_filter)RET(SECCOMP_RET_KILL_PROCESS)), 0, "a filter that kills");
    if (!(r.rax = (u64)setjmp(killed))) check(1, 5, &r);
    tap_is(r.rax, 31, "does, with SIGSYS");
    drop_all();
    tap_ok(!syscall_watch, "and all are gone at the end");
}

static void test_arithmetic(void)
{
    struct sock_filter f[] = {
        BPF_STMT(BPF_LD | BPF_IMM, 40), BPF_STMT(BPF_MISC | BPF_TAX, 0), BPF_STMT(BPF_ST, 3),
        BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0), BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 3),
        BPF_STMT(BPF_LDX | BPF_MEM, 3), BPF_STMT(BPF_ALU | BPF_OR | BPF_X, 0),
        BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO), BPF_STMT(BPF_RET | BPF_A, 0),
    };
    struct regs r;

    tap_is(seccomp_attach(f, ARRAY_SIZE(f)), 0, "arithmetic");
    tap_ok(!check(0, 0, &r) && (s64)r.rax == -(((40 + 40) >> 3) | 40), "comes out right");
    drop_all();
}

static void test_random(void)
{
    static const u16 codes[] = {
        BPF_LD | BPF_W | BPF_ABS, BPF_LD | BPF_MEM, BPF_LDX | BPF_MEM, BPF_ST, BPF_STX,
        BPF_LD | BPF_IMM, BPF_LDX | BPF_IMM, BPF_MISC | BPF_TAX, BPF_MISC | BPF_TXA,
        BPF_ALU | BPF_DIV | BPF_X, BPF_ALU | BPF_LSH | BPF_X, BPF_ALU | BPF_MUL | BPF_K,
        BPF_ALU | BPF_NEG, BPF_JMP | BPF_JA, BPF_JMP | BPF_JEQ | BPF_X,
        BPF_JMP | BPF_JGT | BPF_K, BPF_JMP | BPF_JSET | BPF_X, BPF_LD | BPF_W | BPF_LEN,
        BPF_LD | BPF_B | BPF_ABS, BPF_ALU | BPF_MOD | BPF_K,
    };
    struct sock_filter f[12];
    struct regs r;
    volatile int accepted = 0;

    srandom(7);
    for (volatile int i = 0; i < 100000; i++) {
        for (int k = 0; k < 11; k++)
            f[k] = (struct sock_filter){ codes[(unsigned)random() % ARRAY_SIZE(codes)],
                                         (u8)(random() & 3), (u8)(random() & 3),
                                         (u32)random() & 0xf };
        f[11] = (struct sock_filter)RET(SECCOMP_RET_ERRNO);
        if (seccomp_attach(f, 12) < 0) continue;
        accepted++;
        if (!setjmp(killed)) check((u64)i, (u64)i, &r);
        drop_all();
    }
    tap_ok(accepted > 10, "random programs (%d were valid) do no harm", accepted);
}

int main(void)
{
    unit_task_init();
    test_validity();
    test_actions();
    test_arithmetic();
    test_random();
    return tap_end();
}
