/* Many small allocations that are freed at once. */
#ifndef XENC_BASE_ARENA_H
#define XENC_BASE_ARENA_H

#include <stddef.h>

struct arena_block;
struct arena { struct arena_block *blocks; };   /* zeroed: empty */

/* Zeroed memory, aligned for any type; NULL when there is none left. */
void *arena_alloc(struct arena *a, size_t size);
/* As arena_alloc for n elements, safe against overflow; n == 0 still is not NULL. */
void *arena_array(struct arena *a, size_t n, size_t size);
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_strdup(struct arena *a, const char *s);
void arena_dispose(struct arena *a);

#endif
