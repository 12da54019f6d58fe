/* Prints a filter that libseccomp computed as C initialisers, for the programs that do so
 * when xenc is built: a starting container then needs neither libseccomp nor its time. */
#ifndef XENC_HV_GEN_EMIT_H
#define XENC_HV_GEN_EMIT_H

#include <linux/filter.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>

static inline void must(int rc)
{
    if (rc < 0) {
        fprintf(stderr, "filter_gen: %d\n", rc);
        exit(1);
    }
}

static inline void allow(scmp_filter_ctx c, const int *nr, size_t n)
{
    for (size_t i = 0; i < n; i++)
        must(seccomp_rule_add(c, SCMP_ACT_ALLOW, nr[i], 0));
}

/* The exit status for main. */
static inline int emit(scmp_filter_ctx c)
{
    FILE *f = tmpfile();
    struct sock_filter i;

    if (!f)
        return 1;
    must(seccomp_export_bpf(c, fileno(f)));
    rewind(f);
    while (fread(&i, sizeof(i), 1, f) == 1)
        printf("{ 0x%x, %u, %u, 0x%x },\n", i.code, i.jt, i.jf, i.k);
    seccomp_release(c);
    return ferror(f) || fflush(stdout) ? 1 : 0;
}

#endif
