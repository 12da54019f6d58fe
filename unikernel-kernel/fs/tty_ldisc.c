/* The terminal line discipline (termios(3), POSIX.1 chapter 11), input side: editing of
 * lines, special characters, echo. Output is in tty_output.c. Everything runs under
 * tty->lock. */
#include <asm/signal.h>
#include "signal.h"
#include "ttyout.h"

#define I(t, flag) ((t)->termios.c_iflag & (flag))
#define L(t, flag) ((t)->termios.c_lflag & (flag))
#define CTRL(c) ((c) & 0x1f)
#define EOF_MARK 0                      /* stands for an EOF character, with its end bit */

void ldisc_init(struct tty *t)
{
    static const u8 cc[NCCS] = {
        [VINTR] = CTRL('C'), [VQUIT] = CTRL('\\'), [VERASE] = 0x7f, [VKILL] = CTRL('U'),
        [VEOF] = CTRL('D'), [VMIN] = 1, [VSTART] = CTRL('Q'), [VSTOP] = CTRL('S'),
        [VSUSP] = CTRL('Z'), [VREPRINT] = CTRL('R'), [VDISCARD] = CTRL('O'),
        [VWERASE] = CTRL('W'), [VLNEXT] = CTRL('V'),
    };
    t->termios = (struct termios2){
        .c_iflag = ICRNL | IXON, .c_oflag = OPOST | ONLCR, .c_cflag = B38400 | CS8 | CREAD,
        .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
        .c_ispeed = 38400, .c_ospeed = 38400,
    };
    memcpy(t->termios.c_cc, cc, sizeof cc);
}

static bool is_cc(const struct tty *t, int which, u8 c)
{
    return c && t->termios.c_cc[which] == c;
}

static u8 at(const struct tty *t, u32 i) { return t->buf[i % TTY_BUF]; }
static bool is_end(const struct tty *t, u32 i)
{
    return t->ends[i % TTY_BUF / 64] >> (i % 64) & 1;
}

static void put(struct tty *t, u8 c, bool end)
{
    u64 *w = &t->ends[t->head % TTY_BUF / 64], bit = 1ull << t->head % 64;

    t->buf[t->head++ % TTY_BUF] = c;
    *w = end ? *w | bit : *w & ~bit;
}

static bool cooked(const struct tty *t)
{
    return L(t, ICANON) && !L(t, EXTPROC);
}

size_t ldisc_room(const struct tty *t)
{
    u32 used = t->head - t->tail;

    if (used < TTY_BUF - 1)
        return TTY_BUF - 1 - used;
    /* A full buffer without an end of line must still be able to get one. */
    return cooked(t) && t->canon_head == t->tail ? 1 : 0;
}

void ldisc_flush_input(struct tty *t)
{
    t->tail = t->canon_head = t->head;
    t->lnext = false;
    if (t->drv->event)
        t->drv->event(t, TIOCPKT_FLUSHREAD);
}

void ldisc_stop(struct tty *t)
{
    if (t->stopped)
        return;
    t->stopped = true;
    if (t->drv->event)
        t->drv->event(t, TIOCPKT_STOP);
}

void ldisc_start(struct tty *t)
{
    if (!t->stopped)
        return;
    t->stopped = false;
    ldisc_flush_echo(t);
    if (t->drv->event)
        t->drv->event(t, TIOCPKT_START);
    waitq_wake(&t->wr_wq, 0);
}

/* -- erasing -- */

static bool is_control(u8 c) { return c < 32 || c == 127; }
static bool is_continuation(const struct tty *t, u8 c)
{
    return I(t, IUTF8) && (c & 0xc0) == 0x80;
}

static bool is_word(u8 c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' || c >= 0x80;
}

/* The cursor's column in front of buffer position `end`. */
static u32 column_of(const struct tty *t, u32 end)
{
    u32 col = t->canon_column;

    for (u32 i = t->canon_head; i != end; i++) {
        u8 c = at(t, i);
        if (c == '\t')
            col = (col | 7) + 1;
        else if (is_control(c))
            col += L(t, ECHOCTL) ? 2 : 0;
        else if (!is_continuation(t, c))
            col++;
    }
    return col;
}

/* Takes the echo of the character that was at t->head off the screen. */
static void erase_echo(struct tty *t, u8 c)
{
    int n = 1;

    if (c == '\t') {
        for (u32 to = column_of(t, t->head); t->column > to;)
            echo_raw(t, '\b');
        return;
    }
    if (is_control(c))
        n = L(t, ECHOCTL) ? 2 : 0;
    while (n--) {
        echo_raw(t, '\b');
        echo_raw(t, ' ');
        echo_raw(t, '\b');
    }
}

/* Removes the last character, of however many bytes. False: the word ends in front. */
static bool erase_one(struct tty *t, bool word, bool *in_word)
{
    u32 h = t->head - 1;

    while (h != t->canon_head && is_continuation(t, at(t, h)))
        h--;
    u8 c = at(t, h);
    if (word) {
        if (is_word(c))
            *in_word = true;
        else if (*in_word)
            return false;
    }
    t->head = h;
    if (!L(t, ECHO))
        return true;
    if (!word && !L(t, ECHOE))
        echo_char(t, t->termios.c_cc[VERASE]);
    else
        erase_echo(t, c);
    return true;
}

static void erase_line(struct tty *t)
{
    bool in_word = false;

    if (L(t, ECHO) && L(t, ECHOK) && L(t, ECHOKE) && L(t, ECHOE)) {
        while (t->head != t->canon_head)
            erase_one(t, false, &in_word);
        return;
    }
    t->head = t->canon_head;
    if (L(t, ECHO)) {
        echo_char(t, t->termios.c_cc[VKILL]);
        if (L(t, ECHOK))
            echo_raw(t, '\n');
    }
}

static bool receive_erase(struct tty *t, u8 c)
{
    bool word = L(t, IEXTEN) && is_cc(t, VWERASE, c), in_word = false;

    if (!word && !is_cc(t, VERASE, c) && !is_cc(t, VKILL, c))
        return false;
    if (t->head == t->canon_head)
        return true;
    if (is_cc(t, VKILL, c))
        erase_line(t);
    else if (word)
        while (t->head != t->canon_head && erase_one(t, true, &in_word))
            continue;
    else
        erase_one(t, false, &in_word);
    return true;
}

/* -- receiving -- */

static bool receive_flow(struct tty *t, u8 c)
{
    if (!I(t, IXON))
        return false;
    if (is_cc(t, VSTART, c)) {
        ldisc_start(t);
        return true;
    }
    if (is_cc(t, VSTOP, c)) {
        ldisc_stop(t);
        return true;
    }
    return false;
}

static bool receive_signal(struct tty *t, u8 c, u64 *signals)
{
    int sig = is_cc(t, VINTR, c) ? SIGINT : is_cc(t, VQUIT, c) ? SIGQUIT :
              is_cc(t, VSUSP, c) ? SIGTSTP : 0;

    if (!L(t, ISIG) || !sig)
        return false;
    *signals |= SIGMASK(sig);
    if (!L(t, NOFLSH)) {
        ldisc_flush_input(t);
        t->necho = 0;
        if (t->drv->flush_out)
            t->drv->flush_out(t);
    }
    if (I(t, IXON))
        ldisc_start(t);
    if (L(t, ECHO))
        echo_char(t, c);
    return true;
}

static void reprint(struct tty *t, u8 c)
{
    echo_char(t, c);
    echo_raw(t, '\n');
    t->canon_column = t->column;
    for (u32 i = t->canon_head; i != t->head; i++)
        echo_char(t, at(t, i));
}

static void end_line(struct tty *t, u8 c)
{
    put(t, c, true);
    t->canon_head = t->head;
}

/* Special characters of canonical mode; true: done with c. */
static bool receive_canon(struct tty *t, u8 c)
{
    if (receive_erase(t, c))
        return true;
    if (L(t, IEXTEN) && is_cc(t, VLNEXT, c)) {
        t->lnext = true;
        if (L(t, ECHO) && L(t, ECHOCTL)) {
            echo_raw(t, '^');
            echo_raw(t, '\b');
        }
        return true;
    }
    if (L(t, IEXTEN) && L(t, ECHO) && is_cc(t, VREPRINT, c)) {
        reprint(t, c);
        return true;
    }
    if (c == '\n') {
        if (L(t, ECHO) || L(t, ECHONL))
            echo_raw(t, '\n');
        end_line(t, c);
        return true;
    }
    if (is_cc(t, VEOF, c)) {
        end_line(t, EOF_MARK);
        return true;
    }
    if (is_cc(t, VEOL, c) || (L(t, IEXTEN) && is_cc(t, VEOL2, c))) {
        if (L(t, ECHO)) {
            if (t->canon_head == t->head)
                t->canon_column = t->column;
            echo_char(t, c);
        }
        end_line(t, c);
        return true;
    }
    return false;
}

static void receive_plain(struct tty *t, u8 c)
{
    if (t->head - t->tail >= TTY_BUF - 1) {     /* only the line's end may still come */
        if (I(t, IMAXBEL))
            echo_raw(t, '\a');
        return;
    }
    if (L(t, ECHO)) {
        if (t->canon_head == t->head)
            t->canon_column = t->column;
        if (c == '\n')
            echo_raw(t, '\n');
        else
            echo_char(t, c);
    }
    if (c == 0xff && I(t, PARMRK) && !I(t, ISTRIP))
        put(t, c, false);
    put(t, c, false);
}

static void receive_one(struct tty *t, u8 c, u64 *signals)
{
    if (I(t, ISTRIP))
        c &= 0x7f;
    if (I(t, IUCLC) && L(t, IEXTEN) && c >= 'A' && c <= 'Z')
        c |= 32;
    if (L(t, EXTPROC)) {
        put(t, c, false);
        return;
    }
    if (t->lnext) {
        t->lnext = false;
        receive_plain(t, c);
        return;
    }
    if (receive_flow(t, c))
        return;
    if (t->stopped && I(t, IXON) && I(t, IXANY))
        ldisc_start(t);
    if (receive_signal(t, c, signals))
        return;
    if (c == '\r') {
        if (I(t, IGNCR))
            return;
        if (I(t, ICRNL))
            c = '\n';
    } else if (c == '\n' && I(t, INLCR)) {
        c = '\r';
    }
    if (!L(t, ICANON) || !receive_canon(t, c))
        receive_plain(t, c);
}

size_t ldisc_receive(struct tty *t, const u8 *buf, size_t n, u64 *signals)
{
    size_t i = 0;

    if (!t->buf && !(t->buf = kpages_raw(1)))
        return n;                       /* no memory: input is lost, as on a real line */
    while (i < n && ldisc_room(t))
        receive_one(t, buf[i++], signals);
    ldisc_flush_echo(t);
    return i;
}

/* -- taking -- */

u32 ldisc_input_count(const struct tty *t)
{
    u32 n = (cooked(t) ? t->canon_head : t->head) - t->tail;

    if (!cooked(t))
        return n;
    for (u32 i = t->tail; i != t->canon_head; i++)
        n -= is_end(t, i) && at(t, i) == EOF_MARK;
    return n;
}

bool ldisc_input_ready(const struct tty *t, bool polling)
{
    u32 least = 1;

    if (cooked(t))
        return t->canon_head != t->tail;
    if (polling && !t->termios.c_cc[VTIME] && t->termios.c_cc[VMIN])
        least = t->termios.c_cc[VMIN];
    return t->head - t->tail >= least;
}

size_t ldisc_take(struct tty *t, u8 *buf, size_t n, bool *more)
{
    size_t k = 0;

    *more = true;
    if (!cooked(t)) {
        while (k < n && t->tail != t->head)
            buf[k++] = at(t, t->tail++);
        if ((s32)(t->canon_head - t->tail) < 0)
            t->canon_head = t->tail;
        return k;
    }
    while (t->tail != t->canon_head) {
        bool end = is_end(t, t->tail);
        u8 c = at(t, t->tail);
        if (end && c == EOF_MARK) {     /* also right behind a buffer that is full now */
            t->tail++;
            *more = false;
            break;
        }
        if (k == n)
            break;
        buf[k++] = c;
        t->tail++;
        if (end) {
            *more = false;
            break;
        }
    }
    return k;
}

void ldisc_set_termios(struct tty *t, const struct termios2 *new)
{
    bool was = L(t, ICANON), ixon = I(t, IXON);

    t->termios = *new;
    if (was != !!L(t, ICANON)) {
        memset(t->ends, 0, sizeof t->ends);
        t->canon_head = t->tail;
        if (L(t, ICANON) && t->head != t->tail) {       /* what is there is a line */
            u32 last = t->head - 1;
            t->ends[last % TTY_BUF / 64] |= 1ull << last % 64;
            t->canon_head = t->head;
        }
    }
    t->lnext = false;
    if (ixon && !I(t, IXON))
        ldisc_start(t);
}
