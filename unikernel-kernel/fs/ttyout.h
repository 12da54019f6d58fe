/* Echo, shared by the two halves of the line discipline. */
#ifndef FS_TTYOUT_H
#define FS_TTYOUT_H
#include "ttyint.h"

void echo_raw(struct tty *t, u8 c);     /* through OPOST */
void echo_char(struct tty *t, u8 c);    /* control characters as ^X, with ECHOCTL */
#endif
