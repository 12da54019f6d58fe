/* System calls: System V IPC (svipc(7)). */
#include <linux/msg.h>
#include <linux/sem.h>
#include "ipc.h"
#include "sys.h"
#include "sysctl.h"
#include "timeout.h"

/* -- shared memory -- */

enum { CTL_SHM_LOCK = 11, CTL_SHM_UNLOCK, CTL_SHM_STAT, CTL_SHM_INFO, CTL_SHM_STAT_ANY };

long sys_shmget(const u64 *a) { return shm_get((u32)a[0], a[1], (u32)a[2]); }
long sys_shmat(const u64 *a) { return shm_attach((int)a[0], a[1], (u32)a[2]); }
long sys_shmdt(const u64 *a) { return shm_detach(a[0]); }

static long shm_info(int cmd, uptr_t dst)
{
    struct { int used; u64 total, rss, swap, attempts, successes; } si = { 0 };
    struct shminfo64 limits = { .shmmin = 1 };
    struct ipc_usage u;
    int e;

    shm_usage(&u);
    if (cmd == IPC_INFO) {
        limits.shmmax = sysctl_get(SC_SHMMAX);
        limits.shmall = sysctl_get(SC_SHMALL);
        limits.shmmni = limits.shmseg = sysctl_get(SC_SHMMNI);
        e = copy_to_user(dst, &limits, sizeof limits);
    } else {
        si.used = u.objects;
        si.total = u.amount;
        si.rss = u.bytes >> PAGE_SHIFT;
        e = copy_to_user(dst, &si, sizeof si);
    }
    return e < 0 ? e : u.last_place;
}

long sys_shmctl(const u64 *a)
{
    int id = (int)a[0], cmd = (int)a[1], r;
    struct ipc_ref ref = { .id = id, .by_place = cmd != IPC_STAT, .any = cmd == CTL_SHM_STAT_ANY };
    struct shmid64_ds ds;

    if (id < 0 || cmd < 0) return -EINVAL;
    switch (cmd) {
    case IPC_INFO: case CTL_SHM_INFO:
        return shm_info(cmd, a[2]);
    case IPC_STAT: case CTL_SHM_STAT: case CTL_SHM_STAT_ANY:
        r = shm_stat(&ref, &ds);
        if (r >= 0 && copy_to_user(a[2], &ds, sizeof ds) < 0) return -EFAULT;
        return r < 0 || cmd != IPC_STAT ? r : 0;
    case IPC_SET:
        if (copy_from_user(&ds, a[2], sizeof ds) < 0) return -EFAULT;
        return shm_set(id, &ds.shm_perm);
    case IPC_RMID:
        return shm_remove(id);
    case CTL_SHM_LOCK: case CTL_SHM_UNLOCK:
        return shm_lock(id, cmd == CTL_SHM_LOCK);
    default:
        return -EINVAL;
    }
}

/* -- semaphores -- */

long sys_semget(const u64 *a) { return sem_get((u32)a[0], (int)a[1], (u32)a[2]); }

static long do_semop(int id, uptr_t user, u64 n, u64 deadline)
{
    struct sembuf few[16], *ops = few;
    long r;

    if (n < 1 || id < 0) return -EINVAL;
    if (n > SEM_OPS_MAX) return -E2BIG;
    if (n > ARRAY_SIZE(few)) ops = kmalloc(n * sizeof *ops);
    if (!ops) return -ENOMEM;
    r = copy_from_user(ops, user, n * sizeof *ops);
    if (!r) r = sem_op(id, ops, (u32)n, deadline);
    if (ops != few) kfree(ops);
    return r;
}

long sys_semop(const u64 *a) { return do_semop((int)a[0], a[1], a[2], WAIT_FOREVER); }

long sys_semtimedop(const u64 *a)
{
    u64 deadline;
    int r = deadline_from_timespec(a[3], &deadline);

    return r < 0 ? r : do_semop((int)a[0], a[1], a[2], deadline);
}

static long sem_info(int cmd, uptr_t dst)
{
    struct seminfo si = { .semmni = SEM_SET_MAX, .semmns = 1024000000, .semmsl = SEM_SET_MAX,
                          .semopm = SEM_OPS_MAX, .semvmx = SEM_VALUE_MAX, .semmnu = 1024000000,
                          .semmap = 1024000000, .semume = SEM_OPS_MAX, .semusz = 20,
                          .semaem = SEM_VALUE_MAX };
    struct ipc_usage u;

    sem_usage(&u);
    if (cmd == SEM_INFO) {
        si.semusz = u.objects;
        si.semaem = (int)u.amount;
    }
    return copy_to_user(dst, &si, sizeof si) < 0 ? -EFAULT : u.last_place;
}

static long all_values(int id, int cmd, uptr_t user)
{
    int n = sem_count(id), r;
    u16 *v;

    if (n < 0) return n;
    v = kmalloc((size_t)n * sizeof *v);
    if (!v) return -ENOMEM;
    if (cmd == GETALL) {
        r = sem_getall(id, v, (u32)n);
        if (!r) r = copy_to_user(user, v, (size_t)n * sizeof *v);
    } else {
        r = copy_from_user(v, user, (size_t)n * sizeof *v);
        if (!r) r = sem_setall(id, v, (u32)n);
    }
    kfree(v);
    return r;
}

long sys_semctl(const u64 *a)
{
    int id = (int)a[0], cmd = (int)a[2], r;
    struct ipc_ref ref = { .id = id, .by_place = cmd != IPC_STAT, .any = cmd == SEM_STAT_ANY };
    struct semid64_ds ds;

    if (id < 0) return -EINVAL;
    switch (cmd) {
    case IPC_INFO: case SEM_INFO:
        return sem_info(cmd, a[3]);
    case IPC_STAT: case SEM_STAT: case SEM_STAT_ANY:
        r = sem_stat(&ref, &ds);
        if (r >= 0 && copy_to_user(a[3], &ds, sizeof ds) < 0) return -EFAULT;
        return r < 0 || cmd != IPC_STAT ? r : 0;
    case GETVAL: case GETPID: case GETNCNT: case GETZCNT:
        return sem_ask(id, (u32)a[1], cmd);
    case GETALL: case SETALL:
        return all_values(id, cmd, a[3]);
    case SETVAL:
        return sem_setval(id, (u32)a[1], (int)a[3]);
    case IPC_SET:
        if (copy_from_user(&ds, a[3], sizeof ds) < 0) return -EFAULT;
        return sem_set(id, &ds.sem_perm);
    case IPC_RMID:
        return sem_remove(id);
    default:
        return -EINVAL;
    }
}

/* -- message queues: the text stands behind its type -- */

long sys_msgget(const u64 *a) { return msg_get((u32)a[0], (u32)a[1]); }

long sys_msgsnd(const u64 *a)
{
    void *text;
    s64 type;

    if (get_user(type, a[1]) < 0) return -EFAULT;
    if (type < 1 || (int)a[0] < 0 || a[2] > sysctl_get(SC_MSGMAX)) return -EINVAL;
    text = kmalloc(max(a[2], 1ull));
    if (!text) return -ENOMEM;
    if (copy_from_user(text, a[1] + sizeof type, a[2]) < 0) {
        kfree(text);
        return -EFAULT;
    }
    return msg_send((int)a[0], type, text, a[2], (u32)a[3]);
}

long sys_msgrcv(const u64 *a)
{
    void *text;
    s64 type;
    ssize_t n;

    if ((int)a[0] < 0 || (s64)a[2] < 0) return -EINVAL;
    n = msg_receive((int)a[0], a[2], (s64)a[3], (u32)a[4], &type, &text);
    if (n < 0) return n;
    if (put_user(type, a[1]) < 0 || copy_to_user(a[1] + sizeof type, text, (size_t)n) < 0)
        n = -EFAULT;
    kfree(text);
    return n;
}

static long msg_info(int cmd, uptr_t dst)
{
    struct msginfo mi = { .msgpool = 512000, .msgmap = 16384, .msgssz = 16, .msgtql = 16384,
                          .msgseg = 0xffff };
    struct ipc_usage u;

    msg_usage(&u);
    mi.msgmax = (int)sysctl_get(SC_MSGMAX);
    mi.msgmnb = (int)sysctl_get(SC_MSGMNB);
    mi.msgmni = (int)sysctl_get(SC_MSGMNI);
    if (cmd == MSG_INFO) {
        mi.msgpool = u.objects;
        mi.msgmap = (int)u.amount;
        mi.msgtql = (int)u.bytes;
    }
    return copy_to_user(dst, &mi, sizeof mi) < 0 ? -EFAULT : u.last_place;
}

long sys_msgctl(const u64 *a)
{
    int id = (int)a[0], cmd = (int)a[1], r;
    struct ipc_ref ref = { .id = id, .by_place = cmd != IPC_STAT, .any = cmd == MSG_STAT_ANY };
    struct msqid64_ds ds;

    if (id < 0 || cmd < 0) return -EINVAL;
    switch (cmd) {
    case IPC_INFO: case MSG_INFO:
        return msg_info(cmd, a[2]);
    case IPC_STAT: case MSG_STAT: case MSG_STAT_ANY:
        r = msg_stat(&ref, &ds);
        if (r >= 0 && copy_to_user(a[2], &ds, sizeof ds) < 0) return -EFAULT;
        return r < 0 || cmd != IPC_STAT ? r : 0;
    case IPC_SET:
        if (copy_from_user(&ds, a[2], sizeof ds) < 0) return -EFAULT;
        return msg_set(id, &ds.msg_perm, ds.msg_qbytes);
    case IPC_RMID:
        return msg_remove(id);
    default:
        return -EINVAL;
    }
}
