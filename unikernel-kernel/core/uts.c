/* The container's names: uname(2), /proc/sys/kernel/hostname. */
#include "proc.h"

struct uts uts = { .nodename = "xenc", .domainname = "(none)" };
