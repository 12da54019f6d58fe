/* /proc/net/unix: every unix socket that there is. */
#include "seq.h"
#include "unixint.h"

#define ACCEPTS 0x10000         /* among the flags there: it listens */

static struct list all = LIST_INIT(all);
static struct spinlock all_lock;

void unix_list_add(struct usock *u)
{
    spin_lock(&all_lock);
    list_add_tail(&all, &u->all_link);
    spin_unlock(&all_lock);
}

void unix_list_remove(struct usock *u)
{
    spin_lock(&all_lock);
    list_del(&u->all_link);
    spin_unlock(&all_lock);
}

/* A path; or an abstract name, whose NUL bytes show as '@'. */
static void put_name(struct seq *s, const struct uaddr *a)
{
    bool path = a->len > 2 && a->sun[2];
    u32 len = a->len - path;            /* a path is kept with its end */

    seq_puts(s, " ");
    for (u32 k = 2; k < len; k++)
        seq_put(s, a->sun[k] ? (const char *)&a->sun[k] : "@", 1);
}

/* States of Linux's enum socket_state: 1 not connected, 2 waits to be accepted, 3 connected. */
static int state_of(const struct usock *u)
{
    if (READ_ONCE(u->state) != U_CONNECTED)
        return 1;
    return READ_ONCE(u->sock.ino) ? 3 : 2;
}

void unix_text(struct seq *s)
{
    const struct usock *u;

    spin_lock(&all_lock);
    list_for_each(u, &all, all_link) {
        const struct uaddr *a = __atomic_load_n(&u->addr, __ATOMIC_ACQUIRE);

        seq_printf(s, "%016x: %08X %08X %08X %04X %02X %5llu", 0, READ_ONCE(u->ref.n), 0,
                   READ_ONCE(u->state) == U_LISTEN ? ACCEPTS : 0, u->sock.type, state_of(u),
                   (unsigned long long)u->sock.ino);
        if (a)
            put_name(s, a);
        seq_puts(s, "\n");
    }
    spin_unlock(&all_lock);
}
