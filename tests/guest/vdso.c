/* What the kernel brings into a program without a file: the vDSO can be read like other memory,
 * also by system calls, and not written. */
#include "say.h"
#include <elf.h>
#include <sys/auxv.h>
#include <sys/uio.h>

int main(void)
{
    const char *vdso = (const char *)getauxval(AT_SYSINFO_EHDR);
    char got[8] = "";
    int p[2];

    yes("there is one", vdso != NULL);
    yes("an ELF file", !memcmp(vdso, ELFMAG, SELFMAG));
    pipe(p);
    say("write from it", write(p[1], vdso, 4));
    say("read back", read(p[0], got, 8));
    yes("the same", !memcmp(got, ELFMAG, SELFMAG));
    struct iovec v[2] = { { (void *)vdso, 2 }, { (void *)(vdso + 2), 2 } };
    say("writev from it", writev(p[1], v, 2));
    say("read back", read(p[0], got, 8));
    say("far behind it", write(p[1], vdso + (64 << 20), 4));
    write(p[1], "none", 4);
    say("read into it", read(p[0], (void *)vdso, 4));
    say("a string that is not there", open(vdso, O_RDONLY));
    int f = open("copy", O_CREAT | O_RDWR, 0644);
    say("into a file", write(f, vdso, 4096));
    say("and out", pread(f, got, 4, 0));
    yes("the same", !memcmp(got, ELFMAG, SELFMAG));
    return 0;
}
