/* Free lists for the objects that every open or lookup makes. */
#include "fs.h"

void *objcache_get(struct objcache *c)
{
    void *p = NULL;
    if (READ_ONCE(c->free)) {
        spin_lock(&c->lock);
        p = c->free;
        if (p) {
            c->free = *(void **)p;
            c->n--;
        }
        spin_unlock(&c->lock);
    }
    return p ? p : kmalloc(c->size);
}

void objcache_put(struct objcache *c, void *p)
{
    if (!p)
        return;
    if (READ_ONCE(c->n) < c->max) {
        spin_lock(&c->lock);
        *(void **)p = c->free;
        c->free = p;
        c->n++;
        spin_unlock(&c->lock);
        return;
    }
    kfree(p);
}

void objcache_drain(struct objcache *c)
{
    void *p;
    spin_lock(&c->lock);
    p = c->free;
    c->free = NULL;
    c->n = 0;
    spin_unlock(&c->lock);
    while (p) {
        void *next = *(void **)p;
        kfree(p);
        p = next;
    }
}
