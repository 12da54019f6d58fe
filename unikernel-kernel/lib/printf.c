/* vsnprintf: the conversions of C without floating point. */
#include "kernel.h"

struct out { char *buf; size_t size, len; };

static void put(struct out *o, char c)
{
    if (o->len + 1 < o->size)
        o->buf[o->len] = c;
    o->len++;
}

static void pad(struct out *o, char c, int n)
{
    while (n-- > 0)
        put(o, c);
}

struct spec {
    bool left, zero, plus, space, alt;
    int width, prec;            /* prec < 0: not given */
    int size;                   /* bytes of the integer argument */
    char conv;
};

static void put_string(struct out *o, const struct spec *f, const char *s, size_t n)
{
    int fill = f->width - (int)n;

    if (!f->left)
        pad(o, ' ', fill);
    for (size_t i = 0; i < n; i++)
        put(o, s[i]);
    if (f->left)
        pad(o, ' ', fill);
}

static void put_number(struct out *o, const struct spec *f, u64 v, bool negative)
{
    char digits[24];
    int n = 0, base = f->conv == 'x' || f->conv == 'X' || f->conv == 'p' ? 16 :
                      f->conv == 'o' ? 8 : 10;
    const char *set = f->conv == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    char prefix[3] = { 0 };
    bool zero = v == 0;

    for (; v; v /= (u64)base)
        digits[n++] = set[v % (u64)base];
    int least = f->prec < 0 ? 1 : f->prec;
    if (f->alt && base == 8 && least <= n)
        least = n + 1;
    if (negative || f->plus || f->space)
        prefix[0] = negative ? '-' : f->plus ? '+' : ' ';
    else if (base == 16 && ((f->alt && !zero) || f->conv == 'p'))
        prefix[0] = '0', prefix[1] = f->conv == 'X' ? 'X' : 'x';

    int plen = prefix[0] ? prefix[1] ? 2 : 1 : 0;
    int zeros = least > n ? least - n : 0;
    int fill = f->width - plen - zeros - n;
    if (f->zero && !f->left && f->prec < 0 && fill > 0) {
        zeros += fill;
        fill = 0;
    }
    if (!f->left)
        pad(o, ' ', fill);
    for (int i = 0; i < plen; i++)
        put(o, prefix[i]);
    pad(o, '0', zeros);
    while (n)
        put(o, digits[--n]);
    if (f->left)
        pad(o, ' ', fill);
}

static const char *parse_number(const char *s, int *n_r)
{
    int n = 0;

    for (; *s >= '0' && *s <= '9' && n < 100000; s++)
        n = n * 10 + (*s - '0');
    *n_r = n;
    return s;
}

static const char *parse_flags(const char *s, struct spec *f)
{
    for (;; s++) {
        switch (*s) {
        case '-': f->left = true; break;
        case '0': f->zero = true; break;
        case '+': f->plus = true; break;
        case ' ': f->space = true; break;
        case '#': f->alt = true; break;
        default: return s;
        }
    }
}

static const char *parse_size(const char *s, struct spec *f)
{
    f->size = 4;
    if (*s == 'h') {
        f->size = 2;
        if (*++s == 'h')
            f->size = 1, s++;
    } else if (*s == 'l' || *s == 'z' || *s == 't' || *s == 'j') {
        f->size = 8;
        if (*s++ == 'l' && *s == 'l')
            s++;
    }
    return s;
}

static u64 sign_extend(u64 v, int size)
{
    return size == 1 ? (u64)(s64)(int8_t)v : size == 2 ? (u64)(s64)(int16_t)v :
           size == 4 ? (u64)(s64)(s32)v : v;
}

static void convert_integer(struct out *o, struct spec *f, u64 v)
{
    if (f->conv == 'd' || f->conv == 'i') {
        v = sign_extend(v, f->size);
        bool negative = (s64)v < 0;
        put_number(o, f, negative ? 0 - v : v, negative);
        return;
    }
    f->plus = f->space = false;
    put_number(o, f, f->size == 8 ? v : v & ((1ull << f->size * 8) - 1), false);
}

int vsnprintf(char *buf, size_t size, const char *s, va_list ap)
{
    struct out o = { buf, size, 0 };

    for (; *s; s++) {
        if (*s != '%') {
            put(&o, *s);
            continue;
        }
        struct spec f = { .prec = -1 };
        s = parse_flags(s + 1, &f);
        if (*s == '*') {
            f.width = va_arg(ap, int);
            if (f.width < 0)
                f.left = true, f.width = -f.width;
            s++;
        } else {
            s = parse_number(s, &f.width);
        }
        if (*s == '.') {
            if (s[1] == '*')
                f.prec = va_arg(ap, int), s += 2;
            else
                s = parse_number(s + 1, &f.prec);
        }
        s = parse_size(s, &f);
        f.conv = *s;
        if (strchr("diuxXo", *s) && *s) {
            u64 v = f.size == 8 ? va_arg(ap, u64) : va_arg(ap, u32);
            convert_integer(&o, &f, v);
        } else if (*s == 'p') {
            put_number(&o, &f, (u64)va_arg(ap, void *), false);
        } else if (*s == 'c') {
            char c = (char)va_arg(ap, int);
            put_string(&o, &f, &c, 1);
        } else if (*s == 's') {
            const char *str = va_arg(ap, const char *);
            if (!str)
                str = "(null)";
            put_string(&o, &f, str, f.prec < 0 ? strlen(str) : strnlen(str, (size_t)f.prec));
        } else if (*s) {
            put(&o, *s);                /* %% */
        } else {
            break;
        }
    }
    if (size)
        buf[o.len < size ? o.len : size - 1] = 0;
    return (int)o.len;
}

int snprintf(char *buf, size_t n, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int r = vsnprintf(buf, n, fmt, ap);
    va_end(ap);
    return r;
}
