/* The driver domain's process. */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hv/dev/dev.h"
#include "hv/domain.h"

#define WORD 48

/* Clears close-on-exec in the child only: called between vfork and exec. */
static void pass(int fd)
{
    if (fd >= 0)
        fcntl(fd, F_SETFD, 0);
}

static void pass_wires(const struct hv_wires *w)
{
    pass(w->irq);
    for (unsigned q = 0; q < XENC_MAX_VQS; q++)
        pass(w->bell[q]);
}

static void wire_word(char *word, const struct hv_domain *d, unsigned i)
{
    const struct hv_wires *w = &d->wires[i];
    int n = snprintf(word, WORD, "--wires=%u:%d", i, w->irq);

    for (unsigned q = 0; q < XENC_MAX_VQS && w->bell[q] >= 0; q++)
        n += snprintf(word + n, WORD - (size_t)n, ",%d", w->bell[q]);
}

int hv_dev_start(struct hv_domain *d, struct err *e)
{
    const struct hv_conf *c = d->conf;
    char path[4200], (*w)[WORD] = calloc(8 + XENC_MAX_DEVS + c->nshares, WORD);
    char **argv = calloc(10 + XENC_MAX_DEVS + c->nshares, sizeof *argv);
    unsigned n = 0;

    if (!w || !argv)
        return err_set(e, ENOMEM, "out of memory");
    snprintf(path, sizeof path, "%s/xenc-dev", c->libexec);
    argv[n] = strcpy(w[n], "xenc-dev"), n++;
    snprintf(argv[n] = w[n], WORD, "--mem=%d", d->mem_fd), n++;
    snprintf(argv[n] = w[n], WORD, "--grant=%d", d->grant[1]), n++;
    if (c->log_fd >= 0)
        snprintf(argv[n] = w[n], WORD, "--log=%d", c->log_fd), n++;
    snprintf(argv[n] = w[n], WORD, "--root=%d%s", c->root_fd, c->root_ro ? ":ro" : ""), n++;
    for (unsigned i = 0; i < c->nshares; i++)
        snprintf(argv[n] = w[n], WORD, "--share=%u:%d%s", i, c->share[i].fd,
                 c->share[i].ro ? ":ro" : ""), n++;
    snprintf(argv[n] = w[n], WORD, "--console=%d,%d%s", c->stdio[0], c->stdio[1],
             c->tty ? ",tty" : ""), n++;
    if (!c->tty)
        snprintf(argv[n] = w[n], WORD, "--console=-1,%d", c->stdio[2]), n++;

    for (unsigned i = 0; i < d->boot->ndevs; i++)
        if (d->wires[i].irq >= 0)
            wire_word(argv[n] = w[n], d, i), n++;

    d->dev = vfork();
    if (d->dev == 0) {
        /* What we were given ourselves was not meant for it. */
        syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC);
        pass(d->mem_fd);
        pass(d->grant[1]);
        pass(c->log_fd);
        pass(c->root_fd);
        for (unsigned i = 0; i < c->nshares; i++)
            pass(c->share[i].fd);
        for (int i = 0; i < 3; i++)
            pass(c->stdio[i]);
        for (unsigned i = 0; i < d->boot->ndevs; i++)
            pass_wires(&d->wires[i]);
        execv(path, argv);
        _exit(127);
    }
    free(argv);
    free(w);
    return d->dev < 0 ? err_sys(e, errno, "cannot start the driver domain") : 0;
}
