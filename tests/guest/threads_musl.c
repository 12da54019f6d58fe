// cc: musl
#include "threads.c"
