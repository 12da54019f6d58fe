/* Inside oci/: a hash map from 64-bit keys to 32-bit numbers. */
#ifndef XENC_OCI_KEYMAP_H
#define XENC_OCI_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct keymap { struct keymap_slot *slots; size_t n, cap; };    /* zeroed: empty */

/* Sets or replaces; false when memory ran out. */
bool keymap_put(struct keymap *m, uint64_t key, uint32_t value);
bool keymap_get(const struct keymap *m, uint64_t key, uint32_t *value_r);
void keymap_clear(struct keymap *m);    /* keeps the memory */
void keymap_dispose(struct keymap *m);

#endif
