/* xenc image: unpack an image to a bundle, import a tree as an image; and the unpacking
 * that `xenc run --image` does. */
#include "runtime/runtime.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"

enum { WORDS_MAX = 256 };

/* The line on the terminal, drawn ten times a second, and only once it is worth it. */
struct ticker {
    const char *verb;
    bool tty, shown;
    struct timespec next;
};

static bool due(struct ticker *t)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec < t->next.tv_sec ||
        (now.tv_sec == t->next.tv_sec && now.tv_nsec < t->next.tv_nsec))
        return false;
    t->next = now;
    t->next.tv_nsec += 100 * 1000 * 1000;
    t->next.tv_sec += t->next.tv_nsec / 1000000000;
    t->next.tv_nsec %= 1000000000;
    return true;
}

static void clear_line(struct ticker *t)
{
    if (t->shown)
        fputs("\r\033[K", stderr);
    t->shown = false;
}

static void on_progress(void *arg, const struct oci_progress *p)
{
    struct ticker *t = arg;

    if (!t->tty)
        return;
    if (p->finished) {
        clear_line(t);
    } else if (due(t)) {
        unsigned percent = p->total ? (unsigned)(p->done * 100 / p->total) : 100;
        fprintf(stderr, "\r%s: layer %u of %u, %u%% of %.1f MB\033[K", t->verb, p->layer + 1,
                p->nlayers, percent > 100 ? 100 : percent, (double)p->total / 1e6);
        t->shown = true;
    }
}

static void on_warn(void *arg, const char *text)
{
    clear_line(arg);
    log_warn("%s", text);
}

static void ticker_init(struct ticker *t, const char *verb)
{
    *t = (struct ticker){ .verb = verb, .tty = isatty(STDERR_FILENO) == 1 };
    due(t);
    t->next.tv_sec += 1;        /* what takes less than a second needs no line */
}

/* An interrupted command must take its half-made things away: the signals only leave a
 * mark, which the reading of blobs looks at. */
static volatile int stop_asked;
static const int stop_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
enum { NSTOP = sizeof(stop_signals) / sizeof(stop_signals[0]) };

static void on_stop(int sig)
{
    stop_asked = sig;
}

/* Signals that are ignored (nohup) stay ignored. Without SA_RESTART: a call that waits
 * shall notice. */
static void catch_stop(struct sigaction old[static NSTOP])
{
    struct sigaction sa = { .sa_handler = on_stop };

    stop_asked = 0;
    for (int i = 0; i < NSTOP; i++) {
        sigaction(stop_signals[i], NULL, &old[i]);
        if (old[i].sa_handler != SIG_IGN)
            sigaction(stop_signals[i], &sa, NULL);
    }
}

static void release_stop(const struct sigaction old[static NSTOP])
{
    for (int i = 0; i < NSTOP; i++)
        sigaction(stop_signals[i], &old[i], NULL);
}

static struct oci_image_opts image_opts(struct ticker *t, bool terminal)
{
    return (struct oci_image_opts){ .progress = on_progress, .warn = on_warn, .arg = t,
                                    .cancel = &stop_asked, .terminal = terminal };
}

static int unpack(const char *ref, const char *bundle, bool terminal, struct err *e)
{
    struct sigaction old[NSTOP];
    struct ticker t;

    ticker_init(&t, "unpacking");
    struct oci_image_opts opts = image_opts(&t, terminal);
    catch_stop(old);
    int rc = oci_image_unpack(ref, bundle, &opts, e);
    release_stop(old);
    clear_line(&t);
    return rc;
}

int image_prepare(const char *ref, const char *bundle, struct err *e)
{
    return unpack(ref, bundle, isatty(STDIN_FILENO) == 1, e);
}

/* Flags ------------------------------------------------------------------------------- */

struct image_flags {
    bool terminal;
    const char *cmd, *entrypoint, *user, *workdir, *no_env;
    const char *env[WORDS_MAX + 1];
    size_t nenv;
};

/* --env may be given often, which a table of flags can't say: its words are taken out
 * before the others are looked at. */
static int take_env(struct rt_args *a, struct image_flags *f, struct err *e)
{
    int kept = 0;

    for (int i = 0; i < a->argc; i++) {
        const char *w = a->argv[i], *value = NULL;
        if (!strcmp(w, "--")) {
            memmove(a->argv + kept, a->argv + i, (size_t)(a->argc - i) * sizeof(char *));
            kept += a->argc - i;
            break;
        }
        if (!strncmp(w, "--env=", 6))
            value = w + 6;
        else if (!strcmp(w, "--env") || !strcmp(w, "-e"))
            value = i + 1 < a->argc ? a->argv[++i] : "";
        if (!value) {
            a->argv[kept++] = a->argv[i];
            continue;
        }
        if (!strchr(value, '=') || value[0] == '=')
            return err_set(e, EINVAL, "--env takes NAME=value, not \"%s\"", value);
        if (f->nenv == WORDS_MAX)
            return err_set(e, E2BIG, "more than %d times --env", WORDS_MAX);
        f->env[f->nenv++] = value;
    }
    a->argc = kept;
    a->argv[kept] = NULL;
    return 0;
}

/* Splits at blanks, in a copy that *copy_r owns. */
static int split_words(const char *text, const char *words[static WORDS_MAX + 1],
                       char **copy_r, struct err *e)
{
    size_t n = 0;
    char *save = NULL;

    *copy_r = strdup(text);
    if (!*copy_r)
        return err_sys(e, ENOMEM, "words");
    for (char *w = strtok_r(*copy_r, " \t\n", &save); w; w = strtok_r(NULL, " \t\n", &save)) {
        if (n == WORDS_MAX)
            return err_set(e, E2BIG, "more than %d words", WORDS_MAX);
        words[n++] = w;
    }
    words[n] = NULL;
    return 0;
}

/* Verbs ------------------------------------------------------------------------------- */

static int do_import(const char *src, const char *ref, const struct image_flags *f,
                     const char *const *cmd, const char *const *entrypoint, struct err *e)
{
    struct sigaction old[NSTOP];
    struct ticker t;

    ticker_init(&t, "importing");
    struct oci_import_opts opts = {
        .common = image_opts(&t, false), .cmd = cmd, .entrypoint = entrypoint,
        .env = f->env, .user = f->user, .workdir = f->workdir,
    };
    catch_stop(old);
    int rc = oci_image_import(src, ref, &opts, e);
    release_stop(old);
    clear_line(&t);
    return rc;
}

static int import(struct rt_args *a, const struct image_flags *f, struct err *e)
{
    const char *cmd_words[WORDS_MAX + 1], *entry_words[WORDS_MAX + 1];
    const char *const *cmd = (const char *const *)a->rest;
    _cleanup_free_ char *cmd_copy = NULL, *entry_copy = NULL;
    int rc = 0;

    if (a->argc != 3)
        return err_set(e, EINVAL, "image import takes TAR|ROOTFS LAYOUT:TAG [-- CMD ...]");
    if (f->terminal)
        return err_set(e, EINVAL, "--terminal is for image unpack");
    if (f->cmd && cmd)
        return err_set(e, EINVAL, "give --cmd or words behind --, not both");
    if (f->cmd) {
        rc = split_words(f->cmd, cmd_words, &cmd_copy, e);
        cmd = cmd_words;
    }
    if (rc == 0 && f->entrypoint)
        rc = split_words(f->entrypoint, entry_words, &entry_copy, e);
    if (rc < 0)
        return rc;
    return do_import(a->argv[1], a->argv[2], f, cmd, f->entrypoint ? entry_words : NULL, e);
}

int rt_cmd_image(struct rt *rt, struct rt_args *a, struct err *e)
{
    struct image_flags f = { 0 };
    const struct rt_flag flags[] = {
        { "terminal", 't', &f.terminal, NULL, NULL,
          "unpack: the bundle's program gets a terminal" },
        { "cmd", 0, NULL, &f.cmd, "WORDS",
          "import: default arguments, split at blanks (/bin/sh)" },
        { "entrypoint", 0, NULL, &f.entrypoint, "WORDS",
          "import: the program and its first words" },
        { "env", 'e', NULL, &f.no_env, "NAME=VALUE", "import: environment; may be repeated" },
        { "user", 'u', NULL, &f.user, "USER[:GROUP]", "import: user, by name or number" },
        { "workdir", 'w', NULL, &f.workdir, "DIR", "import: working directory" },
        { 0 },
    };
    int rc = take_env(a, &f, e);

    if (rc == 0)
        rc = rt_flags_verb(flags, a, e);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    if (a->argc > 0 && !strcmp(a->argv[0], "import"))
        return import(a, &f, e);
    if (a->argc == 0 || strcmp(a->argv[0], "unpack"))
        return err_set(e, EINVAL, "image takes unpack or import (see xenc image --help)");
    if (a->argc != 3 || a->rest)
        return err_set(e, EINVAL, "image unpack takes LAYOUT[:TAG] BUNDLE");
    if (f.cmd || f.entrypoint || f.user || f.workdir || f.nenv)
        return err_set(e, EINVAL, "only image import takes --cmd, --entrypoint, --env, --user "
                       "and --workdir");
    return unpack(a->argv[1], a->argv[2], f.terminal, e);
}
