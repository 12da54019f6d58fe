/* /proc/PID/mem: one's own memory and a child's, as a file. */
#include "say.h"
#include <sys/mman.h>
#include <dirent.h>

static char there[8192];

static long at(int fd, void *buf, size_t n, const void *addr) { return pread(fd, buf, n, (off_t)(unsigned long)addr); }
static long put(int fd, const void *buf, size_t n, const void *addr) { return pwrite(fd, buf, n, (off_t)(unsigned long)addr); }

static void own(void)
{
    int fd = open("/proc/self/mem", O_RDWR);
    char b[8192], *m = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct stat st;

    yes("open", fd >= 0);
    say("stat", fstat(fd, &st));
    printf("%o %ld\n", st.st_mode, (long)st.st_size);
    strcpy(there, "hello");
    say("read", at(fd, b, 6, there));
    puts(b);
    say("write", put(fd, "HELLO", 6, there));
    puts(there);
    strcpy(m, "first"), strcpy(m + 4096, "second");
    mprotect(m, 4096, PROT_READ);
    mprotect(m + 4096, 4096, PROT_NONE);
    munmap(m + 2 * 4096, 4096);
    say("write what is read-only", put(fd, "FIRST", 6, m));
    puts(m);
    say("read what is not even that", at(fd, b, 7, m + 4096));
    puts(b);
    say("write it", put(fd, "SECOND", 7, m + 4096));
    mprotect(m + 4096, 4096, PROT_READ);
    puts(m + 4096);
    did("no memory", at(fd, b, 1, m + 2 * 4096));
    say("up to where there is none", at(fd, b, 8192, m + 4096));
    did("at 0", at(fd, b, 1, NULL));
    did("write at 0", put(fd, b, 1, NULL));
    strcpy(s, "shared");
    say("write what is shared", put(fd, "SHARED", 7, s));
    mprotect(s, 4096, PROT_READ);
    did("... and read-only", put(fd, "shared", 7, s));
    puts(s);
    yes("seek", lseek(fd, (off_t)(unsigned long)there, SEEK_SET) == (off_t)(unsigned long)there);
    yes("and on", lseek(fd, 1, SEEK_CUR) == (off_t)(unsigned long)there + 1);
    say("read there", read(fd, b, 4));
    b[4] = 0;
    puts(b);
    did("seek to the end", lseek(fd, 0, SEEK_END));
    did("nothing", at(fd, b, 0, NULL));
    close(fd);
    fd = open("/proc/self/mem", O_RDONLY);
    did("write a read-only one", put(fd, "x", 1, there));
    close(fd);
}

static void childs(void)
{
    int ready[2], fd, status;
    char b[16], name[64], c;
    pid_t p;

    if (pipe(ready) < 0) return;
    if (!(p = fork())) {
        strcpy(there, "child's");
        write(ready[1], "", 1);
        while (strcmp((volatile char *)there, "parent's")) usleep(1000);
        _exit(7);
    }
    read(ready[0], &c, 1);
    snprintf(name, sizeof name, "/proc/%d/mem", p);
    fd = open(name, O_RDWR);
    say("the child's", at(fd, b, 8, there));
    puts(b);
    say("write there", put(fd, "parent's", 9, there));
    waitpid(p, &status, 0);
    say("it has seen that", WEXITSTATUS(status));
    did("when it has gone", at(fd, b, 8, there));
    close(fd);
    if (!(p = fork())) pause();
    snprintf(name, sizeof name, "/proc/%d/mem", p);
    if (!fork()) {
        setgid(1), setuid(1);
        did("another user", open(name, O_RDONLY));
        fflush(stdout);
        _exit(0);
    }
    wait(&status);
    kill(p, SIGKILL);
    waitpid(p, &status, 0);
}

int main(void)
{
    DIR *d = opendir("/proc/self");
    struct dirent *e;

    setvbuf(stdout, NULL, _IONBF, 0);
    while (d && (e = readdir(d)))
        if (!strcmp(e->d_name, "mem")) printf("listed: %d\n", e->d_type);
    own();
    childs();
    return 0;
}
