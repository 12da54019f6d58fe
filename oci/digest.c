#include <stdio.h>
#include <string.h>

#include "oci/image.h"

void hash_init(struct hash *h)
{
    sha256_init(&h->ctx);
    h->bytes = 0;
}

void hash_add(struct hash *h, const void *data, size_t len)
{
    sha256_update(&h->ctx, len, data);
    h->bytes += len;
}

void hash_end(struct hash *h, char digest[static DIGEST_LEN + 1])
{
    uint8_t raw[SHA256_DIGEST_SIZE];
    char *p = digest + sprintf(digest, "sha256:");

    sha256_digest(&h->ctx, sizeof(raw), raw);
    for (size_t i = 0; i < sizeof(raw); i++)
        p += sprintf(p, "%02x", raw[i]);
}

/* Digests become file names, so nothing but the exact form passes. */
bool digest_valid(const char *digest)
{
    return strlen(digest) == DIGEST_LEN && !strncmp(digest, "sha256:", 7) &&
           strspn(digest + 7, "0123456789abcdef") == DIGEST_LEN - 7;
}
