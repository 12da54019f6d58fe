/* The `xenc` command. main.c reads the global flags and calls one rt_cmd_VERB; each
 * verb has its own file and its line in commands.def. Prototypes are grouped by file.
 *
 * Way of a container: launch.c (spec -> plan -> state directory -> cgroup -> console ->
 * hv_start -> hooks) is what run and create share; the rest reads what it stored. */
#ifndef XENC_RUNTIME_H
#define XENC_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "hv/hv.h"
#include "oci/oci.h"

#define RT_VERSION "0.1.0"
#define RT_SPEC_MIN "1.0.0"
#define RT_SPEC_VERSION "1.1.0"         /* the runtime-spec this build follows */

/* A line of a table of flags. */
struct rt_flag {
    const char *name;           /* NULL ends a table */
    char letter;                /* 0: none */
    bool *on;                   /* a switch ... */
    const char **value;         /* ... or a flag with a value */
    const char *arg, *help;
};

/* What the global flags said. */
struct rt {
    const char *root;           /* folder of the containers' state */
    const struct rt_flag *flags;    /* the global flags, for help */
    const char *libexec;        /* folder of xenc-hv, xenc-dev and the kernels */
    bool debug;
    bool privileged;            /* effective user is root */
    enum hv_kind domain;
    char *annotations;          /* keys that config.json may have, without "xenc.": comma
                                 * separated, or "all", "none"; NULL: all */
};

/* commands.def: every verb answers its exit status or a negative errno. */
struct rt_args {
    const char *verb;
    int argc;                   /* words behind the verb; after rt_flags_verb: no flags */
    char **argv;
    char **rest;                /* NULL-terminated words behind "--", or NULL */
};
#define RT_COMMAND(v, args, help) \
    int rt_cmd_##v(struct rt *rt, struct rt_args *a, struct err *e);
#define RT_PLANNED(v)
#include "runtime/commands.def"
#undef RT_COMMAND
#undef RT_PLANNED

/* config.c: the file that the host's administrator may write ------------------------- */

/* Reads `path`, or without one /etc/xenc/xenc.conf where that exists, into rt. */
int rt_config_read(struct rt *rt, const char *path, struct err *e);
/* Refuses an annotation of ours that the file does not allow. */
int rt_config_check(const struct rt *rt, const struct oci_spec *s, struct err *e);

/* args.c -------------------------------------------------------------------------- */

/* Reads flags up to the first other word; answers how many words they took. */
int rt_flags_global(const struct rt_flag *flags, int argc, char **argv, struct err *e);
/* Takes the flags out of a verb's words. Answers 1 when it has printed the verb's help. */
int rt_flags_verb(const struct rt_flag *flags, struct rt_args *a, struct err *e);
void rt_flags_print(const struct rt_flag *flags, FILE *out);
/* The verb's only argument as a checked container id. */
int rt_one_id(const struct rt_args *a, const char **id_r, struct err *e);

/* help.c */
void rt_help_all(const struct rt_flag *global, FILE *out);
void rt_help_verb(const char *verb, const struct rt_flag *flags, FILE *out);

/* json.c: writing, and reading back what we wrote ------------------------------------ */

void rt_json_str(struct buf *b, const char *s);         /* quoted and escaped */
void rt_json_pairs(struct buf *b, const struct oci_pairs *p, const char *indent);

/* Walks an object of strings, numbers, booleans and objects of these: `outer` is "" or
 * the key of the object around. Values are unescaped text, inside `text`. */
typedef int (*rt_json_fn)(void *arg, const char *outer, const char *key, const char *value,
                          struct err *e);
int rt_json_walk(char *text, rt_json_fn fn, void *arg, struct err *e);

/* store.c: state.json ---------------------------------------------- */

enum rt_status { RT_CREATING, RT_CREATED, RT_RUNNING, RT_PAUSED, RT_STOPPED };

struct rt_state {
    struct arena mem;           /* the strings below when read from a file */
    const char *id, *bundle, *rootfs, *created, *version;
    struct oci_pairs annotations;
    pid_t pid;                  /* the monitor; 0: none yet */
    uint64_t start_time;        /* /proc/PID/stat, field 22: tells a reused pid apart */
    uid_t owner;
    bool started, paused;
    const char *cgroups;        /* cgroup directories, newline separated; "" */
    const char *temp_bundle;    /* made by --image, removed at the end; "" */
};

/* dir.c: the state directory ROOT/ID ----------------------------------------------- */

/* A container's directory, open. `fd` holds the lock while this is open if locked. */
struct rt_dir { int fd; };
#define RT_DIR_NONE { .fd = -1 }
void rt_dir_close(struct rt_dir *d);

/* rt->root is NULL where the caller is not root and has said nothing. */
int rt_root_check(const char *root, struct err *e);
int rt_id_check(const char *id, struct err *e);
/* Claims a new id: makes ROOT/ID and locks it; -EEXIST when it is taken. */
int rt_dir_create(const char *root, const char *id, struct rt_dir *d, struct err *e);
/* -ENOENT "container does not exist". With lock: waits for other commands to finish. */
int rt_dir_open(const char *root, const char *id, bool lock, struct rt_dir *d, struct err *e);
/* Removes ROOT/ID with all in it. */
int rt_dir_remove(const char *root, const char *id, const struct rt_dir *d, struct err *e);
/* Lets other commands at a container that is ours to wait for, and takes it back:
 * -ENOENT when one of them has deleted it. */
void rt_dir_unlock(const struct rt_dir *d);
int rt_dir_relock(const char *root, const char *id, const struct rt_dir *d, struct err *e);
int rt_dir_listen(const struct rt_dir *d, int *fd_r, struct err *e);    /* ctl.sock */
int rt_dir_ctl(const struct rt_dir *d, uint32_t cmd, uint32_t arg0, uint32_t arg1,
               struct err *e);

int rt_state_write(const struct rt_dir *d, const struct rt_state *s, struct err *e);
int rt_state_read(const struct rt_dir *d, struct rt_state *s, struct err *e);
void rt_state_dispose(struct rt_state *s);
/* Looks at the process table. */
enum rt_status rt_state_status(const struct rt_state *s);
const char *rt_status_name(enum rt_status st);
/* The state as runtime-spec's runtime.md prints it, plus runc's additions when `full`. */
void rt_state_json(struct buf *b, const struct rt_state *s, enum rt_status st, bool full);

/* onverb.c: for verbs without flags whose only argument is a container: opens it, locked,
 * reads its state and answers what fn does. */
typedef int (*rt_container_fn)(const struct rt_dir *d, struct rt_state *s, struct err *e);
int rt_on_container(struct rt *rt, struct rt_args *a, rt_container_fn fn, struct err *e);

/* process.c: the monitor --------------------------------------------------------------- */

/* Start time of a process; false: there is no such process or it is a zombie. */
bool rt_proc_alive(pid_t pid, uint64_t *start_time_r);
int rt_state_signal_monitor(const struct rt_state *s, int sig, struct err *e);
/* Kills the monitor, which ends the domain, and waits until it is gone; fine when it is
 * gone already. */
int rt_state_kill(const struct rt_state *s, struct err *e);

/* plan.c: config.json -> what hv starts. Pure: opens nothing, asks nothing ----------- */

/* What plan must know of the host, gathered by launch.c. */
struct rt_facts {
    unsigned rows, cols;        /* window size of the terminal; 0: unknown */
    const char *home;           /* the user's home by the image's passwd; NULL: none */
    bool privileged;
    uid_t uid;
    gid_t gid;
    unsigned ncpus;             /* CPUs that the caller may use */
    const char *no_kvm;         /* why the host offers no pvh domains; NULL: it does */
};

struct rt_options {
    enum hv_kind domain;
    bool strace, debug;
    char **args;                /* instead of process.args, or NULL */
};

/* A host file the guest may mount; share i of the record is bind i. `source` is
 * relative to the bundle or absolute; launch.c opens it. */
struct rt_bind {
    const char *source, *destination;
    size_t index;               /* of mounts[], for messages */
    bool ro;
};

struct rt_plan {
    struct hv_spec hv;          /* all but descriptors, id and libexec */
    char why[256];              /* the kind of domain and the reason for it, for the log */
    struct buf record;
    struct buf cmdline;         /* hv.cmdline, when made of several */
    struct rt_bind *binds;
    size_t nbinds;
};

/* The plan borrows from the spec. */
int rt_plan_make(const struct oci_spec *s, const struct rt_options *o,
                 const struct rt_facts *f, struct rt_plan *p, struct err *e);
void rt_plan_dispose(struct rt_plan *p);

/* The kind of a name as users write it: 0, or -EINVAL. */
int rt_domain_kind(const char *name, enum hv_kind *kind_r);

/* plan's parts: plan_domain.c, plan_process.c, plan_mounts.c, plan_refuse.c, plan_seccomp.c */
int rt_plan_domain(const struct oci_spec *s, const struct rt_options *o,
                   const struct rt_facts *f, struct rt_plan *p, struct err *e);
int rt_plan_process(const struct oci_spec *s, const struct rt_options *o,
                    const struct rt_facts *f, struct buf *rec, struct err *e);
int rt_plan_mounts(const struct oci_spec *s, struct rt_plan *p, struct err *e);
int rt_plan_devices(const struct oci_spec *s, struct buf *rec, struct err *e);
int rt_plan_seccomp(const struct oci_spec *s, struct buf *rec, struct err *e);
/* Refuses, naming the field, what neither the record nor the host side carries out. */
int rt_plan_refuse(const struct oci_spec *s, const struct rt_facts *f, struct err *e);
/* Fields that are accepted and have no meaning in a domain: "path: why", NULL-ended. */
extern const char *const rt_plan_meaningless[];

/* bundle.c ----------------------------------------------------------------------------- */

struct rt_bundle {
    char *path, *rootfs_path;   /* absolute */
    int fd, rootfs;             /* O_PATH */
    char *text;                 /* config.json */
    size_t text_len;
    struct oci_spec *spec;
    char *home;                 /* rt_facts.home */
    struct hv_share *shares;
    size_t nshares;
};
#define RT_BUNDLE_NONE { .fd = -1, .rootfs = -1 }

/* Reads config.json and opens the root file system. The caller closes, also on failure. */
int rt_bundle_open(const char *dir, struct rt_bundle *b, struct err *e);
void rt_bundle_close(struct rt_bundle *b);
void rt_bundle_facts(struct rt_bundle *b, struct rt_facts *f);
/* Opens what the plan's bind mounts name. */
int rt_bundle_shares(struct rt_bundle *b, const struct rt_plan *p, struct err *e);
void rt_bundle_mountpoints(struct rt_bundle *b, const struct rt_plan *p);

/* cgroup.c ------------------------------------------------------------------------- */

#define RT_CGROUP_MAX 16
struct rt_cgroup {
    int procs[RT_CGROUP_MAX];   /* cgroup.procs of each hierarchy, open for writing */
    size_t n;
    struct buf dirs;            /* the directories, newline separated, to be removed */
};
#define RT_CGROUP_NONE { .n = 0 }

/* Makes the container's cgroup and sets its limits; nothing when config.json asks for
 * none. On failure nothing is left behind. */
int rt_cgroup_make(const struct oci_spec *s, const char *id, bool privileged,
                   struct rt_cgroup *cg, struct err *e);
void rt_cgroup_dispose_fds(struct rt_cgroup *cg);
void rt_cgroup_dispose(struct rt_cgroup *cg);           /* closes, does not remove */
/* Kills what is still inside and removes the directories. */
int rt_cgroup_remove(const char *dirs, struct err *e);

/* console.c ------------------------------------------------------------------------- */

struct rt_console { int master, slave; };
#define RT_CONSOLE_NONE { -1, -1 }

int rt_console_open(struct rt_console *c, uint32_t rows, uint32_t cols, struct err *e);
void rt_console_close(struct rt_console *c);
/* Sends the master to the engine's socket. */
int rt_console_send(const struct rt_console *c, const char *socket_path, struct err *e);

/* attach.c: `run` in the foreground -------------------------------------------------- */

/* Holds back the signals that are passed on, so that none is lost or ends us before
 * the container is there. */
void rt_attach_prepare(void);
/* Passes signals (and with a terminal bytes and window sizes) until the monitor ends;
 * *status_r is its exit status as a shell gives it. */
int rt_attach(pid_t monitor, const struct rt_dir *d, const struct rt_console *c,
              int *status_r, struct err *e);

/* hooks.c --------------------------------------------------------------------------- */

/* Runs the hooks of one point with the state on their input; stops at the first that
 * fails. */
int rt_hooks_run(const struct oci_spec *s, enum oci_hook_kind kind,
                 const struct rt_state *st, enum rt_status status, struct err *e);
/* The same where failures are only logged: poststart, poststop. */
void rt_hooks_run_all(const struct oci_spec *s, enum oci_hook_kind kind,
                      const struct rt_state *st, enum rt_status status);

/* launch.c --------------------------------------------------------------------------- */

struct rt_launch {
    /* from the flags */
    const char *id, *bundle, *pid_file, *console_socket, *image, *domain;
    char **args;
    enum hv_kind kind;          /* of `domain` */
    bool detach, keep, strace, create;
    /* made on the way; owned */
    char id_made[48], created[72];
    char *temp_bundle;
    uint32_t rows, cols;
    struct rt_bundle b;
    struct rt_plan plan;
    struct rt_dir dir;
    struct rt_cgroup cgroup;
    struct rt_console console;
    struct rt_state state;
    bool claimed;               /* ROOT/ID is ours to remove */
};
#define RT_LAUNCH_NONE { .b = RT_BUNDLE_NONE, .dir = RT_DIR_NONE, .console = RT_CONSOLE_NONE }

/* create and run have these flags. */
int rt_launch_flags(struct rt_launch *l, struct rt_args *a, struct err *e);
/* Up to a domain that is ready (create) or runs. On failure nothing is left behind. */
int rt_launch(struct rt *rt, struct rt_launch *l, struct err *e);
void rt_launch_dispose(struct rt_launch *l);

/* destroy.c: the end of a container, for delete and run: kills what still runs, takes
 * away what it holds, runs the poststop hooks. Failures to remove one thing don't keep
 * the rest; the first is returned. */
int rt_destroy(struct rt *rt, const struct rt_dir *d, const struct rt_state *s, struct err *e);

/* image.c: unpacks an image reference to a new bundle. */
int image_prepare(const char *ref, const char *bundle, struct err *e);

#endif
