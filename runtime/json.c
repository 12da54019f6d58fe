/* JSON for our own state files: a writer and a reader of just what the writer makes.
 * (config.json and all other foreign JSON is the oci room's.) */
#include "runtime/runtime.h"

#include <errno.h>
#include <string.h>

void rt_json_str(struct buf *b, const char *s)
{
    buf_puts(b, "\"");
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            buf_printf(b, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            buf_printf(b, "\\u%04x", c);
        else
            buf_put(b, s, 1);
    }
    buf_puts(b, "\"");
}

void rt_json_pairs(struct buf *b, const struct oci_pairs *p, const char *indent)
{
    buf_puts(b, "{");
    for (size_t i = 0; i < p->n; i++) {
        buf_printf(b, "%s\n%s  ", i ? "," : "", indent);
        rt_json_str(b, p->v[i].key);
        buf_puts(b, ": ");
        rt_json_str(b, p->v[i].value);
    }
    if (p->n)
        buf_printf(b, "\n%s", indent);
    buf_puts(b, "}");
}

/* The reader. Strings are unescaped where they stand: an escape is longer than what it
 * stands for. */
struct walk {
    char *p;
    rt_json_fn fn;
    void *arg;
    struct err *e;
};

static int bad(struct walk *w)
{
    return err_set(w->e, EINVAL, "state file is damaged");
}

static void skip_space(struct walk *w)
{
    while (*w->p == ' ' || *w->p == '\n' || *w->p == '\t' || *w->p == '\r')
        w->p++;
}

static bool eat(struct walk *w, char c)
{
    skip_space(w);
    if (*w->p != c)
        return false;
    w->p++;
    return true;
}

static int hex4(const char *p)
{
    int v = 0;

    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (d < 0)
            return -1;
        v = v * 16 + d;
    }
    return v;
}

static char *take_string(struct walk *w)
{
    char *start, *out;

    if (!eat(w, '"'))
        return NULL;
    start = out = w->p;
    while (*w->p && *w->p != '"') {
        if (*w->p != '\\') {
            *out++ = *w->p++;
            continue;
        }
        int v = w->p[1] == 'u' ? hex4(w->p + 2) : w->p[1];
        if (v <= 0 || v > 0x7f)
            return NULL;
        *out++ = (char)v;
        w->p += w->p[1] == 'u' ? 6 : 2;
    }
    if (*w->p != '"')
        return NULL;
    w->p++;
    *out = '\0';
    return start;
}

static int take_word(struct walk *w, const char *outer, const char *key)
{
    char word[32];
    size_t n = strspn(w->p, "-0123456789abcdefghijklmnopqrstuvwxyz");

    if (n == 0 || n >= sizeof(word))
        return bad(w);
    memcpy(word, w->p, n);
    word[n] = '\0';
    w->p += n;
    return w->fn(w->arg, outer, key, word, w->e);
}

static int take_object(struct walk *w, const char *outer, int depth);

static int take_value(struct walk *w, const char *outer, const char *key, int depth)
{
    char *s;

    skip_space(w);
    if (*w->p == '{')
        return take_object(w, key, depth + 1);
    if (*w->p != '"')
        return take_word(w, outer, key);
    s = take_string(w);
    return s ? w->fn(w->arg, outer, key, s, w->e) : bad(w);
}

static int take_object(struct walk *w, const char *outer, int depth)
{
    if (depth > 1 || !eat(w, '{'))
        return bad(w);
    if (eat(w, '}'))
        return 0;
    do {
        char *key = take_string(w);
        int r;
        if (!key || !eat(w, ':'))
            return bad(w);
        r = take_value(w, outer, key, depth);
        if (r < 0)
            return r;
    } while (eat(w, ','));
    return eat(w, '}') ? 0 : bad(w);
}

int rt_json_walk(char *text, rt_json_fn fn, void *arg, struct err *e)
{
    struct walk w = { text, fn, arg, e };
    int r = take_object(&w, "", 0);

    if (r < 0)
        return r;
    skip_space(&w);
    return *w.p ? bad(&w) : 0;
}
