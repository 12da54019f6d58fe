/* The inside of unix sockets (unix(7)). */
#ifndef NET_UNIXINT_H
#define NET_UNIXINT_H
#include "socket.h"
#include "task.h"

#define UNIX_PATH 108
#define UNIX_BUF 212992u        /* what a socket may have unread */

struct uaddr { struct ref ref; u32 len; u8 sun[2 + UNIX_PATH + 1]; };

struct umsg {                   /* queued bytes; a message unless the socket is a stream */
    struct list link;
    u32 len, off;
    struct scm *scm;
    struct uaddr *from;
    struct sender sender;
    u8 data[];
};

enum ustate { U_NEW, U_LISTEN, U_CONNECTED, U_CLOSED /* the peer has gone */ };

struct usock {
    struct socket sock;
    struct ref ref;             /* its file or listener, peers, senders */
    struct list bound_link;     /* names_lock */
    struct list all_link;       /* unix_list.c */
    struct inode *inode;        /* bound to a path; counted */
    struct uaddr *addr;         /* set once */
    struct mutex bind_lock;

    struct spinlock lock;       /* links.. see unix.c: the global link_lock for peer */
    struct list rx;             /* lock */
    u32 rx_bytes;               /* lock */
    int err;                    /* reported once; lock */
    struct list pending;        /* listening: not yet accepted; lock */
    struct list pending_link;
    u32 npending, backlog;
    bool rx_shut, tx_shut, dead;

    enum ustate state;          /* link_lock */
    struct usock *peer;         /* counted; link_lock */
    struct uaddr *peer_addr;    /* U_CLOSED: the address that the peer had; set once */
    struct sender cred, peer_cred;
    struct waitq wq;            /* readers, accepters, pollers */
    struct waitq room_wq;       /* those who send to this socket */
};

static inline struct usock *unix_of(struct socket *s)
{
    return container_of(s, struct usock, sock);
}
static inline bool unix_stream(const struct usock *u) { return u->sock.type == SOCK_STREAM; }
static inline bool unix_dgram(const struct usock *u) { return u->sock.type == SOCK_DGRAM; }
extern struct spinlock unix_link_lock;

struct usock *unix_alloc(int type);
void unix_get(struct usock *u);
void unix_put(struct usock *u);
struct usock *unix_peer_get(struct usock *u);   /* counted, or NULL */
struct sender unix_self(void);
struct sender unix_sender(void);
bool unix_full(const struct usock *u);

/* -- unix_name.c -- */
void uaddr_put(struct uaddr *a);
int unix_bind(struct socket *s, const u8 *addr, u32 len);
int unix_autobind(struct usock *u);
void unix_unbind(struct usock *u);
/* The socket of that type bound to the address; counted. */
int unix_find(const u8 *addr, u32 len, int type, struct usock **u_r);

/* -- unix_list.c -- */
void unix_list_add(struct usock *u);
void unix_list_remove(struct usock *u);

/* -- unix_msg.c -- */
ssize_t unix_send(struct socket *s, struct sock_msg *m);
ssize_t unix_recv(struct socket *s, struct sock_msg *m);
void umsg_free(struct umsg *m);
#endif
