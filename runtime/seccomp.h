/* linux.seccomp as a classic BPF program (seccomp(2)). */
#ifndef XENC_RUNTIME_SECCOMP_H
#define XENC_RUNTIME_SECCOMP_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "oci/oci.h"

/* Appends the program, struct sock_filter[], to `out`. System calls that x86-64 Linux
 * does not have are passed over, as libseccomp does. */
int rt_seccomp_compile(const struct oci_seccomp *s, struct buf *out, struct err *e);

/* seccomp_args.c: the code that tries one rule's conditions; runs on when one fails. */
void rt_seccomp_rule(const struct oci_sec_rule *r, struct buf *out);

#endif
