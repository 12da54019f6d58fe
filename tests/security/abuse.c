/* Lies to the monitor. usage: abuse MODE [N]
 *   state N    the domain's state is N, the exit status random, then the process ends
 *   panic      a report without an end, full of control characters
 *   log        the log ring's words jump about while it is being filled
 *   flood      fills the log as fast as it is read
 *   mailbox    answers control messages that nobody sent, for ever
 *   deaf       takes the kernel worker's words away, so that no control message is seen */
#include "hostile.h"

static struct xenc_log *const ring = (struct xenc_log *)(PV_MEM_BASE + XENC_LOG_GPA);

static void end(void)
{
    raw(SYS_exit_group, 0, 0, 0, 0, 0, 0);
}

static void state(u64 n)
{
    BOOT->exit_status = (uint32_t)(n * 0x9e3779b1u) | 0x100;
    BOOT->state = (uint32_t)n;
    end();
}

static void panic_text(u64 n)
{
    for (unsigned i = 0; i < sizeof BOOT->panic; i++)
        BOOT->panic[i] = (char)(i % 3 ? 27 : 'A' + i % 26);
    BOOT->state = XENC_ST_PANIC;
    end();
}

static void log_words(u64 n)
{
    u64 s = n + 1;

    for (int i = 0; i < 20000; i++) {
        ring->head = (uint32_t)rnd(&s);
        ring->tail = (uint32_t)rnd(&s);
        raw(SYS_futex, (u64)&ring->head, 1, 1, 0, 0, 0);
    }
    end();
}

static void flood(u64 n)
{
    memset(ring->data, '.', sizeof ring->data);
    for (;;) {
        ring->head += 1024;
        raw(SYS_futex, (u64)&ring->head, 1, 1, 0, 0, 0);
        if (n && --n == 0)
            end();
    }
}

static void mailbox(u64 n)
{
    u64 s = n + 1;

    say("ready");
    for (;;) {
        BOOT->ctl_cmd = (uint32_t)rnd(&s);
        BOOT->ctl_result = (int64_t)(rnd(&s) | 1ull << 63);
        BOOT->ctl_seq++;
        BOOT->started = (uint32_t)rnd(&s);
        raw(SYS_futex, (u64)&BOOT->ctl_seq, 1, 1 << 30, 0, 0, 0);
    }
}

static void deaf(u64 n)
{
    say("ready");
    for (;;) {
        BOOT->irq_pending = 0;
        BOOT->irq_waiting = 0;
    }
}

int main(int argc, char **argv)
{
    static const struct { const char *name; void (*fn)(u64); } modes[] = {
        { "state", state }, { "panic", panic_text }, { "log", log_words }, { "flood", flood },
        { "mailbox", mailbox }, { "deaf", deaf },
    };

    if (argc < 2)
        return 2;
    find_gadget();
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(argv[1], modes[i].name) == 0)
            modes[i].fn(argc > 2 ? strtoul(argv[2], NULL, 0) : 0);
    return 2;
}
