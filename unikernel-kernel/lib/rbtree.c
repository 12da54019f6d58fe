/* Red-black trees (Bayer 1972; Guibas and Sedgewick 1978): no red node has a red
 * child, and every way from the root down to a leaf passes as many black nodes.
 * Missing children count as black. */
#include "kernel.h"

static bool is_red(const struct rbnode *n)
{
    return n && n->red;
}

/* Puts `new` (or nothing) where `old` hangs. */
static void replace_child(struct rbtree *t, struct rbnode *old, struct rbnode *new)
{
    struct rbnode *p = old->parent;

    if (!p)
        t->root = new;
    else if (p->left == old)
        p->left = new;
    else
        p->right = new;
    if (new)
        new->parent = p;
}

/* n goes down, its right (left) child comes up in its place. */
static void rotate(struct rbtree *t, struct rbnode *n, bool left)
{
    struct rbnode *up = left ? n->right : n->left;
    struct rbnode *inner = left ? up->left : up->right;

    replace_child(t, n, up);
    if (left) {
        n->right = inner;
        up->left = n;
    } else {
        n->left = inner;
        up->right = n;
    }
    if (inner)
        inner->parent = n;
    n->parent = up;
}

void rb_insert(struct rbtree *t, struct rbnode *n, struct rbnode *parent, struct rbnode **link)
{
    n->parent = parent;
    n->left = n->right = NULL;
    n->red = true;
    *link = n;
    while (is_red(n->parent)) {
        struct rbnode *p = n->parent, *g = p->parent;
        bool left = p == g->left;
        struct rbnode *uncle = left ? g->right : g->left;

        if (is_red(uncle)) {            /* push the red up and go on there */
            p->red = uncle->red = false;
            g->red = true;
            n = g;
            continue;
        }
        if (n == (left ? p->right : p->left)) {
            rotate(t, p, left);
            p = n;
        }
        p->red = false;
        g->red = true;
        rotate(t, g, !left);
        break;
    }
    t->root->red = false;
}

/* The subtree at n (maybe empty) below p lacks one black node. */
static void fix_missing_black(struct rbtree *t, struct rbnode *n, struct rbnode *p)
{
    while (p && !is_red(n)) {
        bool left = n == p->left;
        struct rbnode *s = left ? p->right : p->left;

        if (s->red) {
            s->red = false;
            p->red = true;
            rotate(t, p, left);
            s = left ? p->right : p->left;
        }
        if (!is_red(s->left) && !is_red(s->right)) {
            s->red = true;
            n = p;
            p = n->parent;
            continue;
        }
        struct rbnode *outer = left ? s->right : s->left;
        if (!is_red(outer)) {
            (left ? s->left : s->right)->red = false;
            s->red = true;
            rotate(t, s, !left);
            outer = s;
            s = s->parent;
        }
        s->red = p->red;
        p->red = outer->red = false;
        rotate(t, p, left);
        return;
    }
    if (n)
        n->red = false;
}

void rb_erase(struct rbtree *t, struct rbnode *n)
{
    struct rbnode *child, *parent;
    bool lost_black;

    if (n->left && n->right) {          /* the next in order takes n's place */
        struct rbnode *s = n->right;
        while (s->left)
            s = s->left;
        child = s->right;
        parent = s->parent == n ? s : s->parent;
        lost_black = !s->red;
        if (s->parent != n) {
            replace_child(t, s, child);
            s->right = n->right;
            s->right->parent = s;
        }
        replace_child(t, n, s);
        s->left = n->left;
        s->left->parent = s;
        s->red = n->red;
    } else {
        child = n->left ? n->left : n->right;
        parent = n->parent;
        lost_black = !n->red;
        replace_child(t, n, child);
    }
    if (lost_black)
        fix_missing_black(t, child, parent);
}

struct rbnode *rb_first(const struct rbtree *t)
{
    struct rbnode *n = t->root;

    while (n && n->left)
        n = n->left;
    return n;
}

struct rbnode *rb_next(const struct rbnode *n)
{
    if (n->right) {
        struct rbnode *m = n->right;
        while (m->left)
            m = m->left;
        return m;
    }
    while (n->parent && n == n->parent->right)
        n = n->parent;
    return n->parent;
}

struct rbnode *rb_prev(const struct rbnode *n)
{
    if (n->left) {
        struct rbnode *m = n->left;
        while (m->right)
            m = m->right;
        return m;
    }
    while (n->parent && n == n->parent->left)
        n = n->parent;
    return n->parent;
}
