#include "oci/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void json_put(struct json_object **o)
{
    json_object_put(*o);
}

/* Where in the text the parser stopped, as people count. */
static int syntax_error(const char *text, size_t at, const char *what, struct err *e)
{
    unsigned line = 1, col = 1;

    for (size_t i = 0; i < at; i++) {
        col = text[i] == '\n' ? 1 : col + 1;
        line += text[i] == '\n';
    }
    return err_set(e, EINVAL, "line %u column %u: %s", line, col, what);
}

int json_parse(const char *text, size_t len, struct json_object **obj_r, struct err *e)
{
    struct json_tokener *tok;
    struct json_object *o;
    enum json_tokener_error why;
    size_t end;
    int rc = 0;

    if (len >= INT32_MAX)
        return err_set(e, EFBIG, "JSON text is too long");
    tok = json_tokener_new_ex(64);
    if (!tok)
        return err_sys(e, ENOMEM, "parse JSON");
    json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
    o = json_tokener_parse_ex(tok, text, (int)len);
    why = json_tokener_get_error(tok);
    /* A bare number at the very end is complete only when the text goes on. */
    if (why == json_tokener_continue) {
        o = json_tokener_parse_ex(tok, " ", 1);
        end = len;
        if (json_tokener_get_error(tok) != json_tokener_success)
            rc = syntax_error(text, len, "JSON text ends too early", e);
    } else {
        end = json_tokener_get_parse_end(tok);
        if (end > len)
            end = len;
        if (why != json_tokener_success)
            rc = syntax_error(text, end, json_tokener_error_desc(why), e);
    }
    json_tokener_free(tok);
    while (rc == 0 && end < len && strchr(" \t\r\n", text[end]) && text[end])
        end++;
    if (rc == 0 && end < len)
        rc = syntax_error(text, end, "text after the JSON value", e);
    if (rc == 0 && !o)
        rc = err_set(e, EINVAL, "JSON value is null");
    if (rc < 0)
        json_object_put(o);
    else
        *obj_r = o;
    return rc;
}

static size_t lengthen(struct jp *j, const char *fmt, const char *key, size_t i)
{
    size_t mark = j->len, room = sizeof(j->path) - j->len;
    int n = key ? snprintf(j->path + mark, room, "%s%s", fmt, key)
                : snprintf(j->path + mark, room, "[%zu]", i);

    if (n > 0)
        j->len += (size_t)n < room ? (size_t)n : room - 1;
    return mark;
}

size_t jp_key(struct jp *j, const char *key)
{
    return lengthen(j, j->len ? "." : "", key, 0);
}

size_t jp_index(struct jp *j, size_t i)
{
    return lengthen(j, "", NULL, i);
}

void jp_pop(struct jp *j, size_t mark)
{
    j->len = mark;
    j->path[mark] = 0;
}

static int verr(struct jp *j, const char *fmt, va_list ap)
{
    char text[512];

    vsnprintf(text, sizeof(text), fmt, ap);
    return err_set(j->e, EINVAL, "%s%s%s", j->path, j->len ? ": " : "", text);
}

int jp_err(struct jp *j, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    verr(j, fmt, ap);
    va_end(ap);
    return -EINVAL;
}

int jp_err_key(struct jp *j, const char *key, const char *fmt, ...)
{
    size_t mark = jp_key(j, key);
    va_list ap;

    va_start(ap, fmt);
    verr(j, fmt, ap);
    va_end(ap);
    jp_pop(j, mark);
    return -EINVAL;
}

int jp_nomem(struct jp *j)
{
    return err_sys(j->e, ENOMEM, "%s", j->len ? j->path : "configuration");
}

struct json_object *jp_get(struct json_object *o, const char *key)
{
    struct json_object *v = NULL;

    return json_object_object_get_ex(o, key, &v) ? v : NULL;
}

int jp_need(struct jp *j, struct json_object *o, const char *key)
{
    return jp_get(o, key) ? 0 : jp_err_key(j, key, "is missing");
}

static int wrong_type(struct jp *j, struct json_object *v, const char *want)
{
    return jp_err(j, "must be %s, not %s", want, json_type_to_name(json_object_get_type(v)));
}

int jv_str(struct jp *j, struct json_object *v, char **out)
{
    if (!json_object_is_type(v, json_type_string))
        return wrong_type(j, v, "a string");
    const char *s = json_object_get_string(v);
    size_t len = (size_t)json_object_get_string_len(v);
    if (memchr(s, 0, len))
        return jp_err(j, "contains a NUL character");
    *out = arena_strndup(j->mem, s, len);
    return *out ? 0 : jp_nomem(j);
}

int jv_i64(struct jp *j, struct json_object *v, int64_t *out)
{
    if (!json_object_is_type(v, json_type_int))
        return wrong_type(j, v, "an integer");
    *out = json_object_get_int64(v);
    if (*out >= 0 && json_object_get_uint64(v) > INT64_MAX)
        return jp_err(j, "is too large");
    return 0;
}

int jv_u64(struct jp *j, struct json_object *v, uint64_t *out)
{
    if (!json_object_is_type(v, json_type_int))
        return wrong_type(j, v, "an integer");
    if (json_object_get_int64(v) < 0)
        return jp_err(j, "must not be negative");
    *out = json_object_get_uint64(v);
    return 0;
}

int jp_str(struct jp *j, struct json_object *o, const char *key, char **out)
{
    struct json_object *v = jp_get(o, key);
    size_t mark = jp_key(j, key);

    if (v)
        TRY(jv_str(j, v, out));
    jp_pop(j, mark);
    return 0;
}

int jp_abs(struct jp *j, struct json_object *o, const char *key, char **out)
{
    char *s = NULL;

    TRY(jp_str(j, o, key, &s));
    if (s && s[0] != '/')
        return jp_err_key(j, key, "must be an absolute path, not \"%s\"", s);
    if (s)
        *out = s;
    return 0;
}

int jp_bool(struct jp *j, struct json_object *o, const char *key, bool *out)
{
    struct json_object *v = jp_get(o, key);
    size_t mark = jp_key(j, key);

    if (v && !json_object_is_type(v, json_type_boolean))
        return wrong_type(j, v, "true or false");
    if (v)
        *out = json_object_get_boolean(v);
    jp_pop(j, mark);
    return 0;
}

int jp_int(struct jp *j, struct json_object *o, const char *key, int64_t min, int64_t max,
           int64_t *out)
{
    struct oci_i64 n = { 0 };

    TRY(jp_i64(j, o, key, &n));
    if (n.set && (n.v < min || n.v > max))
        return jp_err_key(j, key, "must be from %" PRId64 " to %" PRId64 ", not %" PRId64,
                          min, max, n.v);
    if (n.set)
        *out = n.v;
    return 0;
}

int jp_u32(struct jp *j, struct json_object *o, const char *key, uint32_t *out)
{
    int64_t v = *out;

    TRY(jp_int(j, o, key, 0, UINT32_MAX, &v));
    *out = (uint32_t)v;
    return 0;
}

int jp_i64(struct jp *j, struct json_object *o, const char *key, struct oci_i64 *out)
{
    struct json_object *v = jp_get(o, key);
    size_t mark = jp_key(j, key);

    if (v)
        TRY(jv_i64(j, v, &out->v));
    out->set |= v != NULL;
    jp_pop(j, mark);
    return 0;
}

int jp_u64(struct jp *j, struct json_object *o, const char *key, struct oci_u64 *out)
{
    struct json_object *v = jp_get(o, key);
    size_t mark = jp_key(j, key);

    if (v)
        TRY(jv_u64(j, v, &out->v));
    out->set |= v != NULL;
    jp_pop(j, mark);
    return 0;
}
