/* Tries a lock: locker FILE flock|posix|ofd r|w [wait]. Prints "got" or "refused"; with an
 * argument more it keeps the lock until standard input ends. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int fd = open(argv[1], O_RDWR), ofd = !strcmp(argv[2], "ofd"), r;
    int wait = argc > 4 && !strcmp(argv[4], "wait"), keep = argc > 4 && !wait;
    struct flock l = { .l_type = *argv[3] == 'w' ? F_WRLCK : F_RDLCK, .l_start = 10, .l_len = 10 };
    struct flock who = { .l_type = F_WRLCK, .l_start = 0, .l_len = 0 };
    if (fd < 0 && errno == EROFS) fd = open(argv[1], O_RDONLY);
    if (fd < 0) { perror(argv[1]); return 1; }
    if (!strcmp(argv[2], "flock"))
        r = flock(fd, (*argv[3] == 'w' ? LOCK_EX : LOCK_SH) | (wait ? 0 : LOCK_NB));
    else
        r = fcntl(fd, wait ? (ofd ? F_OFD_SETLKW : F_SETLKW) : ofd ? F_OFD_SETLK : F_SETLK, &l);
    if (r == 0) puts("got");
    else puts(errno == EAGAIN || errno == EACCES ? "refused" : strerror(errno));
    if (r && strcmp(argv[2], "flock") && fcntl(fd, F_GETLK, &who) == 0)
        printf("type %d from %ld len %ld\n", who.l_type, (long)who.l_start, (long)who.l_len);
    fflush(stdout);
    while (keep && getchar() != EOF) continue;
    return 0;
}
