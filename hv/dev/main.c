#include "hv/dev/run.h"

int main(int argc, char **argv)
{
    return dev_run(argv);
}
