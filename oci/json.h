/* Inside oci/: reading json-c objects into structs, with the field's path kept for
 * messages. Absent keys and null leave the target as it is; a wrong type is an error. */
#ifndef XENC_OCI_JSON_H
#define XENC_OCI_JSON_H

#include <json-c/json.h>

#include "oci/oci.h"

struct jp {
    struct arena *mem;          /* what is read lives here */
    struct oci_spec *spec;      /* collects others and warnings; NULL for images */
    struct err *e;
    size_t len;                 /* of path */
    char path[512];             /* "process.rlimits[2]"; cut when longer */
};

#define TRY(call) do { int try_rc_ = (call); if (try_rc_ < 0) return try_rc_; } while (0)

/* Parses text strictly: one value, nothing behind it. The caller puts *obj_r. */
int json_parse(const char *text, size_t len, struct json_object **obj_r, struct err *e);
void json_put(struct json_object **o);
#define _cleanup_json_ __attribute__((cleanup(json_put)))

/* Lengthens the path; give the result to jp_pop. Not popped on error: the message has
 * been made by then. */
size_t jp_key(struct jp *j, const char *key);
size_t jp_index(struct jp *j, size_t i);
void jp_pop(struct jp *j, size_t mark);

/* -EINVAL with "path: text", or "path.key: text". */
int jp_err(struct jp *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int jp_err_key(struct jp *j, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int jp_nomem(struct jp *j);

/* The member, or NULL when absent or null. */
struct json_object *jp_get(struct json_object *o, const char *key);
/* A member that must be there. */
int jp_need(struct jp *j, struct json_object *o, const char *key);

/* The value itself. */
int jv_str(struct jp *j, struct json_object *v, char **out);
int jv_i64(struct jp *j, struct json_object *v, int64_t *out);
int jv_u64(struct jp *j, struct json_object *v, uint64_t *out);

/* A member. */
int jp_str(struct jp *j, struct json_object *o, const char *key, char **out);
int jp_abs(struct jp *j, struct json_object *o, const char *key, char **out); /* a path */
int jp_bool(struct jp *j, struct json_object *o, const char *key, bool *out);
int jp_int(struct jp *j, struct json_object *o, const char *key, int64_t min, int64_t max,
           int64_t *out);
int jp_u32(struct jp *j, struct json_object *o, const char *key, uint32_t *out);
int jp_i64(struct jp *j, struct json_object *o, const char *key, struct oci_i64 *out);
int jp_u64(struct jp *j, struct json_object *o, const char *key, struct oci_u64 *out);
int jp_strv(struct jp *j, struct json_object *o, const char *key, struct oci_strv *out);
int jp_map(struct jp *j, struct json_object *o, const char *key, struct oci_pairs *out);
int jp_text(struct jp *j, struct json_object *o, const char *key, char **out); /* raw */

/* Reads the object member `key` with fn; *present_r (may be NULL) says whether it was. */
typedef int (*jp_obj_fn)(struct jp *j, struct json_object *o, void *out);
int jp_obj(struct jp *j, struct json_object *o, const char *key, jp_obj_fn fn, void *out,
           bool *present_r);

/* Reads a list of objects (or values) into a fresh array of `size` byte elements. */
int jp_list(struct jp *j, struct json_object *o, const char *key, jp_obj_fn fn, size_t size,
            void *array_r, size_t *n_r);

/* Notes a member that is known but has no place in the struct, unless it is empty. */
int jp_other(struct jp *j, struct json_object *o, const char *key);
int jp_warn(struct jp *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The rooms of config.json, one file each. */
int oci_read_process(struct jp *j, struct json_object *o, void *process);
int oci_read_mount(struct jp *j, struct json_object *o, void *mount);
int oci_read_hooks(struct jp *j, struct json_object *o, void *hooks);
int oci_read_vm(struct jp *j, struct json_object *o, void *vm);
int oci_read_linux(struct jp *j, struct json_object *o, void *linux_);
int oci_read_resources(struct jp *j, struct json_object *o, void *resources);
int oci_read_seccomp(struct jp *j, struct json_object *o, void *seccomp);
int oci_read_idmap(struct jp *j, struct json_object *o, void *idmap);

/* MS_SHARED, ... (with MS_REC for "rshared", ...); 0 when unknown. */
uint64_t oci_propagation(const char *name);

/* index.c: a content descriptor into struct desc of image.h. */
int oci_read_desc(struct jp *j, struct json_object *o, void *desc);

/* default.c: the default configuration as an object; NULL without memory. */
struct json_object *oci_default_json(void);

#endif
