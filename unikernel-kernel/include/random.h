/* The kernel's random numbers (drivers/random.c): one ChaCha20 generator a domain,
 * seeded by the platform and the entropy device, reseeded as it runs. */
#ifndef RANDOM_H
#define RANDOM_H
#include "kernel.h"

struct file_ops;
struct uio;

/* Fills buf. Never fails and never waits for entropy: the platform's seed is there from
 * the first instruction. Not under a spinlock. */
void random_bytes(void *buf, size_t n);
/* Fills the rest of u; stops early at a signal once something is there. */
ssize_t random_to(struct uio *u);
/* Mixes bytes into the generator (writes to /dev/random, the entropy device). */
void random_add(const void *buf, size_t n);
extern const struct file_ops random_fops;       /* /dev/random and /dev/urandom */

/* The entropy device (drivers/rng.c). request: more bytes, to come some time later. */
void rng_init(void);
void rng_request(void);
#endif
