/* Lists, maps and sub-objects: see json.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "oci/json.h"

static int want(struct jp *j, struct json_object *v, enum json_type type, const char *name)
{
    if (json_object_is_type(v, type))
        return 0;
    return jp_err(j, "must be %s, not %s", name,
                  json_type_to_name(json_object_get_type(v)));
}

int jp_obj(struct jp *j, struct json_object *o, const char *key, jp_obj_fn fn, void *out,
           bool *present_r)
{
    struct json_object *v = jp_get(o, key);
    size_t mark = jp_key(j, key);

    if (v) {
        TRY(want(j, v, json_type_object, "an object"));
        if (present_r)
            *present_r = true;
        TRY(fn(j, v, out));
    }
    jp_pop(j, mark);
    return 0;
}

int jp_list(struct jp *j, struct json_object *o, const char *key, jp_obj_fn fn, size_t size,
            void *array_r, size_t *n_r)
{
    struct json_object *v = jp_get(o, key);
    size_t mark = jp_key(j, key);

    if (v) {
        TRY(want(j, v, json_type_array, "a list"));
        size_t n = json_object_array_length(v);
        char *array = arena_array(j->mem, n + 1, size);
        if (!array)
            return jp_nomem(j);
        for (size_t i = 0; i < n; i++) {
            struct json_object *item = json_object_array_get_idx(v, i);
            size_t inner = jp_index(j, i);
            if (!item)
                return jp_err(j, "must not be null");
            TRY(fn(j, item, array + i * size));
            jp_pop(j, inner);
        }
        memcpy(array_r, &array, sizeof(array));
        *n_r = n;
    }
    jp_pop(j, mark);
    return 0;
}

static int read_str(struct jp *j, struct json_object *v, void *out)
{
    return jv_str(j, v, out);
}

int jp_strv(struct jp *j, struct json_object *o, const char *key, struct oci_strv *out)
{
    return jp_list(j, o, key, read_str, sizeof(char *), &out->v, &out->n);
}

int jp_map(struct jp *j, struct json_object *o, const char *key, struct oci_pairs *out)
{
    struct json_object *v = jp_get(o, key);
    size_t mark = jp_key(j, key);

    if (v) {
        TRY(want(j, v, json_type_object, "an object"));
        size_t n = (size_t)json_object_object_length(v), i = 0;
        out->v = arena_array(j->mem, n, sizeof(*out->v));
        if (!out->v)
            return jp_nomem(j);
        json_object_object_foreach(v, name, item) {
            size_t inner = jp_key(j, name);
            if (!name[0])
                return jp_err(j, "has an empty name");
            if (!item)
                return jp_err(j, "must be a string, not null");
            TRY(jv_str(j, item, &out->v[i].value));
            out->v[i].key = arena_strdup(j->mem, name);
            if (!out->v[i].key)
                return jp_nomem(j);
            i++;
            jp_pop(j, inner);
        }
        out->n = i;
    }
    jp_pop(j, mark);
    return 0;
}

int jp_text(struct jp *j, struct json_object *o, const char *key, char **out)
{
    struct json_object *v = jp_get(o, key);
    const char *text;

    if (!v)
        return 0;
    text = json_object_to_json_string_ext(
        v, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    *out = text ? arena_strdup(j->mem, text) : NULL;
    return *out ? 0 : jp_nomem(j);
}

static bool is_empty(struct json_object *v)
{
    switch (json_object_get_type(v)) {
    case json_type_object: return json_object_object_length(v) == 0;
    case json_type_array:  return json_object_array_length(v) == 0;
    case json_type_string: return json_object_get_string_len(v) == 0;
    default:               return v == NULL;
    }
}

/* Arena memory can't grow in place; these lists are short and rare. */
static void *grown(struct jp *j, const void *old, size_t n, size_t size)
{
    char *p = arena_array(j->mem, n + 2, size);

    if (p && n)
        memcpy(p, old, n * size);
    return p;
}

int jp_other(struct jp *j, struct json_object *o, const char *key)
{
    struct oci_spec *s = j->spec;
    struct oci_other *more, *it;
    size_t mark;

    if (is_empty(jp_get(o, key)))
        return 0;
    more = grown(j, s->others, s->nothers, sizeof(*more));
    if (!more)
        return jp_nomem(j);
    it = &more[s->nothers];
    mark = jp_key(j, key);
    it->path = arena_strdup(&s->mem, j->path);
    if (!it->path)
        return jp_nomem(j);
    jp_pop(j, mark);
    TRY(jp_text(j, o, key, &it->json));
    s->others = more;
    s->nothers++;
    return 0;
}

int jp_warn(struct jp *j, const char *fmt, ...)
{
    struct oci_strv *w = &j->spec->warnings;
    char text[768];
    va_list ap;
    int n = snprintf(text, sizeof(text), "%s: ", j->path);
    char **more = grown(j, w->v, w->n, sizeof(char *));

    va_start(ap, fmt);
    vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
    va_end(ap);
    if (!more || !(more[w->n] = arena_strdup(j->mem, text)))
        return jp_nomem(j);
    w->v = more;
    w->n++;
    return 0;
}
