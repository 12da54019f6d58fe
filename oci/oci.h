/* The OCI room: config.json (runtime-spec 1.0.2 and 1.1) as a checked struct, and images
 * (image-spec 1.0/1.1 layouts) unpacked to bundles. json-c and libarchive stay inside.
 *
 * Every field the specification knows is taken into the struct or listed in
 * oci_spec.others, so that the runtime can enforce or refuse it; fields that the
 * specification does not know are ignored, as it says ("Extensibility"). */
#ifndef XENC_OCI_H
#define XENC_OCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

/* Optional numbers: absent is not zero. */
struct oci_i64 { bool set; int64_t v; };
struct oci_u64 { bool set; uint64_t v; };

/* A list of strings; v[n] is NULL. Empty: n 0, v may be NULL. */
struct oci_strv { char **v; size_t n; };
struct oci_pair { char *key, *value; };
struct oci_pairs { struct oci_pair *v; size_t n; };

/* process ---------------------------------------------------------------------- */

/* Order as XT_CAPS in abi/record.h; bit n is capability n. */
enum { OCI_CAP_BOUNDING, OCI_CAP_EFFECTIVE, OCI_CAP_INHERITABLE, OCI_CAP_PERMITTED,
       OCI_CAP_AMBIENT, OCI_CAP_SETS };

struct oci_rlimit { int resource; /* RLIMIT_* */ uint64_t soft, hard; };

struct oci_user {
    uint32_t uid, gid;
    struct oci_u64 umask;
    uint32_t *groups;           /* additionalGids */
    size_t ngroups;
};

struct oci_process {
    bool present;
    bool terminal;
    uint32_t rows, cols;        /* consoleSize; 0: not given */
    struct oci_user user;
    struct oci_strv args;       /* never empty when present */
    struct oci_strv env;        /* each "NAME=value" */
    char *cwd;                  /* absolute */
    bool has_caps;              /* process.capabilities was given */
    uint64_t caps[OCI_CAP_SETS];
    struct oci_rlimit *rlimits;
    size_t nrlimits;
    bool no_new_privs;
    char *apparmor_profile, *selinux_label;     /* NULL: not given */
    struct oci_i64 oom_score_adj;
};

/* mounts, hooks ------------------------------------------------------------------ */

struct oci_idmap { uint32_t container_id, host_id, size; };
struct oci_idmaps { struct oci_idmap *v; size_t n; };

struct oci_mount {
    char *destination;          /* absolute */
    char *type;                 /* "bind" for bind options without a type; else as given */
    char *source;               /* NULL: not given */
    struct oci_strv options;    /* as written */
    uint64_t flags;             /* MS_* the options ask for: MS_BIND and MS_REC among them */
    uint64_t cleared;           /* MS_* that options turn off again: rw, suid, ... */
    uint64_t propagation;       /* MS_SHARED, MS_SLAVE, ... with MS_REC; 0: none */
    uint64_t rec_set, rec_clear;    /* MOUNT_ATTR_* to set or clear on the whole tree */
    bool tmpcopyup;             /* fill the tmpfs with what it covers */
    bool idmap;                 /* option idmap or ridmap */
    char *data;                 /* the rest, comma separated, for the file system; "" */
    struct oci_idmaps uid_map, gid_map;
};

struct oci_hook {
    char *path;                 /* absolute */
    struct oci_strv args;       /* argv; n 0: path alone */
    struct oci_strv env;
    int timeout_s;              /* 0: none */
};
struct oci_hooks { struct oci_hook *v; size_t n; };

enum oci_hook_kind { OCI_HOOK_PRESTART, OCI_HOOK_CREATE_RUNTIME, OCI_HOOK_CREATE_CONTAINER,
                     OCI_HOOK_START_CONTAINER, OCI_HOOK_POSTSTART, OCI_HOOK_POSTSTOP,
                     OCI_HOOK_KINDS };

/* linux -------------------------------------------------------------------------- */

enum oci_ns_type { OCI_NS_PID, OCI_NS_NETWORK, OCI_NS_MOUNT, OCI_NS_IPC, OCI_NS_UTS,
                   OCI_NS_USER, OCI_NS_CGROUP, OCI_NS_TIME, OCI_NS_TYPES };

struct oci_ns {
    bool present;
    char *path;                 /* NULL: a new one */
};

struct oci_device {
    char *path;                 /* absolute, in the container */
    char type;                  /* 'c', 'b' or 'p' ("u" is 'c') */
    int64_t major, minor;
    struct oci_u64 mode;        /* permission bits; unset: 0666 */
    struct oci_u64 uid, gid;
};

struct oci_dev_rule {           /* resources.devices */
    bool allow;
    char type;                  /* 'a', 'c', 'b' */
    struct oci_i64 major, minor;    /* unset or -1: all */
    char *access;               /* of "rwm"; NULL: all */
};

struct oci_throttle { int64_t major, minor; uint64_t rate; };
struct oci_throttles { struct oci_throttle *v; size_t n; };

struct oci_weight_dev { int64_t major, minor; struct oci_u64 weight, leaf_weight; };

struct oci_resources {
    bool present;
    char *json;                 /* the object as text */
    struct {
        struct oci_i64 limit, reservation, swap, kernel, kernel_tcp;
        struct oci_u64 swappiness;
        bool disable_oom_killer, use_hierarchy, check_before_update;
    } memory;
    struct {
        struct oci_u64 shares, period, burst, rt_period;
        struct oci_i64 quota, rt_runtime, idle;
        char *cpus, *mems;
    } cpu;
    struct oci_i64 pids_limit;
    struct {
        struct oci_u64 weight, leaf_weight;
        struct oci_weight_dev *devs;
        size_t ndevs;
        struct oci_throttles read_bps, write_bps, read_iops, write_iops;
    } blkio;
    struct oci_dev_rule *devices;
    size_t ndevices;
    struct { char *page_size; uint64_t limit; } *hugepages;
    size_t nhugepages;
    struct oci_u64 net_class_id;
    struct { char *name; uint32_t priority; } *net_prio;
    size_t nnet_prio;
    struct { char *device; struct oci_u64 handles, objects; } *rdma;
    size_t nrdma;
    struct oci_pairs unified;
};

/* Actions and operators are the kernel's or libseccomp's numbers, see seccomp.c. */
struct oci_sec_arg { uint32_t index; uint32_t op; uint64_t value, value_two; };
enum oci_sec_op { OCI_OP_NE = 1, OCI_OP_LT, OCI_OP_LE, OCI_OP_EQ, OCI_OP_GE, OCI_OP_GT,
                  OCI_OP_MASKED_EQ };

struct oci_sec_rule {
    struct oci_strv names;      /* system calls; unknown names are kept */
    uint32_t action;            /* SECCOMP_RET_*, with the errno in the low bits */
    struct oci_sec_arg *args;   /* all must hold */
    size_t nargs;
};

struct oci_seccomp {
    bool present;
    char *json;
    uint32_t default_action;    /* SECCOMP_RET_* and errno */
    struct oci_strv archs;      /* "SCMP_ARCH_X86_64", ... */
    uint32_t flags;             /* SECCOMP_FILTER_FLAG_* */
    char *listener_path, *listener_metadata;
    struct oci_sec_rule *rules;
    size_t nrules;
};

struct oci_linux {
    bool present;
    struct oci_ns ns[OCI_NS_TYPES];
    struct oci_idmaps uid_map, gid_map;
    struct oci_device *devices;
    size_t ndevices;
    char *cgroups_path;         /* NULL: not given */
    struct oci_resources resources;
    struct oci_seccomp seccomp;
    struct oci_pairs sysctl;
    struct oci_strv masked_paths, readonly_paths;
    uint64_t rootfs_propagation;    /* MS_* with MS_REC; 0: not given */
    char *mount_label;
};

/* The whole ---------------------------------------------------------------------- */

/* A known field without a member of its own: solaris, windows, zos, vm,
 * process.scheduler, linux.intelRdt, ... Empty values ({}, [], "", null) are left out. */
struct oci_other { char *path, *json; };

/* vm ------------------------------------------------------------------------------- */

/* config-vm.md. hypervisor, image and the devices of hwConfig go to oci_spec.others. */
struct oci_vm {
    char *kernel, *initrd;      /* absolute paths on the host; NULL: not given */
    struct oci_strv parameters; /* of the kernel's command line, in order */
    struct oci_u64 vcpus, memory;       /* hwConfig; memory in bytes */
};

struct oci_spec {
    struct arena mem;           /* everything below lives here */
    char *version;              /* ociVersion */
    char *root_path;            /* as written: relative to the bundle or absolute */
    bool root_readonly;
    char *hostname, *domainname;    /* NULL: not given */
    struct oci_process process;
    struct oci_mount *mounts;
    size_t nmounts;
    struct oci_hooks hooks[OCI_HOOK_KINDS];
    struct oci_pairs annotations;
    struct oci_linux linux_;    /* "linux" is a macro of gnu11 */
    struct oci_vm vm;
    struct oci_other *others;
    size_t nothers;
    struct oci_strv warnings;   /* for the log: what the specification wants ignored */
};

/* spec.c: reads and checks a config.json. On failure the error starts with the field's
 * path ("process.rlimits[2].type: ...") and nothing is returned. */
int oci_spec_load(int dirfd, const char *path, struct oci_spec **spec_r, struct err *e);
int oci_spec_parse(const char *text, size_t len, struct oci_spec **spec_r, struct err *e);
/* A process object alone (exec --process): only spec->process and others are filled. */
int oci_process_parse(const char *text, size_t len, struct oci_spec **spec_r, struct err *e);
/* A resources object alone (update --resources): spec->linux_.resources. */
int oci_resources_parse(const char *text, size_t len, struct oci_spec **spec_r,
                        struct err *e);
void oci_spec_free(struct oci_spec *s);     /* NULL is fine */

/* The annotation's value, or NULL. */
const char *oci_annotation(const struct oci_spec *s, const char *key);

/* default.c: the config.json that `xenc spec` writes, as text the caller frees; NULL
 * when memory runs out. */
char *oci_spec_default(void);

/* names.c: names of the specification and Linux; -1 when unknown. */
int oci_cap_number(const char *name);           /* "CAP_CHOWN" -> 0 */
const char *oci_cap_name(int cap);              /* NULL past the last one */
int oci_rlimit_number(const char *name);        /* "RLIMIT_NOFILE" -> 7 */
int oci_signal_number(const char *name);        /* "SIGTERM", "TERM", "15" -> 15 */
const char *oci_ns_name(enum oci_ns_type t);    /* "network", ... */
const char *oci_hook_name(enum oci_hook_kind k);
/* All option names that mounts understand, NULL at the end, for `xenc features`. */
const char *const *oci_mount_option_names(void);

/* Images ------------------------------------------------------------------------- */

struct oci_progress {
    unsigned layer, nlayers;    /* 0-based */
    uint64_t done, total;       /* compressed bytes of all layers */
    bool finished;
};

struct oci_image_opts {
    void (*progress)(void *arg, const struct oci_progress *p);  /* may be NULL */
    void (*warn)(void *arg, const char *text);                  /* may be NULL */
    void *arg;
    const volatile int *cancel; /* becomes nonzero (a signal): stop with -EINTR; may be NULL */
    bool terminal;              /* unpack: process.terminal of the bundle */
};

/* image.c: unpacks LAYOUT[:TAG] (a folder or a tar file) into a new bundle directory:
 * rootfs/ and config.json. `bundle` must not exist or be empty. Every digest and size
 * is verified. On failure nothing stays behind. Without root, device nodes are skipped
 * and owners become the caller's, each said once through opts->warn. opts may be NULL. */
int oci_image_unpack(const char *ref, const char *bundle, const struct oci_image_opts *opts,
                     struct err *e);

struct oci_import_opts {
    struct oci_image_opts common;
    const char *const *entrypoint, *const *cmd, *const *env;   /* NULL-terminated or NULL */
    const char *user, *workdir;         /* NULL: none */
};

/* import.c: makes the layout folder LAYOUT of LAYOUT:TAG, or adds to it, with an image
 * of one layer made from a tar file (any compression of none, gzip, zstd) or a root file
 * system directory. Same input, same bytes out. A tag that exists is replaced. */
int oci_image_import(const char *src, const char *ref, const struct oci_import_opts *opts,
                     struct err *e);

#endif
