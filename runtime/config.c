/* xenc.conf: lines "key = value"; "#" begins a comment.
 *
 *   domain = auto | pv | pvh       where neither flag nor annotation says
 *   annotations = all | none | domain, strace, vcpus, ...
 *                                  which of ours config.json may have. Those who write
 *                                  annotations are often the tenants. */
#include "runtime/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

#define DEFAULT_FILE "/etc/xenc/xenc.conf"
enum { FILE_MAX_BYTES = 64 << 10 };

static const char *const known[] = {
    "xenc.all", "xenc.none",
#define RT_ANNOTATION(key, values, what) key,
#include "runtime/annotations.def"
#undef RT_ANNOTATION
};

static char *trim(char *s)
{
    char *end;

    s += strspn(s, " \t\r");
    end = s + strlen(s);
    while (end > s && strchr(" \t\r", end[-1]))
        end--;
    *end = '\0';
    return s;
}

/* The next word of a list, its length in *n_r; NULL at the end. */
static const char *next_word(const char *list, size_t *n_r)
{
    list += strspn(list, ", \t");
    *n_r = strcspn(list, ", \t");
    return *n_r ? list : NULL;
}

static bool listed(const char *list, const char *word)
{
    size_t n;

    for (const char *w = list; (w = next_word(w, &n)); w += n) {
        if (n == strlen(word) && memcmp(w, word, n) == 0)
            return true;
    }
    return false;
}

static bool is_known(const char *word, size_t n)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const char *name = known[i] + strlen("xenc.");
        if (strlen(name) == n && memcmp(name, word, n) == 0)
            return true;
    }
    return false;
}

static int take_annotations(struct rt *rt, const char *value, struct err *e)
{
    size_t n;

    for (const char *w = value; (w = next_word(w, &n)); w += n) {
        if (!is_known(w, n))
            return err_set(e, EINVAL, "annotations: unknown: %.*s", (int)n, w);
    }
    free(rt->annotations);
    rt->annotations = strdup(value);
    return rt->annotations ? 0 : err_set(e, ENOMEM, "out of memory");
}

static int take(struct rt *rt, const char *key, const char *value, struct err *e)
{
    if (strcmp(key, "annotations") == 0)
        return take_annotations(rt, value, e);
    if (strcmp(key, "domain") != 0)
        return err_set(e, EINVAL, "unknown key \"%s\"", key);
    return rt_domain_kind(value, &rt->domain) == 0 ? 0 :
           err_set(e, EINVAL, "domain: takes auto, pv or pvh, not \"%s\"", value);
}

static int take_line(struct rt *rt, char *line, struct err *e)
{
    char *eq;

    line[strcspn(line, "#")] = '\0';
    line = trim(line);
    if (!line[0])
        return 0;
    eq = strchr(line, '=');
    if (!eq)
        return err_set(e, EINVAL, "not \"key = value\"");
    *eq = '\0';
    return take(rt, trim(line), trim(eq + 1), e);
}

int rt_config_read(struct rt *rt, const char *path, struct err *e)
{
    _cleanup_free_ char *text = NULL;
    const char *name = path ? path : DEFAULT_FILE;
    char *line, *rest;
    size_t len;
    unsigned n = 0;

    if (!path && access(name, F_OK) < 0)
        return 0;
    int r = read_file_at(AT_FDCWD, name, FILE_MAX_BYTES, &text, &len, e);
    if (r < 0)
        return r;
    if (strlen(text) != len)
        return err_set(e, EINVAL, "%s: has NUL bytes", name);
    for (rest = text; (line = strsep(&rest, "\n")); ) {
        n++;
        r = take_line(rt, line, e);
        if (r < 0)
            return err_add(e, "%s:%u", name, n);
    }
    return 0;
}

int rt_config_check(const struct rt *rt, const struct oci_spec *s, struct err *e)
{
    if (!rt->annotations || listed(rt->annotations, "all"))
        return 0;
    for (size_t i = 0; i < s->annotations.n; i++) {
        const char *key = s->annotations.v[i].key;
        if (strncmp(key, "xenc.", 5) == 0 && !listed(rt->annotations, key + 5))
            return err_set(e, EPERM, "config.json: annotations[\"%s\"]: not allowed by this "
                           "host's xenc.conf", key);
    }
    return 0;
}
