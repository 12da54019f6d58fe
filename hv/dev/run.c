/* Arguments, memory, jail, then serving (dev.h). */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hv/dev/console.h"
#include "hv/dev/dev.h"
#include "hv/dev/fs.h"
#include "hv/dev/jail.h"
#include "hv/dev/log.h"
#include "hv/dev/strays.h"
#include "hv/dev/supervise.h"
#include "hv/dev/run.h"

enum { TREES_MAX = 512, CONSOLES_MAX = 2 };

struct options {
    int mem, grant, log;
    unsigned ntrees, nconsoles;
    struct jail_tree trees[TREES_MAX];
    struct { int in, out; bool tty; } console[CONSOLES_MAX];
    struct { int irq, bell[XENC_MAX_VQS]; bool given; } wires[XENC_MAX_DEVS];
};

/* What outlives a worker; shared. */
struct keep {
    struct progress progress;
    unsigned log_lines, workers;
    struct dev_keep dev[XENC_MAX_DEVS];
    struct con_keep console[CONSOLES_MAX];
};

/* All of the process's state; one thread sets it up before there are others. */
static struct {
    struct options opt;
    struct dev_mem mem;
    struct fs_tree trees[TREES_MAX];
    struct fs_dev fs;
    struct dev rng, balloon;
    struct console console[CONSOLES_MAX];
    struct keep *keep;
    struct fs_keep *fs_keep;
    struct served served[3 + 2 * CONSOLES_MAX];
} state;

/* A decimal number that *s begins with, -1 included; moves *s behind it. */
static bool take_number(const char **s, int *n_r)
{
    char *end;
    long v = strtol(*s, &end, 10);

    if (end == *s || v < -1 || v > 1 << 20)
        return false;
    *s = end;
    *n_r = (int)v;
    return true;
}

/* FD[:ro] into tree `i`. */
static bool take_tree(struct options *o, unsigned i, const char *s)
{
    if (i >= TREES_MAX || !take_number(&s, &o->trees[i].fd) || o->trees[i].fd < 0)
        return false;
    o->trees[i].ro = strcmp(s, ":ro") == 0;
    if (i >= o->ntrees)
        o->ntrees = i + 1;
    return *s == 0 || o->trees[i].ro;
}

static bool take_share(struct options *o, const char *s)
{
    int i;

    return take_number(&s, &i) && i >= 0 && *s++ == ':' && take_tree(o, (unsigned)i + 1, s);
}

static bool take_console(struct options *o, const char *s)
{
    unsigned i = o->nconsoles++;

    if (i >= CONSOLES_MAX || !take_number(&s, &o->console[i].in) || *s++ != ',' ||
        !take_number(&s, &o->console[i].out))
        return false;
    o->console[i].tty = strcmp(s, ",tty") == 0;
    return *s == 0 || o->console[i].tty;
}

/* DEVICE:IRQFD,BELLFD[,BELLFD]... */
static bool take_wires(struct options *o, const char *s)
{
    int i;

    if (!take_number(&s, &i) || i < 0 || i >= XENC_MAX_DEVS || *s++ != ':' ||
        !take_number(&s, &o->wires[i].irq))
        return false;
    for (unsigned q = 0; q < XENC_MAX_VQS && *s == ','; q++)
        if (s++, !take_number(&s, &o->wires[i].bell[q]))
            return false;
    o->wires[i].given = true;
    return *s == 0;
}

static bool take_fd(const char *s, int *fd_r)
{
    return take_number(&s, fd_r) && *s == 0;
}

/* What follows "--name=" in `arg`, or NULL. */
static const char *value(const char *arg, const char *name)
{
    size_t n = strlen(name);

    return strncmp(arg, name, n) == 0 ? arg + n : NULL;
}

static int parse(struct options *o, char **argv, struct err *e)
{
    for (unsigned i = 0; i < TREES_MAX; i++)
        o->trees[i].fd = -1;
    o->mem = o->grant = o->log = -1;
    for (char **a = argv + 1; *a; a++) {
        const char *v;
        bool ok = ((v = value(*a, "--mem=")) && take_fd(v, &o->mem)) ||
                  ((v = value(*a, "--grant=")) && take_fd(v, &o->grant)) ||
                  ((v = value(*a, "--log=")) && take_fd(v, &o->log)) ||
                  ((v = value(*a, "--root=")) && take_tree(o, 0, v)) ||
                  ((v = value(*a, "--share=")) && take_share(o, v)) ||
                  ((v = value(*a, "--console=")) && take_console(o, v)) ||
                  ((v = value(*a, "--wires=")) && take_wires(o, v));

        if (!ok)
            return err_set(e, EINVAL, "bad argument: %s", *a);
    }
    if (o->mem < 0)
        return err_set(e, EINVAL, "--mem is missing");
    for (unsigned i = 0; i < o->ntrees || i == 0; i++) {
        if (o->trees[i].fd < 0)
            return err_set(e, EINVAL, i ? "share %d is missing" : "--root is missing",
                           (int)i - 1);
    }
    return 0;
}

static int map_memory(struct dev_mem *m, int fd, struct err *e)
{
    const struct xenc_boot *boot;
    struct stat st;
    void *p;

    if (fstat(fd, &st) < 0)
        return err_sys(e, errno, "domain memory");
    if (st.st_size < 4096)
        return err_set(e, EINVAL, "domain memory: too small");
    p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
             fd, 0);
    if (p == MAP_FAILED)
        return err_sys(e, errno, "domain memory");
    close(fd);
    boot = p;
    if (boot->magic != XENC_BOOT_MAGIC || boot->version != XENC_BOOT_VERSION)
        return err_set(e, EINVAL, "domain memory: no boot area");
    m->base = p;
    m->size = (size_t)st.st_size;
    return 0;
}

static void init_device(struct dev *d, unsigned i, unsigned nvqs, const char *name)
{
    dev_init(d, &state.mem, i, nvqs, name);
    dev_keep(d, &state.keep->dev[i]);
    if (!state.opt.wires[i].given)
        return;
    d->irq_fd = state.opt.wires[i].irq;
    memcpy(d->bell_fd, state.opt.wires[i].bell, sizeof d->bell_fd);
}

/* Console devices before the jail: terminals need setting up. */
static void open_consoles(const struct options *o)
{
    static const char *const names[CONSOLES_MAX] = { "console 0", "console 1" };

    for (unsigned i = 0; i < o->nconsoles; i++) {
        struct console *c = &state.console[i];

        init_device(&c->dev, DEV_CONSOLE0 + i, 2, names[i]);
        console_open(c, o->console[i].in, o->console[i].out, o->console[i].tty);
        c->keep = &state.keep->console[i];
    }
}

static int map_keep(struct err *e)
{
    void *p = mmap(NULL, sizeof(struct keep), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    state.fs_keep = fs_keep_new();
    if (p == MAP_FAILED || !state.fs_keep)
        return err_set(e, ENOMEM, "no memory for the devices' state");
    state.keep = p;
    dlog_init(state.opt.log, &state.keep->log_lines);
    return 0;
}

/* All that needs rights, once for all workers. */
static int set_up(char **argv, struct err *e)
{
    struct options *o = &state.opt;
    int rc = parse(o, argv, e);

    dlog_init(o->log, NULL);
    if (rc < 0 || (rc = map_memory(&state.mem, o->mem, e)) < 0 || (rc = map_keep(e)) < 0)
        return rc;
    open_consoles(o);
    rc = jail_enter_trees(o->trees, o->ntrees, e);
    if (rc < 0)
        return err_add(e, "jail");
    for (unsigned i = 0; i < o->ntrees; i++)
        state.trees[i] = (struct fs_tree){ o->trees[i].fd, o->trees[i].ro };
    init_device(&state.fs.dev, DEV_FS, 2, "file system");
    state.fs.progress = &state.keep->progress;
    init_device(&state.rng, DEV_RNG, 1, "entropy");
    init_device(&state.balloon, DEV_BALLOON, 3, "balloon");
    rc = jail_lock(e);
    return rc < 0 ? err_add(e, "jail") : 0;
}

static void add_served(unsigned *n, struct dev *d, uint32_t queues, serve_fn fn, void *arg,
                       bool may_block, bool ends)
{
    state.served[(*n)++] = (struct served){ .dev = d, .queues = queues, .fn = fn, .arg = arg,
                                            .may_block = may_block, .ends = ends };
}

static void serve_init(unsigned *n_r)
{
    unsigned n = 0;

    add_served(&n, &state.fs.dev, ~0u, fs_serve, &state.fs, true, true);
    add_served(&n, &state.rng, ~0u, rng_serve, &state.rng, true, true);
    for (unsigned i = 0; i < state.opt.nconsoles; i++) {
        struct console *c = &state.console[i];

        add_served(&n, &c->dev, CONSOLE_RX, console_receive, c, false, false);
        add_served(&n, &c->dev, CONSOLE_TX, console_transmit, c, false, true);
    }
    if (state.balloon.regs->type)
        add_served(&n, &state.balloon, ~0u, balloon_serve, &state.balloon, true, true);
    *n_r = n;
}

static void mark_own(struct strays *s)
{
    const struct options *o = &state.opt;

    for (int fd = 0; fd <= 2; fd++)     /* whatever they are */
        strays_spare(s, fd);
    strays_spare(s, o->grant);
    strays_spare(s, o->log);
    for (unsigned i = 0; i < o->ntrees; i++)
        strays_spare(s, o->trees[i].fd);
    for (unsigned i = 0; i < o->nconsoles; i++) {
        strays_spare(s, o->console[i].in);
        strays_spare(s, o->console[i].out);
        strays_spare(s, state.console[i].stage[0]);
        strays_spare(s, state.console[i].stage[1]);
    }
    for (unsigned i = 0; i < XENC_MAX_DEVS; i++) {
        strays_spare(s, o->wires[i].given ? o->wires[i].irq : -1);
        for (unsigned q = 0; q < XENC_MAX_VQS && o->wires[i].given; q++)
            strays_spare(s, o->wires[i].bell[q]);
    }
    fs_each_fd(state.fs.fs, strays_spare, s);
}

/* After a predecessor: descriptors that it did not come to note, completions of which it
 * did not come to tell. */
static void take_over(unsigned nserved)
{
    struct strays *s = strays_new();

    if (s) {
        mark_own(s);
        strays_close(s);
    }
    for (unsigned i = 0; i < state.opt.nconsoles; i++)
        console_resume(&state.console[i]);
    for (unsigned i = 0; i < nserved; i++)
        dev_resume(state.served[i].dev);
}

/* A worker's life. */
static int work(void *arg)
{
    struct progress *p = &state.keep->progress;
    bool follows = state.keep->workers++;
    unsigned n;
    struct err e;
    int rc;

    state.fs.fs = fs_new(state.trees, state.opt.ntrees, state.opt.grant, state.fs_keep, &e);
    if (!state.fs.fs) {
        dlog("%s", e.text);
        return 1;
    }
    for (unsigned i = 0; i < state.opt.nconsoles; i++) {
        if (state.console[i].tty)
            console_watch_size(&state.console[i]);
    }
    serve_init(&n);
    if (follows)
        take_over(n);
    p->serving = 1;
    rc = serve_all(state.served, n);
    dlog("can't serve: error %d", -rc);
    return 1;
}

int dev_run(char **argv)
{
    pid_t parent = getppid();
    struct err e;

    /* Without its monitor there is nobody to serve. */
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent)
        return 1;
    signal(SIGPIPE, SIG_IGN);
    umask(0);
    if (set_up(argv, &e) < 0) {
        dlog("%s", e.text);
        return 1;
    }
    return supervise(&state.keep->progress, argv[0], work, NULL);
}
