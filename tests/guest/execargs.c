/* Big arguments and environments, and their limits. */
#include "say.h"
#include <sys/resource.h>
#include <sys/auxv.h>

extern char **environ;

static int count(int argc, char **argv)
{
    size_t bytes = 0, ebytes = 0;
    int envc = 0;
    for (int i = 0; i < argc; i++) bytes += strlen(argv[i]) + 1;
    for (char **e = environ; *e; e++) envc++, ebytes += strlen(*e) + 1;
    note("argc %d bytes %zu envc %d bytes %zu", argc, bytes, envc, ebytes);
    return 0;
}

static void run(const char *what, char **argv, char **env)
{
    pid_t p = fork();
    if (!p) {
        execve("/proc/self/exe", argv, env);
        note("%s: %s", what, strerror(errno));
        _exit(1);
    }
    say_wait(what, p);
}

int main(int argc, char **argv)
{
    static char *many[60003], *env[1003], word[200000];
    char *none[] = { NULL };

    if (argc > 1) return count(argc, argv);
    char *few[] = { "x", "count", "", "a", NULL };
    run("few", few, none);
    for (int i = 0; i < 20000; i++) many[i] = "argument";
    many[1] = "count";
    run("20000 arguments", many, none);
    memset(word, 'w', sizeof word);
    word[131071] = 0;                       /* the longest allowed: 128 KiB with its NUL */
    char *one[] = { "x", "count", word, NULL };
    run("128 KiB argument", one, none);
    word[131071] = 'w', word[131072] = 0;
    run("one more byte", one, none);
    word[100] = 0;
    for (int i = 0; i < 1000; i++) env[i] = word;
    run("1000 variables", few, env);
    word[100] = 'w', word[131000] = 0;
    for (int i = 2; i < 200; i++) many[i] = word;
    many[200] = NULL;
    run("25 MB of arguments", many, none);
    many[12] = NULL;
    run("1.3 MB of arguments", many, none);
    struct rlimit rl = { 256 << 10, 256 << 10 };
    setrlimit(RLIMIT_STACK, &rl);
    run("and a small stack", many, none);
    many[3] = NULL;
    run("one with a small stack", many, none);
    yes("page size", getauxval(AT_PAGESZ) == 4096);
    yes("AT_EXECFN", !strcmp((char *)getauxval(AT_EXECFN), argv[0]));
    yes("AT_RANDOM", getauxval(AT_RANDOM) != 0);
    yes("AT_PHDR", getauxval(AT_PHDR) != 0 && getauxval(AT_PHNUM) > 2 && getauxval(AT_ENTRY) != 0);
    note("uids %lu %lu secure %lu", getauxval(AT_UID), getauxval(AT_EGID), getauxval(AT_SECURE));
    note("clktck %lu", getauxval(AT_CLKTCK));
    yes("platform", !strcmp((char *)getauxval(AT_PLATFORM), "x86_64"));
    yes("hwcap", getauxval(AT_HWCAP) != 0);
    return 0;
}
