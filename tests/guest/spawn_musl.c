// cc: musl
#include "spawn.c"
