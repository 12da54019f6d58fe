#include "oci/keymap.h"

#include <stdlib.h>
#include <string.h>

struct keymap_slot { uint64_t key; uint32_t value; bool used; };

static size_t place(const struct keymap *m, uint64_t key)
{
    size_t i = (size_t)((key * 0x9e3779b97f4a7c15ull) >> 20) & (m->cap - 1);

    while (m->slots[i].used && m->slots[i].key != key)
        i = (i + 1) & (m->cap - 1);
    return i;
}

static bool grow(struct keymap *m)
{
    struct keymap bigger = { .cap = m->cap ? m->cap * 2 : 256, .n = m->n };

    bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
    if (!bigger.slots)
        return false;
    for (size_t i = 0; i < m->cap; i++) {
        if (m->slots[i].used)
            bigger.slots[place(&bigger, m->slots[i].key)] = m->slots[i];
    }
    free(m->slots);
    *m = bigger;
    return true;
}

bool keymap_put(struct keymap *m, uint64_t key, uint32_t value)
{
    struct keymap_slot *s;

    if (m->n * 4 >= m->cap * 3 && !grow(m))
        return false;
    s = &m->slots[place(m, key)];
    m->n += !s->used;
    *s = (struct keymap_slot){ .key = key, .value = value, .used = true };
    return true;
}

bool keymap_get(const struct keymap *m, uint64_t key, uint32_t *value_r)
{
    const struct keymap_slot *s;

    if (!m->cap)
        return false;
    s = &m->slots[place(m, key)];
    if (s->used && value_r)
        *value_r = s->value;
    return s->used;
}

void keymap_clear(struct keymap *m)
{
    if (m->slots)
        memset(m->slots, 0, m->cap * sizeof(*m->slots));
    m->n = 0;
}

void keymap_dispose(struct keymap *m)
{
    free(m->slots);
    memset(m, 0, sizeof(*m));
}
