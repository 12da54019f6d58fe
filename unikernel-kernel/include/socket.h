/* Sockets: what sys/socket.c and sys/sockmsg.c call, what an address family provides.
 * net/socket.c has the file operations and the families' table. */
#ifndef SOCKET_H
#define SOCKET_H
#include "vfs.h"

#define SOCK_ADDR_MAX 128

/* Numbers that the kernel's headers for programs don't have. */
enum { AF_UNSPEC, AF_UNIX };
enum { SOCK_STREAM = 1, SOCK_DGRAM = 2, SOCK_SEQPACKET = 5 };
enum { MSG_OOB = 1, MSG_PEEK = 2, MSG_CTRUNC = 8, MSG_TRUNC = 0x20, MSG_DONTWAIT = 0x40,
       MSG_EOR = 0x80, MSG_WAITALL = 0x100, MSG_NOSIGNAL = 0x4000, MSG_CMSG_CLOEXEC = 0x40000000 };
enum { SHUT_RD, SHUT_WR, SHUT_RDWR };
enum { SCM_RIGHTS = 1, SCM_CREDENTIALS = 2 };
#define SCM_MAX_FDS 253

struct ucred { int pid; u32 uid, gid; };

/* Who has sent a message or connected: pid is an id (pid.h); nr, what its own namespace,
 * with number ns (0: the first one), called it, holds when it has ended, too. */
struct sender { struct ucred id; u32 ns; int nr; };
/* As the current task may see it. */
struct ucred sender_cred(const struct sender *s);
/* What a sender says of itself (SCM_CREDENTIALS): true, or within its rights. 0, -EPERM, -ESRCH. */
int sender_claim(const struct ucred *u, struct sender *s_r);

/* What travels beside the bytes. */
struct scm {
    u32 nfds;
    struct file *fd[SCM_MAX_FDS];       /* counted */
};
void scm_free(struct scm *s);           /* puts the files; NULL is fine */

struct sock_msg {
    struct uio *u;
    u32 flags;                          /* MSG_*; DONTWAIT set for O_NONBLOCK */
    u8 addr[SOCK_ADDR_MAX];
    u32 addr_len;                       /* send: 0: none; receive: filled in */
    struct scm *scm;                    /* send: taken over when sent; receive: the caller's */
    bool has_cred;
    struct sender sender;
    u32 out_flags;                      /* receive: MSG_TRUNC, MSG_EOR ... */
};

struct socket {
    const struct sock_ops *ops;
    int family, type, protocol;
    u64 rcv_timeout, snd_timeout;       /* ns; 0: none */
    bool passcred;
    u64 ino;                            /* of its file; 0: it has none yet */
    u32 rcvbuf, sndbuf;
};

struct sock_ops {
    int (*bind)(struct socket *s, const u8 *addr, u32 len);
    int (*connect)(struct socket *s, const u8 *addr, u32 len, bool nonblock);
    int (*listen)(struct socket *s, int backlog);
    int (*accept)(struct socket *s, bool nonblock, struct socket **new_r);
    int (*getname)(struct socket *s, bool peer, u8 *addr);      /* length or -errno */
    ssize_t (*send)(struct socket *s, struct sock_msg *m);
    ssize_t (*recv)(struct socket *s, struct sock_msg *m);
    int (*shutdown)(struct socket *s, int how);
    u32 (*poll)(struct socket *s, struct file *f, struct polltable *pt);
    long (*ioctl)(struct socket *s, u32 cmd, u64 arg);
    /* SOL_SOCKET options that only the family knows: length, or -ENOPROTOOPT. */
    int (*getopt)(struct socket *s, int name, void *val);
    void (*close)(struct socket *s);    /* frees */
};

/* -- net/socket.c -- */
/* type: without SOCK_NONBLOCK and SOCK_CLOEXEC. -EAFNOSUPPORT .. */
int socket_new(int family, int type, int protocol, struct socket **s_r);
/* A file for it (flags: O_NONBLOCK); takes s over on success. */
struct file *socket_file(struct socket *s, u32 flags);
struct socket *file_socket(const struct file *f);       /* NULL: not a socket */
int socket_setopt(struct socket *s, int level, int name, uptr_t val, u32 len);
int socket_getopt(struct socket *s, int level, int name, uptr_t val, uptr_t len);
/* A deadline from a timeout in ns, 0: forever. */
u64 socket_deadline(u64 timeout);

/* -- net/unix.c -- */
int unix_new(int type, int protocol, struct socket **s_r);
int unix_pair(struct socket *a, struct socket *b);
/* A line for each, as in /proc/net/unix (net/unix_list.c). */
struct seq;
void unix_text(struct seq *s);
#endif
