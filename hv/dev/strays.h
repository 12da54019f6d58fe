/* Descriptors that a killed worker opened and did not come to note anywhere: what is open
 * and was not spared is closed. The working directory must be /proc/self/fd, and nobody
 * else may open any meanwhile. */
#ifndef XENC_DEV_STRAYS_H
#define XENC_DEV_STRAYS_H

struct strays;

struct strays *strays_new(void);                /* NULL: no memory */
void strays_spare(void *strays, int fd);        /* fd -1: nothing */
void strays_close(struct strays *s);            /* and frees s */

#endif
