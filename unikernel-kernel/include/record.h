/* The container record (abi/record.h), parsed once at boot by core/record.c. */
#ifndef RECORD_H
#define RECORD_H
#include "abi/record.h"
#include "kernel.h"

/* Calls fn for each tag in order; data points into the record, checked to lie inside
 * it. Stops at the first nonzero result and returns it; -EINVAL for a broken record. */
int record_walk(const void *rec, size_t len,
                int (*fn)(u32 tag, const void *data, u32 len, void *arg), void *arg);
#endif
