/* The terminal line discipline, output side: OPOST processing, the cursor's column, and
 * echo. Echo waits in a small buffer when the terminal has no room or is stopped; it is
 * dropped when that is full, too. */
#include "ttyout.h"

#define O(t, flag) ((t)->termios.c_oflag & (flag))
#define EXPAND_MAX 8            /* bytes that one character may become */

struct outbuf { u8 *p; size_t n, max; };

static void emit(struct outbuf *o, u8 c)
{
    o->p[o->n++] = c;
}

static void emit_tab(struct tty *t, struct outbuf *o)
{
    u32 n = 8 - (t->column & 7);

    t->column += n;
    if ((t->termios.c_oflag & TABDLY) != TAB3) {
        emit(o, '\t');
        return;
    }
    while (n--)
        emit(o, ' ');
}

/* One character through OPOST. False: not enough room; nothing was changed. */
static bool process(struct tty *t, struct outbuf *o, u8 c)
{
    if (o->n + EXPAND_MAX > o->max)
        return false;
    switch (c) {
    case '\n':
        if (O(t, ONLRET))
            t->column = 0;
        if (O(t, ONLCR)) {
            t->column = t->canon_column = 0;
            emit(o, '\r');
        }
        break;
    case '\r':
        if (O(t, ONOCR) && t->column == 0)
            return true;
        if (O(t, OCRNL)) {
            c = '\n';
            if (O(t, ONLRET))
                t->column = t->canon_column = 0;
            break;
        }
        t->column = t->canon_column = 0;
        break;
    case '\t':
        emit_tab(t, o);
        return true;
    case '\b':
        if (t->column)
            t->column--;
        break;
    default:
        if (c < 32 || c == 127)
            break;
        if (O(t, OLCUC) && c >= 'a' && c <= 'z')
            c &= (u8)~32;
        if (!((t->termios.c_iflag & IUTF8) && (c & 0xc0) == 0x80))
            t->column++;
    }
    emit(o, c);
    return true;
}

void ldisc_flush_echo(struct tty *t)
{
    if (!t->necho || t->stopped)
        return;
    u32 n = (u32)min(t->drv->room(t), (size_t)t->necho);
    if (!n)
        return;
    t->drv->write(t, t->echo, n);
    t->necho -= n;
    memmove(t->echo, t->echo + n, t->necho);
}

void echo_raw(struct tty *t, u8 c)
{
    struct outbuf o = { t->echo, t->necho, ECHO_BUF };

    if (t->necho + EXPAND_MAX > ECHO_BUF) {
        ldisc_flush_echo(t);
        o.n = t->necho;
    }
    if (O(t, OPOST))
        process(t, &o, c);
    else if (o.n < o.max)
        emit(&o, c);
    t->necho = (u32)o.n;
}

void echo_char(struct tty *t, u8 c)
{
    if ((t->termios.c_lflag & ECHOCTL) && (c < 32 || c == 127) && c != '\t') {
        echo_raw(t, '^');
        echo_raw(t, c ^ 0x40);
    } else {
        echo_raw(t, c);
    }
}

size_t ldisc_output(struct tty *t, const u8 *buf, size_t n)
{
    u8 tmp[256];
    size_t done = 0;

    ldisc_flush_echo(t);
    if (t->stopped || t->necho)
        return 0;
    while (done < n) {
        size_t room = t->drv->room(t);
        if (!O(t, OPOST)) {
            size_t k = min(n - done, room);
            if (!k)
                break;
            t->drv->write(t, buf + done, k);
            done += k;
            continue;
        }
        struct outbuf o = { tmp, 0, min(room, sizeof tmp) };
        while (done < n && process(t, &o, buf[done]))
            done++;
        if (o.n)
            t->drv->write(t, tmp, o.n);
        if (!o.n && room < EXPAND_MAX)
            break;
    }
    return done;
}
