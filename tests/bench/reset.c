/* The first program of another kernel, for tests/bench/lab: that it ran is all it does. */
#include <sys/reboot.h>

int main(void)
{
    return reboot(RB_AUTOBOOT);
}
