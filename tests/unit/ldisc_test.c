// uses: unikernel-kernel/fs/tty_ldisc.c unikernel-kernel/fs/tty_output.c
/* The line discipline: what is typed, what the program reads, what the screen shows. */
#include <asm/signal.h>
#include "unitplat.h"
#include "../../unikernel-kernel/fs/ttyint.h"

static struct tty t;
static u8 screen[65536];
static size_t nscreen, room_left;

static size_t fake_room(struct tty *x) { return room_left; }
static void fake_write(struct tty *x, const u8 *buf, size_t n)
{
    memcpy(screen + nscreen, buf, n);
    nscreen += n;
    room_left -= n;
}
static const struct tty_driver fake = { .room = fake_room, .write = fake_write };

static void fresh(void)
{
    kpages_free(t.buf, 1);
    memset(&t, 0, sizeof t);
    t.drv = &fake;
    ldisc_init(&t);
    waitq_init(&t.rd_wq);
    waitq_init(&t.wr_wq);
    nscreen = 0;
    room_left = sizeof screen;
}

static u64 type(const char *s)
{
    u64 signals = 0;
    ldisc_receive(&t, (const u8 *)s, strlen(s), &signals);
    return signals;
}

static bool reads(const char *want, size_t n)
{
    u8 buf[5000];
    bool more;
    size_t k = ldisc_take(&t, buf, n, &more);
    if (k == strlen(want) && !memcmp(buf, want, k))
        return true;
    printf("# read %zu: '%.*s'\n", k, (int)k, buf);
    return false;
}

static bool shows(const char *want)
{
    bool ok = nscreen == strlen(want) && !memcmp(screen, want, nscreen);
    if (!ok) {
        printf("# screen:");
        for (size_t i = 0; i < nscreen; i++)
            printf(" %02x", screen[i]);
        printf("\n");
    }
    nscreen = 0;
    return ok;
}

static void set(u32 lflag_on, u32 lflag_off)
{
    struct termios2 k = t.termios;
    k.c_lflag = (k.c_lflag | lflag_on) & ~lflag_off;
    ldisc_set_termios(&t, &k);
}

static void test_lines(void)
{
    fresh();
    type("hel");
    tap_ok(!ldisc_input_ready(&t, false), "half a line is not readable");
    type("lo\rnext\n");
    tap_ok(shows("hello\r\nnext\r\n"), "echo with ONLCR");
    tap_is(ldisc_input_count(&t), 11, "FIONREAD counts whole lines");
    tap_ok(reads("hello\n", 100), "one line a read; CR became NL");
    tap_ok(reads("ne", 2) && reads("xt\n", 100), "a line in parts");
    type("abc\004");
    tap_ok(reads("abc", 100), "EOF ends a line without being read");
    type("abc\004");
    tap_ok(reads("abc", 3) && !ldisc_input_ready(&t, false), "EOF right behind a full read");
    type("\004");
    tap_ok(ldisc_input_ready(&t, false) && reads("", 100), "EOF alone reads as nothing");
}

static void test_erase(void)
{
    fresh();
    type("ab\177c\n");
    tap_ok(shows("ab\b \bc\r\n") && reads("ac\n", 10), "erase");
    type("\177x\n");
    tap_ok(shows("x\r\n") && reads("x\n", 10), "nothing to erase");
    type("a\001\177\n");
    tap_ok(shows("a^A\b \b\b \b\r\n") && reads("a\n", 10), "a control character is two wide");
    type("foo bar  \027\n");
    tap_ok(shows("foo bar  \b \b\b \b\b \b\b \b\b \b\r\n") && reads("foo \n", 10), "a word");
    type("abc\025de\n");
    tap_ok(shows("abc\b \b\b \b\b \bde\r\n") && reads("de\n", 10), "the line");
    type("ab\t\177c\n");
    tap_ok(shows("ab\t\b\b\b\b\b\bc\r\n") && reads("abc\n", 10), "a tab");
    t.termios.c_iflag |= IUTF8;
    type("a\303\251\177\n");
    tap_ok(shows("a\303\251\b \b\r\n") && reads("a\n", 10), "a UTF-8 character");
    set(0, ECHOE);
    type("a\177\n");
    tap_ok(shows("a^?\r\n") && reads("\n", 10), "without ECHOE");
    set(0, ECHOKE);
    type("a\025b\n");
    tap_ok(shows("a^U\r\nb\r\n") && reads("b\n", 10), "kill without ECHOKE");
}

static void test_special(void)
{
    fresh();
    type("x\026\003y\n");
    tap_ok(shows("x^\b^Cy\r\n") && reads("x\003y\n", 10), "LNEXT quotes");
    type("ab\022c\n");
    tap_ok(shows("ab^R\r\nabc\r\n") && reads("abc\n", 10), "REPRINT");
    tap_is(type("junk\003"), SIGMASK(SIGINT), "^C is SIGINT");
    tap_ok(shows("^C"), "which also drops the unsent echo");
    type("ok\n");
    tap_ok(reads("ok\n", 10), "and the line before it");
    tap_is(type("\034"), SIGMASK(SIGQUIT), "^\\ is SIGQUIT");
    tap_is(type("\032"), SIGMASK(SIGTSTP), "^Z is SIGTSTP");
    set(NOFLSH, 0);
    type("keep\003\n");
    tap_ok(reads("keep\n", 10), "NOFLSH keeps the line");
    set(0, ISIG);
    tap_is(type("\003\n"), 0, "without ISIG ^C is a character");
    tap_ok(reads("\003\n", 10), "that can be read");
    nscreen = 0;
    set(ECHONL, ECHO);
    type("secret\n");
    tap_ok(shows("\r\n") && reads("secret\n", 10), "ECHONL without ECHO");
}

static void test_flow(void)
{
    fresh();
    type("\023");
    tap_is(ldisc_output(&t, (const u8 *)"out", 3), 0, "^S stops output");
    type("ab");
    tap_ok(shows(""), "and echo");
    type("\021");
    tap_ok(shows("ab"), "^Q lets the echo out");
    tap_is(ldisc_output(&t, (const u8 *)"out", 3), 3, "and output goes on");
    nscreen = 0;
    room_left = 9;
    tap_is(ldisc_output(&t, (const u8 *)"a\nb\nc\nd\n", 8), 2, "output stops where room ends");
    room_left = 100;
    nscreen = 0;
    t.termios.c_oflag |= TAB3;
    t.column = 0;
    ldisc_output(&t, (const u8 *)"ab\tc", 4);
    tap_ok(shows("ab      c"), "tabs expand");
    t.termios.c_oflag &= ~(u32)OPOST;
    ldisc_output(&t, (const u8 *)"a\n", 2);
    tap_ok(shows("a\n"), "no processing without OPOST");
}

static void test_raw(void)
{
    char line[5001];
    u64 sig = 0;

    fresh();
    type("par");
    set(0, ICANON | ECHO);
    tap_ok(ldisc_input_ready(&t, false) && reads("par", 10), "raw mode sees what was typed");
    t.termios.c_cc[VMIN] = 3;
    type("ab");
    tap_ok(!ldisc_input_ready(&t, true) && ldisc_input_ready(&t, false), "VMIN counts for poll");
    type("\177\004");
    tap_ok(reads("ab\177\004", 10), "no editing");
    type("xyz");
    set(ICANON, 0);
    tap_ok(reads("xyz", 10), "back to canonical: a line");
    memset(line, 'a', 5000);
    line[5000] = 0;
    tap_is(ldisc_receive(&t, (u8 *)line, 5000, &sig), 5000, "too long a line is taken");
    type("\n");
    tap_is(ldisc_input_count(&t), 4096, "4095 of it, and the newline");
    tap_is(ldisc_receive(&t, (const u8 *)"more", 4, &sig), 0, "a full buffer takes no more");
    bool more;
    while (ldisc_take(&t, (u8 *)line, sizeof line, &more) && more)
        continue;
    tap_is(ldisc_room(&t), 4095, "empty again");
}

int main(void)
{
    test_lines();
    test_erase();
    test_special();
    test_flow();
    test_raw();
    kpages_free(t.buf, 1);
    tap_is(unit_blocks, 0, "nothing leaked");
    return tap_end();
}
