// uses: base/*.c oci/*.c tests/fuzz/replay.c
// libs: -ljson-c -larchive -lnettle -lz
/* config.json, process and resources from any bytes: the first byte says which. What is
 * taken must be whole: every string and list that the struct promises is there. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "oci/oci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
    if (!ok)
        abort();
}

static void check_spec(const struct oci_spec *s)
{
    must(s->version && s->root_path && s->root_path[0]);
    for (size_t i = 0; i < s->nmounts; i++) {
        const struct oci_mount *m = &s->mounts[i];
        must(m->destination[0] == '/' && m->type[0] && m->data);
        must(!(m->flags & m->cleared) && !(m->rec_set & m->rec_clear & ~0x70ull));
    }
    for (size_t i = 0; i < s->nothers; i++)
        must(s->others[i].path && s->others[i].json);
    for (size_t i = 0; i < s->annotations.n; i++)
        must(s->annotations.v[i].key[0] && s->annotations.v[i].value);
    must(!s->linux_.seccomp.present || s->linux_.seccomp.json);
}

static void check_process(const struct oci_process *p)
{
    if (!p->present)
        return;
    must(p->args.n > 0 && p->args.v[0][0] && !p->args.v[p->args.n] && p->cwd[0] == '/');
    for (size_t i = 0; i < p->env.n; i++)
        must(strchr(p->env.v[i], '=') > p->env.v[i]);
    for (size_t i = 0; i < p->nrlimits; i++)
        must(p->rlimits[i].resource >= 0 && p->rlimits[i].soft <= p->rlimits[i].hard);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct oci_spec *s = NULL;
    struct err e = { 0 };
    char *text;
    int rc;

    if (size == 0)
        return 0;
    /* Exactly as long as it is, so that reading past the end shows. */
    text = malloc(size);
    must(text != NULL);
    memcpy(text, data + 1, size - 1);
    if (data[0] == 'p')
        rc = oci_process_parse(text, size - 1, &s, &e);
    else if (data[0] == 'r')
        rc = oci_resources_parse(text, size - 1, &s, &e);
    else
        rc = oci_spec_parse(text, size - 1, &s, &e);
    must(rc == 0 ? s != NULL : s == NULL && e.text[0] && e.code == -rc);
    if (s && data[0] != 'p' && data[0] != 'r')
        check_spec(s);
    if (s)
        check_process(&s->process);
    oci_spec_free(s);
    free(text);
    return 0;
}
