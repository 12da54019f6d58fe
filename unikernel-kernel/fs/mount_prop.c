/* Mount propagation (mount_namespaces(7)): mounts of one peer group get what is mounted on
 * any of them, slaves of the group get it too and give nothing back. mount_mutex is held
 * throughout; dcache_lock where mounts enter or leave the tree. */
#include "fs.h"

static u32 last_group, last_pass;

static bool has_peer(const struct mount *m)
{
    const struct mount *q;
    list_for_each(q, &mounts_all, all_link)
        if (q != m && q->group == m->group)
            return true;
    return false;
}

/* m leaves its peer group; if it was the last, the group's slaves follow its master. */
static void leave_group(struct mount *m)
{
    struct mount *q;
    if (!m->group)
        return;
    if (!has_peer(m))
        list_for_each(q, &mounts_all, all_link)
            if (q->master == m->group)
                q->master = m->master;
    m->group = 0;
}

void mount_make_shared(struct mount *m)
{
    if (!m->group)
        m->group = ++last_group;
}

void mount_leave_peers(struct mount *m)
{
    leave_group(m);
    m->master = 0;
}

static void make_slave(struct mount *m)
{
    u32 group = m->group;
    bool peers = group && has_peer(m);
    leave_group(m);
    if (peers)
        m->master = group;
}

static void set_one(struct mount *m, u64 type)
{
    if (type == MS_SHARED) {
        mount_make_shared(m);
    } else if (type == MS_SLAVE) {
        make_slave(m);
    } else {
        mount_leave_peers(m);
        m->unbindable = type == MS_UNBINDABLE;
        return;
    }
    m->unbindable = false;
}

void mount_set_propagation(struct mount *top, u64 type, bool recursive)
{
    struct mount *m;
    spin_lock(&dcache_lock);
    list_for_each(m, &mounts_all, all_link)
        if (m == top || (recursive && mount_is_below_locked(m, top)))
            set_one(m, type);
    spin_unlock(&dcache_lock);
}

/* -- what happens on one mount happens on others -- */

/* The next mount that hears of what happens on `on`, in the pass that marks those done: a
 * peer, a slave, or a peer or slave of one that has heard. */
static struct mount *next_hearing(const struct mount *on, u32 pass)
{
    struct mount *q, *heard;
    list_for_each(q, &mounts_all, all_link) {
        if (q == on || q->pass == pass || (!q->group && !q->master))
            continue;
        if (q->group == on->group || q->master == on->group)
            return q;
        list_for_each(heard, &mounts_all, all_link)
            if (heard->pass == pass && heard->group &&
                (q->group == heard->group || q->master == heard->group))
                return q;
    }
    return NULL;
}

static bool is_new(const struct mount *m, u32 pass) { return m->born == pass; }

/* One copy of m and what is below it, onto (q, point). */
static int copy_onto(struct mount *m, const struct mount *on, struct mount *q, struct dentry *point,
                     u32 pass)
{
    struct mount *c = mount_clone(m, m->root);
    if (!c)
        return -ENOMEM;
    c->born = pass;
    if (q->group != on->group) {        /* a slave: hears, and says nothing to m's peers */
        c->master = m->group;
        c->group = 0;
        if (q->group)
            mount_make_shared(c);
    }
    spin_lock(&dcache_lock);
    mount_attach_locked(c, q, point);
    spin_unlock(&dcache_lock);
    return mount_copy_below(m, m->root, c, false);
}

int mount_propagate(struct mount *m)
{
    struct mount *on = m->parent, *q;
    struct dentry *point = m->point;
    u32 pass = ++last_pass;
    int r = 0;
    if (!on || !on->group)
        return 0;
    while (!r && (q = next_hearing(on, pass))) {
        q->pass = pass;
        if (!is_new(q, pass) && q != m && d_is_ancestor(q->root, point))
            r = copy_onto(m, on, q, point, pass);
    }
    return r;
}

/* What is mounted on q at point with m's root, and could go. */
static struct mount *twin_on(const struct mount *m, const struct mount *q,
                             const struct dentry *point)
{
    struct mount *k;
    spin_lock(&dcache_lock);
    k = mount_on_locked(q, point);
    if (k && (k == m || k->root != m->root || k->nchildren || READ_ONCE(k->ref.n) > 1))
        k = NULL;
    spin_unlock(&dcache_lock);
    return k;
}

void mount_propagate_umount(struct mount *m)
{
    struct mount *on = m->parent, *q, *twin;
    struct dentry *point = m->point;
    u32 pass = ++last_pass;
    if (!on || !on->group)
        return;
    while ((q = next_hearing(on, pass))) {
        q->pass = pass;
        twin = twin_on(m, q, point);
        if (twin)
            mount_detach_tree(twin);
    }
}
