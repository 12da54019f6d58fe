/* "User" of an image config: name or number, optionally ":" and a group, looked up in
 * the image's own /etc/passwd and /etc/group. The rules are those that runc's users
 * know: a name that is no number must be in the file, a number need not. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "oci/image.h"

enum { FILE_MAX = 4 << 20, FIELDS = 7, GROUPS_MAX = 1024 };

/* The file's text, or an empty string when there is none. A fifo or device of the image
 * must not hang us. */
static int read_file(int rootfd, const char *path, char **text_r, struct err *e)
{
    struct stat st;
    _cleanup_close_ int fd = open_in_root(rootfd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        *text_r = calloc(1, 1);
        return *text_r ? 0 : err_sys(e, ENOMEM, "%s", path);
    }
    int rc = read_fd(fd, FILE_MAX, text_r, NULL, e);
    return rc < 0 ? err_add(e, "%s", path) : 0;
}

static char empty[1];

/* Splits the next line at its colons, in place; false at the end of the text. */
static bool next_line(char **text, char *field[FIELDS])
{
    char *line;

    do {
        line = strsep(text, "\n");
        if (!line)
            return false;
    } while (!line[0] || line[0] == '#');
    for (int i = 0; i < FIELDS; i++) {
        field[i] = line ? strsep(&line, ":") : NULL;
        if (!field[i])
            field[i] = empty;
    }
    return true;
}

static bool number(const char *s, uint32_t *out)
{
    uint64_t v = 0;

    if (!s[0] || strlen(s) > 10 || s[strspn(s, "0123456789")])
        return false;
    for (; *s; s++)
        v = v * 10 + (uint64_t)(*s - '0');
    *out = (uint32_t)v;
    return v < UINT32_MAX;
}

/* Is `name` in the comma-separated list? */
static bool is_member(const char *list, const char *name)
{
    size_t n = strlen(name);

    while (*list) {
        size_t len = strcspn(list, ",");
        if (len == n && !strncmp(list, name, n))
            return true;
        list += len + (list[len] == ',');
    }
    return false;
}

/* Finds the line of the user: its name goes to *name_r for the groups' member lists. */
static bool find_user(char *text, const char *user, struct arena *mem, struct image_user *u,
                      char **name_r)
{
    char *f[FIELDS];
    uint32_t id, uid, gid;
    bool numeric = number(user, &id);

    while (next_line(&text, f)) {
        if (!f[0][0] || !number(f[2], &uid) || !number(f[3], &gid))
            continue;
        if (strcmp(f[0], user) && !(numeric && uid == id))
            continue;
        u->uid = uid;
        u->gid = gid;
        *name_r = arena_strdup(mem, f[0]);
        if (f[5][0])
            u->home = arena_strdup(mem, f[5]);
        return true;
    }
    return false;
}

static bool find_group(char *text, const char *group, uint32_t *gid_r)
{
    char *f[FIELDS];
    uint32_t id, gid;
    bool numeric = number(group, &id);

    while (next_line(&text, f)) {
        if (!number(f[2], &gid))
            continue;
        if (!strcmp(f[0], group) || (numeric && gid == id)) {
            *gid_r = gid;
            return true;
        }
    }
    return false;
}

static int member_groups(char *text, const char *name, struct arena *mem,
                         struct image_user *u, struct err *e)
{
    char *f[FIELDS];
    uint32_t gid;

    u->groups = arena_array(mem, GROUPS_MAX, sizeof(*u->groups));
    if (!u->groups)
        return err_sys(e, ENOMEM, "groups");
    while (u->ngroups < GROUPS_MAX && next_line(&text, f)) {
        if (number(f[2], &gid) && is_member(f[3], name))
            u->groups[u->ngroups++] = gid;
    }
    return 0;
}

int image_user_find(int rootfd, const char *user, struct arena *mem, struct image_user *u,
                    struct err *e)
{
    _cleanup_free_ char *passwd = NULL, *groups = NULL;
    char *name = NULL, *who = arena_strdup(mem, user && user[0] ? user : "0"), *group;
    int rc = read_file(rootfd, "etc/passwd", &passwd, e);

    if (rc == 0)
        rc = read_file(rootfd, "etc/group", &groups, e);
    if (rc < 0)
        return rc;
    if (!who)
        return err_sys(e, ENOMEM, "user");
    group = strchr(who, ':');
    if (group)
        *group++ = 0;
    if (!who[0])
        who = arena_strdup(mem, "0");
    if (!find_user(passwd, who, mem, u, &name) && !number(who, &u->uid))
        return err_set(e, ENOENT, "user \"%s\" is not in the image's /etc/passwd", who);
    if (group && group[0]) {
        if (!find_group(groups, group, &u->gid) && !number(group, &u->gid))
            return err_set(e, ENOENT, "group \"%s\" is not in the image's /etc/group",
                           group);
        return 0;
    }
    return name ? member_groups(groups, name, mem, u, e) : 0;
}
