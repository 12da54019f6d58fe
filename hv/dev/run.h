/* The driver domain's whole life; main does no more, so that tests can run it too. */
#ifndef XENC_DEV_RUN_H
#define XENC_DEV_RUN_H

/* Returns only on failure, which it has logged: the exit status. */
int dev_run(char **argv);

#endif
