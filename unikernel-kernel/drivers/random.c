/* The kernel's random numbers: ChaCha20 with fast key erasure. Each refill makes a new
 * key and a pool of output; what is given out is wiped, so that the state never tells
 * what it gave before. Large requests get a key of their own and run without the lock.
 *
 * The platform's seed is there at the first call. Once programs use the generator in
 * earnest, the entropy device is asked for more, then every few minutes. */
#include "random.h"
#include <asm/ioctl.h>
#include <linux/random.h>
#include <linux/capability.h>
#include "chacha.h"
#include "plat.h"
#include "task.h"
#include "time.h"
#include "vfs.h"

enum { POOL = 480, LARGE = 256, RESEED_FIRST = 1024 };
#define RESEED_NS (300 * NSEC_PER_SEC)

static struct {
    struct spinlock lock;
    bool seeded;
    u32 key[8];
    u8 pool[POOL];
    u32 at;                     /* first unused byte of pool */
    u64 given;                  /* bytes since the last reseed */
    u64 reseed_at;
} rnd = { .at = POOL };

static const u32 nonce[2] = { 0x78656e63, 0x726e6430 };

/* Lock held. Mixes n bytes into the key. */
static void mix(const u8 *p, size_t n)
{
    u32 block[16];

    do {
        u8 part[32] = { 0 };
        size_t k = min(n, sizeof part);

        memcpy(part, p, k);
        for (unsigned i = 0; i < 32; i++)
            ((u8 *)rnd.key)[i] ^= part[i];
        chacha20_block(rnd.key, n, nonce, block);
        memcpy(rnd.key, block, sizeof rnd.key);
        p += k;
        n -= k;
    } while (n);
    rnd.at = POOL;              /* what was made from the old key is not used */
}

static void seed(void)
{
    u64 s[8];

    plat_entropy(s, sizeof s);
    s[0] ^= plat_clock_mono();
    s[1] ^= plat_clock_real();
    mix((const u8 *)s, sizeof s);
    rnd.seeded = true;
}

static void refill(void)
{
    u32 out[16 * 8];

    for (u32 i = 0; i < 8; i++)
        chacha20_block(rnd.key, i, nonce, out + 16 * i);
    memcpy(rnd.key, out, sizeof rnd.key);
    memcpy(rnd.pool, out + 8, POOL);
    memset(out, 0, sizeof out);
    rnd.at = 0;
}
_Static_assert(POOL + 32 == 16 * 8 * 4, "eight blocks: a key and the pool");

static void take(u8 *buf, size_t n)
{
    while (n) {
        size_t k;

        if (rnd.at == POOL)
            refill();
        k = min(n, (size_t)(POOL - rnd.at));
        memcpy(buf, rnd.pool + rnd.at, k);
        memset(rnd.pool + rnd.at, 0, k);
        rnd.at += (u32)k;
        buf += k;
        n -= k;
    }
}

static void stream(const u32 key[8], u8 *buf, size_t n)
{
    u32 block[16];

    for (u64 i = 0; n; i++) {
        size_t k = min(n, sizeof block);

        chacha20_block(key, i, nonce, block);
        memcpy(buf, block, k);
        buf += k;
        n -= k;
    }
    memset(block, 0, sizeof block);
}

void random_bytes(void *buf, size_t n)
{
    bool large = n > LARGE, reseed;
    u64 now = plat_clock_mono();
    u32 key[8];

    spin_lock(&rnd.lock);
    if (!rnd.seeded)
        seed();
    rnd.given += n;
    reseed = rnd.given >= RESEED_FIRST && now >= rnd.reseed_at;
    if (reseed) {
        rnd.reseed_at = now + RESEED_NS;
        rnd.given = 0;
    }
    take(large ? (u8 *)key : buf, large ? sizeof key : n);
    spin_unlock(&rnd.lock);
    if (large) {
        stream(key, buf, n);
        memset(key, 0, sizeof key);
    }
    if (reseed)
        rng_request();
}

void random_add(const void *buf, size_t n)
{
    spin_lock(&rnd.lock);
    if (!rnd.seeded)
        seed();
    if (n)
        mix(buf, n);
    spin_unlock(&rnd.lock);
}

/* -- /dev/random and /dev/urandom -- */

static ssize_t random_read(struct file *f, struct uio *u, loff_t *pos)
{
    return random_to(u);
}

ssize_t random_to(struct uio *u)
{
    ssize_t done = 0, r = 0;
    u8 buf[512];

    while (u->left) {
        size_t n = min(u->left, sizeof buf);

        random_bytes(buf, n);
        r = uio_write(u, buf, n);
        if (r < 0)
            break;
        done += r;
        if (r < (ssize_t)n || (u->left && signal_pending(current())))
            break;
    }
    memset(buf, 0, sizeof buf);
    return done ? done : r;
}

static ssize_t random_write(struct file *f, struct uio *u, loff_t *pos)
{
    ssize_t done = 0, r = 0;
    u8 buf[256];

    while (u->left) {
        r = uio_read(u, buf, min(u->left, sizeof buf));
        if (r <= 0)
            break;
        random_add(buf, (size_t)r);
        done += r;
    }
    return done ? done : r;
}

static long random_ioctl(struct file *f, u32 cmd, u64 arg)
{
    int bits = 256;

    switch (cmd) {
    case RNDGETENTCNT:
        return put_user(bits, arg);
    case RNDADDTOENTCNT:
    case RNDCLEARPOOL:
    case RNDZAPENTCNT:
    case RNDRESEEDCRNG:
        if (!capable(CAP_SYS_ADMIN))
            return -EPERM;
        rng_request();
        return 0;
    default:
        return -ENOTTY;
    }
}

const struct file_ops random_fops = {
    .read = random_read, .write = random_write, .ioctl = random_ioctl,
};
