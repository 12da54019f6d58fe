// uses: unikernel-kernel/lib/rbtree.c unikernel-kernel/lib/hash.c
/* Random inserts and erases; after each the tree must be ordered and balanced. */
#include <stdlib.h>
#include "unitplat.h"

struct item { struct rbnode node; int key; bool in; };
static struct item items[512];
static struct rbtree tree;

static int compare(const void *x, const void *y)
{
    return *(const int *)x - *(const int *)y;
}

static void insert(struct item *it)
{
    struct rbnode **link = &tree.root, *parent = NULL;

    while (*link) {
        parent = *link;
        int other = container_of(parent, struct item, node)->key;
        link = it->key < other ? &parent->left : &parent->right;
    }
    rb_insert(&tree, &it->node, parent, link);
}

/* Black height, or -1 where a rule is broken. */
static int check(const struct rbnode *n)
{
    if (!n)
        return 0;
    int l = check(n->left), r = check(n->right);
    if (l < 0 || l != r)
        return -1;
    if (n->red && ((n->left && n->left->red) || (n->right && n->right->red)))
        return -1;
    if ((n->left && n->left->parent != n) || (n->right && n->right->parent != n))
        return -1;
    return l + !n->red;
}

static bool in_order(void)
{
    static int want[ARRAY_SIZE(items)];
    int n = 0, i = 0;
    struct rbnode *last = NULL;

    for (size_t k = 0; k < ARRAY_SIZE(items); k++)
        if (items[k].in)
            want[n++] = items[k].key;
    qsort(want, (size_t)n, sizeof *want, compare);
    for (struct rbnode *p = rb_first(&tree); p; last = p, p = rb_next(p))
        if (i >= n || container_of(p, struct item, node)->key != want[i++])
            return false;
    for (; last; last = rb_prev(last))
        i--;
    return i == 0;
}

int main(void)
{
    bool balanced = true, ordered = true;

    srand(2);
    for (int round = 0; round < 20000; round++) {
        struct item *it = &items[(size_t)rand() % ARRAY_SIZE(items)];
        if (it->in) {
            rb_erase(&tree, &it->node);
        } else {
            it->key = rand() % 1000;
            insert(it);
        }
        it->in = !it->in;
        balanced &= check(tree.root) >= 0 && (!tree.root || !tree.root->red);
        if (round % 16 == 0)
            ordered &= in_order();
    }
    tap_ok(balanced, "red and black rules hold after every change");
    tap_ok(ordered, "walks visit all in order, forwards and backwards");
    tap_ok(hash_bytes("a", 1, 0) != hash_bytes("b", 1, 0) &&
           hash_bytes("a", 1, 0) != hash_bytes("a", 1, 1), "hashes differ by byte and seed");
    return tap_end();
}
