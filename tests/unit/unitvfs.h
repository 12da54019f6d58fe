/* The whole file system layer in a unit test: a tmpfs root and the real system calls. */
#ifndef UNITVFS_H
#define UNITVFS_H
#include "../../unikernel-kernel/fs/tmpfs.h"
#include "../../unikernel-kernel/include/sys.h"
#include "unitplat.h"

/* A task with a tmpfs for its root. */
struct task *unit_vfs_init(void);
/* Everything goes; true if no block of memory was left over. */
bool unit_vfs_end(void);
/* A further task with its own table and file system context, not running yet. */
struct task *unit_vfs_task(bool shared);
void unit_vfs_task_free(struct task *t);
/* Acts as an ordinary user; unit_be_root goes back. */
void unit_be_user(u32 uid, u32 gid);
void unit_be_root(void);
extern int unit_vfs_signal;             /* the last one sent */

/* SYS(open, "/x", O_RDONLY): calls sys_open with its arguments. */
#define ARG_(x) ((u64)(x))
#define CALL_(n, a, b, c, d, e, f, ...) \
    sys_##n((const u64[]){ ARG_(a), ARG_(b), ARG_(c), ARG_(d), ARG_(e), ARG_(f) })
#define CALL(n, ...) CALL_(n, __VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

/* Small helpers over the calls. */
int unit_file(const char *name, const char *text);      /* creates; 0 or -errno */
const char *unit_text(const char *name);                /* contents, static buffer */
u32 unit_mode(const char *name);                        /* st_mode of lstat; 0: error */
long unit_count(const char *dir);                       /* entries without . and .. */
#endif
