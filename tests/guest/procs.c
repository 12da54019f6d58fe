/* /proc: the shape of what programs parse, not the values. */
#include "say.h"
#include <ctype.h>
#include <dirent.h>
#include <sys/mman.h>
#include <sys/resource.h>

static char buf[200000];
static int slurp(const char *path)
{
    int fd = open(path, O_RDONLY), n = 0;
    ssize_t r;
    if (fd < 0) { say(path, -1); buf[0] = 0; return -1; }
    while ((r = read(fd, buf + n, sizeof buf - 1 - n)) > 0) n += r;
    close(fd);
    buf[n] = 0;
    return n;
}
/* Digits become one 9, so that only the shape is left. */
static void shape(const char *line)
{
    int digit = 0;
    for (; *line && *line != '\n'; line++) {
        if (isdigit((unsigned char)*line)) { if (!digit) putchar('9'); digit = 1; }
        else { putchar(*line); digit = 0; }
    }
    putchar('\n');
    fflush(stdout);
}
static void keys(const char *path, const char *const *want)
{
    slurp(path);
    for (; *want; want++) {
        char k[60];
        snprintf(k, sizeof k, "\n%s:", *want);
        char *at = !strncmp(buf, k + 1, strlen(k) - 1) ? buf : strstr(buf, k);
        if (!at) { note("%s has no %s", path, *want); continue; }
        if (*at == '\n') at++;
        char *v = strchr(at, ':') + 1;
        while (*v == ' ' || *v == '\t') v++;
        note("%s %s: %s", path, *want, isdigit((unsigned char)*v) ? "number" : "text");
    }
}

static void self(void)
{
    static const char *const status[] = { "Name", "Umask", "State", "Tgid", "Pid", "PPid", "TracerPid", "Uid", "Gid",
        "FDSize", "Groups", "VmPeak", "VmSize", "VmRSS", "VmData", "VmStk", "VmExe", "Threads", "SigQ", "SigPnd",
        "ShdPnd", "SigBlk", "SigIgn", "SigCgt", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs",
        "Seccomp", "Cpus_allowed", "Cpus_allowed_list", "voluntary_ctxt_switches", NULL };
    char b[300], name[300];
    int n;

    keys("/proc/self/status", status);
    slurp("/proc/self/stat");
    int fields = 1;
    for (char *p = strrchr(buf, ')'); *p; p++) fields += *p == ' ';
    note("stat: %d fields, %s", fields + 1, strncmp(strchr(buf, '('), "(procs) R", 9) ? "odd" : "named");
    slurp("/proc/self/statm");
    shape(buf);
    note("cmdline %d", slurp("/proc/self/cmdline"));
    slurp("/proc/self/comm");
    note("%s", buf);
    n = readlink("/proc/self/exe", b, sizeof b);
    note("exe %.*s", n, b);
    n = readlink("/proc/self/cwd", b, sizeof b);
    note("cwd %.*s", n, b);
    n = readlink("/proc/self/root", b, sizeof b);
    note("root %.*s", n, b);
    n = readlink("/proc/self", b, sizeof b);
    yes("self", atoi(b) == getpid());
    n = readlink("/proc/thread-self", b, sizeof b);
    snprintf(name, sizeof name, "%d/task/%d", getpid(), getpid());
    yes("thread-self", !strncmp(name, b, n));
    int fd = open("file", O_CREAT | O_RDWR, 0600), p[2];
    pipe(p);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    n = readlink(name, b, sizeof b);
    note("fd %.*s", n, b);
    unlink("file");
    n = readlink(name, b, sizeof b);
    note("fd %.*s", n, b);
    write(fd, "still", 5);
    int again = open(name, O_RDONLY);
    say("opened anew", read(again, b, 10));
    snprintf(name, sizeof name, "/proc/self/fd/%d", p[0]);
    n = readlink(name, b, sizeof b);
    b[n] = 0;
    shape(b);
    snprintf(name, sizeof name, "/proc/self/fdinfo/%d", fd);
    slurp(name);
    yes("fdinfo", strstr(buf, "pos:\t5") && strstr(buf, "flags:\t0"));
    DIR *d = opendir("/proc/self/fd");
    struct dirent *e;
    for (n = 0; (e = readdir(d));) n += e->d_name[0] != '.';
    closedir(d);
    note("descriptors %d", n);
    slurp("/proc/self/maps");
    yes("stack", strstr(buf, "[stack]") != NULL);
    yes("heap", (malloc(10), slurp("/proc/self/maps"), strstr(buf, "[heap]") != NULL));
    yes("own text", strstr(buf, "/procs") != NULL && strstr(buf, "r-xp") != NULL);
    unsigned long lo, hi;
    char perm[5];
    int ok = 1;
    for (char *l = strtok(buf, "\n"); l; l = strtok(NULL, "\n"))
        ok &= sscanf(l, "%lx-%lx %4s %*x %*x:%*x %*d", &lo, &hi, perm) == 3 && lo < hi && strlen(perm) == 4;
    yes("maps can be read", ok);
    slurp("/proc/self/limits");
    yes("limits", strstr(buf, "Max open files") && strstr(buf, "1024"));
    slurp("/proc/self/environ");
    yes("environ", memmem(buf, 300, "PATH=", 5) != NULL);
    slurp("/proc/self/mounts");
    yes("mounts", strstr(buf, " /proc proc ") && strstr(buf, " /tmp tmpfs "));
    slurp("/proc/self/mountinfo");
    int parts = 0;
    for (char *l = buf; (l = strstr(l, " - ")); l++) parts++;
    yes("mountinfo", parts >= 5);
    slurp("/proc/self/cgroup");
    yes("cgroup", strchr(buf, ':') != NULL);
    slurp("/proc/self/oom_score_adj");
    yes("oom_score_adj", isdigit(buf[0]) || buf[0] == '-');
    slurp("/proc/self/auxv");
    slurp("/proc/self/wchan");
    slurp("/proc/self/io");
    slurp("/proc/self/smaps_rollup");
    slurp("/proc/self/loginuid");
    slurp("/proc/self/setgroups");
}

/* A number after its name in a file of /proc. */
static long long number(const char *file, const char *name)
{
    FILE *f = fopen(file, "r");
    char line[300];
    long long v = -1;
    size_t n = strlen(name);
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, name, n)) v = atoll(line + n);
    if (f) fclose(f);
    return v;
}

/* What a process has done so far: exact where it can be, and never less than before. */
static void counts(void)
{
    struct rusage a, b, kids;
    long long r0 = number("/proc/self/io", "rchar:"), w0, c0, all = number("/proc/stat", "ctxt ");
    long long made = number("/proc/stat", "processes ");
    char b4[4000];
    int fd = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_WRONLY), p[2];
    getrusage(RUSAGE_SELF, &a);
    for (int i = 0; i < 10; i++) usleep(2000);
    getrusage(RUSAGE_SELF, &b);
    yes("sleeps are switches", b.ru_nvcsw >= a.ru_nvcsw + 10 && b.ru_nvcsw < a.ru_nvcsw + 1000);
    yes("status agrees", number("/proc/self/status", "voluntary_ctxt_switches:") >= b.ru_nvcsw);
    yes("of the system", number("/proc/stat", "ctxt ") >= all + 10);
    read(fd, b4, sizeof b4);
    pread(fd, b4, 1000, 0);
    r0 = number("/proc/self/io", "rchar:") - r0;
    yes("bytes read", r0 >= 5000 && r0 < 100000);
    w0 = number("/proc/self/io", "wchar:");
    c0 = number("/proc/self/io", "syscw:");
    for (int i = 0; i < 3; i++) write(null, b4, 1000);
    write(null, b4, 0);
    note("written %lld calls %lld", number("/proc/self/io", "wchar:") - w0,
         number("/proc/self/io", "syscw:") - c0);
    w0 = number("/proc/self/io", "wchar:");
    getrusage(RUSAGE_CHILDREN, &kids);
    pipe(p);
    if (!fork()) {
        for (int i = 0; i < 5; i++) usleep(2000);
        write(p[1], b4, 3000);
        _exit(0);
    }
    wait(NULL);
    note("a child's belong to whom it was waited for by: %lld",
         number("/proc/self/io", "wchar:") - w0);
    getrusage(RUSAGE_CHILDREN, &a);
    yes("its switches too", a.ru_nvcsw >= kids.ru_nvcsw + 5);
    yes("processes made", number("/proc/stat", "processes ") > made);
    slurp("/proc/self/sched");
    yes("sched", strstr(buf, "nr_voluntary_switches") && strstr(buf, "#threads: 1)"));
    slurp("/proc/self/numa_maps");
    yes("numa_maps", strstr(buf, " default ") && strstr(buf, "procs"));
    slurp("/proc/self/smaps");
    yes("VmFlags", strstr(buf, "\nVmFlags: rd ex mr mw me") != NULL);
    close(p[0]), close(p[1]), close(fd), close(null);
}

/* The call that a process sleeps in. */
static void in_call(void)
{
    int p[2], c;
    char name[40], s = 0;
    long long nr;
    pipe(p);
    if (!(c = fork())) {
        close(p[1]);
        _exit(read(p[0], name, 33));
    }
    snprintf(name, sizeof name, "/proc/%d/stat", c);
    for (int i = 0; i < 500 && s != 'S'; i++) {
        usleep(2000);
        slurp(name);
        char *end = strrchr(buf, ')');
        s = end ? end[2] : 0;
    }
    snprintf(name, sizeof name, "/proc/%d/syscall", c);
    slurp(name);
    yes("what a process sleeps in", sscanf(buf, "%lld", &nr) == 1 && nr == 0 && strstr(buf, " 0x21 "));
    kill(c, SIGKILL);
    waitpid(c, NULL, 0);
    close(p[0]), close(p[1]);
}

static void system_(void)
{
    static const char *const mem[] = { "MemTotal", "MemFree", "MemAvailable", "Buffers", "Cached", "SwapTotal",
        "SwapFree", "Dirty", "Shmem", "Slab", "CommitLimit", "Committed_AS", "HugePages_Total", "Hugepagesize", NULL };
    static const char *const sys[] = { "kernel/ostype", "kernel/pid_max", "kernel/hostname",
        "kernel/random/entropy_avail", "kernel/threads-max", "kernel/cap_last_cap", "vm/overcommit_memory",
        "vm/max_map_count", "vm/swappiness", "fs/file-max", "fs/nr_open", "fs/pipe-max-size", "kernel/ngroups_max",
        "kernel/core_pattern", "kernel/osrelease", "kernel/version", "kernel/domainname", "kernel/shmmax", "kernel/msgmax",
        "vm/mmap_min_addr", "kernel/randomize_va_space", "fs/protected_symlinks", NULL };
    char b[100];
    keys("/proc/meminfo", mem);
    slurp("/proc/stat");
    yes("cpu line", !strncmp(buf, "cpu  ", 5));
    yes("btime", strstr(buf, "\nbtime ") != NULL && strstr(buf, "\nprocesses ") && strstr(buf, "\nctxt "));
    slurp("/proc/uptime");
    shape(buf);
    slurp("/proc/loadavg");
    shape(buf);
    slurp("/proc/version");
    yes("version", !strncmp(buf, "Linux version ", 14));
    slurp("/proc/cpuinfo");
    yes("cpuinfo", strstr(buf, "processor\t: 0") && strstr(buf, "flags\t\t:") && strstr(buf, "model name\t:"));
    slurp("/proc/filesystems");
    yes("filesystems", strstr(buf, "nodev\tproc") && strstr(buf, "tmpfs"));
    for (const char *const *s = sys; *s; s++) {
        snprintf(b, sizeof b, "/proc/sys/%s", *s);
        if (slurp(b) > 0) note("%s: %s", *s, isdigit((unsigned char)buf[0]) ? "number" : "text");
    }
    slurp("/proc/devices");
    slurp("/proc/partitions");
    slurp("/proc/cmdline");
    slurp("/proc/mounts");
    slurp("/proc/swaps");
    slurp("/proc/vmstat");
    slurp("/proc/diskstats");
    slurp("/proc/net/dev");
    slurp("/proc/net/unix");
    slurp("/proc/sys/kernel/none");
    say("write to a file of /proc", open("/proc/uptime", O_WRONLY));
    say("no such pid", open("/proc/999999/stat", O_RDONLY));
    struct stat st;
    stat("/proc", &st);
    note("%o", st.st_mode);
    stat("/proc/self/stat", &st);
    note("%o %d", st.st_mode, (int)st.st_size);
    stat("/proc/self/", &st);
    note("%o", st.st_mode);
}

static void others(void)
{
    char b[100], c;
    int p[2], n = 0;
    pipe(p);
    pid_t k = fork();
    if (!k) { setsid(); write(p[1], "x", 1); pause(); _exit(0); }
    read(p[0], &c, 1);
    nap(30);
    snprintf(b, sizeof b, "/proc/%d/stat", k);
    slurp(b);
    char st;
    int ppid, pgrp, sid;
    sscanf(strrchr(buf, ')') + 1, " %c %d %d %d", &st, &ppid, &pgrp, &sid);
    note("state %c parent %d group %d session %d", st, ppid == getpid(), pgrp == k, sid == k);
    snprintf(b, sizeof b, "/proc/%d/task", k);
    DIR *d = opendir(b);
    struct dirent *e;
    while ((e = readdir(d))) n += e->d_name[0] != '.';
    closedir(d);
    note("tasks %d", n);
    kill(k, SIGKILL);
    for (int i = 0; i < 100; i++) {
        snprintf(b, sizeof b, "/proc/%d/stat", k);
        slurp(b);
        sscanf(strrchr(buf, ')') + 1, " %c", &st);
        if (st == 'Z') break;
        nap(5);
    }
    note("state %c", st);
    snprintf(b, sizeof b, "/proc/%d/cmdline", k);
    note("a zombie's cmdline: %d", slurp(b));
    waitpid(k, NULL, 0);
    snprintf(b, sizeof b, "/proc/%d", k);
    say("gone", access(b, F_OK));
    n = 0;
    d = opendir("/proc");
    int me = 0;
    while ((e = readdir(d))) { n += isdigit((unsigned char)e->d_name[0]) != 0; me += atoi(e->d_name) == getpid(); }
    closedir(d);
    note("listed %d", me);
    yes("others too", n >= 2);
}

int main(void)
{
    for (int i = 3; i < 1024; i++) close(i);     /* what the runner has open is its own affair */
    self();
    counts();
    in_call();
    system_();
    others();
    return 0;
}
