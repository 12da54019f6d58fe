/* Free memory back to the host through a virtio balloon device's page reporting
 * (drivers/balloon.c): for platforms whose memory the host does not take by itself. */
#ifndef BALLOON_H
#define BALLOON_H
#include "kernel.h"

/* Finds the device, if there is one. At boot. */
void balloon_init(void);
/* Tells the host that it may take these pages' memory until they are written again. Their
 * contents, zeros, are lost or kept: the same. May sleep. */
void balloon_report(void *p, size_t len);
#endif
