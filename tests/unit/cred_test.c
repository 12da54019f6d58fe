// uses: unikernel-kernel/core/cred.c unikernel-kernel/sys/cred.c
/* Credentials: the setuid family, capabilities over setuid and exec, groups. */
#include <linux/capability.h>
#include <linux/securebits.h>
#include <linux/stat.h>

#include "cred.h"
#include "sys.h"
#include "unitplat.h"

#include <string.h>

#define ALL ((1ull << (CAP_LAST_CAP + 1)) - 1)
#define NO (~0u)

static void become(u32 uid, u32 euid, u32 suid, u64 caps)
{
    struct cred *c = cred_dup(current()->cred);

    c->uid = uid;
    c->euid = c->fsuid = euid;
    c->suid = suid;
    c->gid = c->egid = c->sgid = c->fsgid = uid;
    c->cap_bset = ALL;
    c->cap_perm = c->cap_eff = caps;
    c->cap_inh = c->cap_amb = 0;
    c->securebits = 0;
    cred_commit(c);
}

static const struct cred *me(void) { return current()->cred; }
static long call(long (*fn)(const u64 *), u32 x, u32 y, u32 z)
{
    u64 a[6] = { x, y, z };
    return fn(a);
}

static void test_setuid(void)
{
    become(0, 0, 0, ALL);
    tap_is(call(sys_setuid, 1000, 0, 0), 0, "root gives its id away");
    tap_ok(me()->uid == 1000 && me()->suid == 1000 && me()->fsuid == 1000, "all of it");
    tap_ok(!me()->cap_perm && !me()->cap_eff, "and its capabilities");
    tap_is(call(sys_setuid, 0, 0, 0), -EPERM, "for good");

    become(1000, 0, 0, ALL);
    tap_is(call(sys_setresuid, NO, 1000, NO), 0, "a set-uid program steps down");
    tap_ok(me()->cap_perm == ALL && !me()->cap_eff, "permitted stays, effective goes");
    tap_is(call(sys_setresuid, NO, 0, NO), 0, "and up again");
    tap_ok(me()->cap_eff == ALL, "effective is back");

    become(1000, 1000, 1000, 0);
    tap_is(call(sys_setresuid, 1001, NO, NO), -EPERM, "a stranger's id is refused");
    tap_is(call(sys_setreuid, 1000, 1000, 0), 0, "its own is not");
    become(1000, 1001, 1002, 0);
    tap_is(call(sys_setuid, 1002, 0, 0), 0, "setuid to the saved id");
    tap_ok(me()->uid == 1000 && me()->euid == 1002, "changes the effective one alone");
    become(1000, 1001, 1001, 0);
    tap_is(call(sys_setreuid, 1001, 1000, 0), 0, "setreuid swaps");
    tap_ok(me()->uid == 1001 && me()->euid == 1000 && me()->suid == 1000, "the saved follows");

    become(0, 0, 0, ALL);
    tap_is(call(sys_setfsuid, 1000, 0, 0), 0, "setfsuid answers the old id");
    tap_ok(!(me()->cap_eff & 1ull << CAP_DAC_OVERRIDE), "file capabilities go with it");
    tap_ok(me()->cap_eff & 1ull << CAP_SETUID, "others stay");
    tap_is(call(sys_setfsuid, 0, 0, 0), 1000, "and back");
    tap_ok(me()->cap_eff == ALL, "with them");
}

static void test_keepcaps(void)
{
    struct cred *c;

    become(0, 0, 0, ALL);
    c = cred_dup(me());
    c->securebits = SECBIT_KEEP_CAPS;
    cred_commit(c);
    call(sys_setuid, 1000, 0, 0);
    tap_ok(me()->cap_perm == ALL && !me()->cap_eff, "PR_SET_KEEPCAPS keeps permitted ones");
}

struct exec_case { u32 uid, euid; u64 perm, inh, amb; u32 mode, owner; bool nnp; };

static struct cred *exec_with(struct exec_case x, const void *fcaps, size_t n, bool *secure_r)
{
    struct cred *c;

    become(x.uid, x.euid, x.euid, x.perm);
    c = cred_dup(me());
    c->cap_inh = x.inh;
    c->cap_amb = x.amb;
    cred_commit(c);
    return cred_for_exec(me(), x.mode, x.owner, 0, fcaps, n, x.nnp, secure_r);
}

static void test_exec(void)
{
    const u64 bind = 1ull << CAP_NET_BIND_SERVICE;
    struct vfs_cap_data fc = { .magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE };
    bool secure;
    struct cred *c;

    c = exec_with((struct exec_case){ .perm = ALL, .mode = 0755 }, NULL, 0, &secure);
    tap_ok(c == me() && !secure, "root's plain exec changes nothing");
    cred_put(c);

    c = exec_with((struct exec_case){ .uid = 1000, .euid = 1000, .mode = 0755 | S_ISUID }, NULL, 0,
                  &secure);
    tap_ok(c->euid == 0 && c->suid == 0 && c->uid == 1000, "set-uid root");
    tap_ok(c->cap_eff == ALL && secure, "gives all of the bounding set");
    cred_put(c);

    c = exec_with((struct exec_case){ .uid = 1000, .euid = 1000, .mode = 0755 | S_ISUID, .nnp = true },
                  NULL, 0, &secure);
    tap_ok(c->euid == 1000 && !c->cap_eff && !secure, "but not under no_new_privs");
    cred_put(c);

    c = exec_with((struct exec_case){ .uid = 1000, .euid = 1000, .perm = bind, .inh = bind, .amb = bind,
                  .mode = 0755 }, NULL, 0, &secure);
    tap_ok(c->cap_perm == bind && c->cap_eff == bind && !secure, "ambient ones pass an exec");
    cred_put(c);

    c = exec_with((struct exec_case){ .uid = 1000, .euid = 1000, .perm = bind, .mode = 0755 }, NULL, 0,
                  &secure);
    tap_ok(!c->cap_perm && !c->cap_eff, "others of a user's don't");
    cred_put(c);

    fc.data[0].permitted = (u32)bind;
    c = exec_with((struct exec_case){ .uid = 1000, .euid = 1000, .mode = 0755 }, &fc, sizeof fc, &secure);
    tap_ok(c->cap_perm == bind && c->cap_eff == bind && secure, "file capabilities");
    cred_put(c);
    c = exec_with((struct exec_case){ .uid = 1000, .euid = 1000, .mode = 0755, .nnp = true }, &fc,
                  sizeof fc, &secure);
    tap_ok(!c->cap_perm && !c->cap_eff, "not under no_new_privs");
    cred_put(c);
    c = exec_with((struct exec_case){ .uid = 1000, .euid = 1000, .mode = 0755 }, &fc, 7, &secure);
    tap_ok(!c->cap_perm, "a cut attribute counts for nothing");
    cred_put(c);
}

static void test_groups(void)
{
    u32 ids[] = { 30, 10, 20, 50, 40 }, got[5];
    u64 a[6] = { 5, (u64)ids }, b[6] = { 5, (u64)got };

    become(0, 0, 0, ALL);
    tap_is(sys_setgroups(a), 0, "setgroups");
    tap_is(sys_getgroups(b), 5, "getgroups");
    tap_ok(got[0] == 10 && got[4] == 50, "sorted");
    tap_ok(cred_in_group(me(), 40) && !cred_in_group(me(), 45), "membership");
    b[0] = 4;
    tap_is(sys_getgroups(b), -EINVAL, "too small a buffer");
    a[0] = 0;
    sys_setgroups(a);
    tap_is(me()->ngroups, 0, "none at all");
}

static void test_capset(void)
{
    struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct d[2] = { { 0 } };
    u64 a[6] = { (u64)&h, (u64)d };

    become(1000, 1000, 1000, 1ull << CAP_KILL);
    tap_is(sys_capget(a), 0, "capget");
    tap_is(d[0].effective, 1u << CAP_KILL, "shows what there is");
    d[0].permitted |= 1u << CAP_CHOWN;
    tap_is(sys_capset(a), -EPERM, "nobody permits himself more");
    d[0].permitted = d[0].effective = 0;
    tap_is(sys_capset(a), 0, "less is fine");
    tap_ok(!me()->cap_perm, "and done");
    h.version = 1;
    tap_is(sys_capset(a), -EINVAL, "an unknown version");
    tap_is(h.version, _LINUX_CAPABILITY_VERSION_3, "is told the known one");
}

int main(void)
{
    unit_task_init();
    test_setuid();
    test_keepcaps();
    test_exec();
    test_groups();
    test_capset();
    return tap_end();
}
