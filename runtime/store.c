/* What the command line must know of a container between two calls: ROOT/ID/state.json,
 * replaced as a whole, and the control socket beside it. The status is not stored but
 * derived from the process table, so that a crash can't leave a wrong one. */
#include "runtime/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

#define STATE_FILE "state.json"
enum { STATE_MAX_BYTES = 4 << 20 };

const char *rt_status_name(enum rt_status st)
{
    static const char *const names[] = {
        [RT_CREATING] = "creating", [RT_CREATED] = "created", [RT_RUNNING] = "running",
        [RT_PAUSED] = "paused", [RT_STOPPED] = "stopped",
    };
    return names[st];
}

static void put_field(struct buf *b, const char *key, const char *value)
{
    buf_printf(b, "  \"%s\": ", key);
    rt_json_str(b, value ? value : "");
    buf_puts(b, ",\n");
}

int rt_state_write(const struct rt_dir *d, const struct rt_state *s, struct err *e)
{
    _cleanup_buf_ struct buf b = { 0 };
    const char *text;

    buf_puts(&b, "{\n");
    put_field(&b, "ociVersion", s->version);
    put_field(&b, "id", s->id);
    put_field(&b, "bundle", s->bundle);
    put_field(&b, "rootfs", s->rootfs);
    put_field(&b, "created", s->created);
    put_field(&b, "cgroups", s->cgroups);
    put_field(&b, "tempBundle", s->temp_bundle);
    buf_printf(&b, "  \"pid\": %d,\n  \"startTime\": %llu,\n  \"owner\": %u,\n", (int)s->pid,
               (unsigned long long)s->start_time, (unsigned)s->owner);
    buf_printf(&b, "  \"started\": %s,\n  \"paused\": %s,\n  \"annotations\": ",
               s->started ? "true" : "false", s->paused ? "true" : "false");
    rt_json_pairs(&b, &s->annotations, "  ");
    buf_puts(&b, "\n}\n");
    text = buf_cstr(&b);
    if (!text)
        return err_set(e, ENOMEM, "out of memory");
    return write_file_at(d->fd, STATE_FILE, text, b.len, 0600, e);
}

struct reader { struct rt_state *s; size_t cap; };

static int add_annotation(struct reader *rd, const char *key, const char *value, struct err *e)
{
    struct oci_pairs *p = &rd->s->annotations;

    if (p->n == rd->cap) {
        size_t cap = rd->cap ? rd->cap * 2 : 16;
        struct oci_pair *v = arena_array(&rd->s->mem, cap, sizeof(*v));
        if (!v)
            return err_set(e, ENOMEM, "out of memory");
        if (p->n)
            memcpy(v, p->v, p->n * sizeof(*v));
        p->v = v;
        rd->cap = cap;
    }
    p->v[p->n].key = arena_strdup(&rd->s->mem, key);
    p->v[p->n].value = arena_strdup(&rd->s->mem, value);
    if (!p->v[p->n].key || !p->v[p->n].value)
        return err_set(e, ENOMEM, "out of memory");
    p->n++;
    return 0;
}

static int read_field(void *arg, const char *outer, const char *key, const char *value,
                      struct err *e)
{
    struct reader *rd = arg;
    struct rt_state *s = rd->s;
    struct { const char *key; const char **to; } text[] = {
        { "ociVersion", &s->version }, { "id", &s->id }, { "bundle", &s->bundle },
        { "rootfs", &s->rootfs }, { "created", &s->created }, { "cgroups", &s->cgroups },
        { "tempBundle", &s->temp_bundle },
    };

    if (strcmp(outer, "annotations") == 0)
        return add_annotation(rd, key, value, e);
    for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
        if (strcmp(key, text[i].key) != 0)
            continue;
        *text[i].to = arena_strdup(&s->mem, value);
        return *text[i].to ? 0 : err_set(e, ENOMEM, "out of memory");
    }
    if (strcmp(key, "pid") == 0)
        s->pid = (pid_t)strtol(value, NULL, 10);
    else if (strcmp(key, "startTime") == 0)
        s->start_time = strtoull(value, NULL, 10);
    else if (strcmp(key, "owner") == 0)
        s->owner = (uid_t)strtoul(value, NULL, 10);
    else if (strcmp(key, "started") == 0)
        s->started = strcmp(value, "true") == 0;
    else if (strcmp(key, "paused") == 0)
        s->paused = strcmp(value, "true") == 0;
    return 0;
}

int rt_state_read(const struct rt_dir *d, struct rt_state *s, struct err *e)
{
    _cleanup_free_ char *text = NULL;
    struct reader rd = { .s = s };
    int r;

    memset(s, 0, sizeof(*s));
    s->id = s->bundle = s->rootfs = s->created = s->version = s->cgroups = s->temp_bundle = "";
    r = read_file_at(d->fd, STATE_FILE, STATE_MAX_BYTES, &text, NULL, e);
    if (r == -ENOENT)
        return err_set(e, ENOENT, "no state yet (it is being created, or its creator was killed)");
    if (r < 0)
        return r;
    r = rt_json_walk(text, read_field, &rd, e);
    if (r < 0)
        rt_state_dispose(s);
    return r;
}

void rt_state_dispose(struct rt_state *s)
{
    arena_dispose(&s->mem);
    memset(s, 0, sizeof(*s));
}

enum rt_status rt_state_status(const struct rt_state *s)
{
    uint64_t start;

    if (s->pid <= 0 || !rt_proc_alive(s->pid, &start) || start != s->start_time)
        return RT_STOPPED;
    if (s->paused)
        return RT_PAUSED;
    return s->started ? RT_RUNNING : RT_CREATED;
}

void rt_state_json(struct buf *b, const struct rt_state *s, enum rt_status st, bool full)
{
    buf_puts(b, "{\n");
    put_field(b, "ociVersion", s->version);
    put_field(b, "id", s->id);
    buf_printf(b, "  \"pid\": %d,\n", st == RT_STOPPED ? 0 : (int)s->pid);
    put_field(b, "status", rt_status_name(st));
    put_field(b, "bundle", s->bundle);
    if (full) {
        put_field(b, "rootfs", s->rootfs);
        put_field(b, "created", s->created);
    }
    buf_puts(b, "  \"annotations\": ");
    rt_json_pairs(b, &s->annotations, "  ");
    if (full)
        buf_puts(b, ",\n  \"owner\": \"\"");
    buf_puts(b, "\n}");
}
