/* Between the files that start the container: main.c, mounts.c, init.c. */
#ifndef BOOT_H
#define BOOT_H
#include "proc.h"
#include "record.h"

/* Splits data into n strings, each with its NUL inside len: the bytes used, or 0. */
u32 record_strings(const char *data, u32 len, const char **v_r, unsigned n);

/* mounts.c: what the container's files look like. Walks the whole record. */
void container_files(const void *rec, size_t len);

/* initrd.c: unpacks a cpio archive ("newc") into the root file system. */
void initrd_unpack(const void *data, size_t len);

/* init.c: the first process; started by degrees. */
void init_create(void);         /* the boot task becomes it, with nothing in it yet */
void init_configure(const void *rec, size_t len);       /* ids, limits, descriptors, cwd */
/* Finds the program, waits for the host's word, and enters it. */
void init_run(void) __attribute__((noreturn));
#endif
