/* xenc-hv's command line. */
#include "hv/conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool value(const char *arg, const char *key, const char **v_r)
{
    size_t n = strlen(key);

    if (strncmp(arg, key, n) || arg[n] != '=')
        return false;
    *v_r = arg + n + 1;
    return true;
}

static int parse_share(struct hv_conf *c, const char *v)
{
    char ro[4] = "";
    int fd;

    if (c->nshares == HV_MAX_SHARES || sscanf(v, "%d:%3s", &fd, ro) < 1)
        return -1;
    c->share[c->nshares].fd = fd;
    c->share[c->nshares++].ro = strcmp(ro, "ro") == 0;
    return 0;
}

static int parse_word(struct hv_conf *c, const char *a)
{
    const char *v;

    if (value(a, "--id", &v))
        return snprintf(c->id, sizeof c->id, "%s", v) < 0;
    if (value(a, "--libexec", &v))
        return snprintf(c->libexec, sizeof c->libexec, "%s", v) >= (int)sizeof c->libexec;
    if (value(a, "--kind", &v))
        return (c->kind = (enum hv_kind)atoi(v)) > HV_PVH_XEN;
    if (value(a, "--mem", &v))
        return (c->mem_bytes = strtoull(v, NULL, 10)) == 0;
    if (value(a, "--cpus", &v))
        return (c->ncpus = (unsigned)atoi(v)) == 0;
    if (value(a, "--flags", &v))
        return (c->flags = (unsigned)atoi(v)) > 3;
    if (value(a, "--kernel", &c->kernel) || value(a, "--initrd", &c->initrd) ||
        value(a, "--cmdline", &c->cmdline))
        return 0;
    if (value(a, "--stdio", &v))
        return sscanf(v, "%d,%d,%d", &c->stdio[0], &c->stdio[1], &c->stdio[2]) != 3;
    if (value(a, "--record", &v))
        return (c->record_fd = atoi(v)) < 0;
    if (value(a, "--log", &v))
        return (c->log_fd = atoi(v)) < -1;
    if (value(a, "--ctl", &v))
        return (c->ctl_fd = atoi(v)) < -1;
    if (value(a, "--sync", &v))
        return (c->sync_fd = atoi(v)) < 0;
    if (value(a, "--root", &v)) {
        c->root_ro = strstr(v, ":ro") != NULL;
        return (c->root_fd = atoi(v)) < 0;
    }
    if (value(a, "--share", &v))
        return parse_share(c, v);
    if (strcmp(a, "--autostart") == 0)
        return !(c->autostart = true);
    if (strcmp(a, "--tty") == 0)
        return !(c->tty = true);
    if (strcmp(a, "--privileged") == 0)
        return !(c->privileged = true);
    return -1;
}

int hv_conf_parse(struct hv_conf *c, int argc, char **argv, struct err *e)
{
    memset(c, 0, sizeof *c);
    c->record_fd = c->root_fd = c->log_fd = c->ctl_fd = c->sync_fd = -1;
    for (int i = 1; i < argc; i++)
        if (parse_word(c, argv[i]))
            return err_set(e, EINVAL, "xenc-hv: bad argument %s", argv[i]);
    if (c->record_fd < 0 || c->root_fd < 0 || !c->libexec[0] || !c->mem_bytes)
        return err_set(e, EINVAL, "xenc-hv is started by xenc");
    return 0;
}
