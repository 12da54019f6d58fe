/* Free lists for the objects that every open or lookup makes. */
#include "fs.h"

void *objcache_get(struct objcache *c)
{
    void *p;
    spin_lock(&c->lock);
    c->live++;
    p = c->free;
    if (p) {
        c->free = *(void **)p;
        c->n--;
    }
    spin_unlock(&c->lock);
    if (p || (p = kmalloc(c->size)))
        return p;
    spin_lock(&c->lock);
    c->live--;
    spin_unlock(&c->lock);
    return NULL;
}

void objcache_put(struct objcache *c, void *p)
{
    if (!p)
        return;
    spin_lock(&c->lock);
    c->live--;
    if (c->n < c->max) {
        *(void **)p = c->free;
        c->free = p;
        c->n++;
        p = NULL;
    }
    spin_unlock(&c->lock);
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
