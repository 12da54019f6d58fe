/* Programs that start programs, all at once, while others look at them: each starts and ends
 * as it should. */
#include "say.h"
#include <dirent.h>

enum { STARTERS = 4, LOOKERS = 2, EACH = 250 };

static int start_some(const char *self)
{
    int bad = 0, status;

    for (int i = 0; i < EACH; i++) {
        pid_t p = fork();
        if (p == 0) {
            execl(self, self, "leaf", NULL);
            _exit(99);
        }
        if (p < 0 || waitpid(p, &status, 0) != p || !WIFEXITED(status) || WEXITSTATUS(status) != 7) bad++;
    }
    return bad != 0;
}

static void look(void)
{
    char name[300], to[300];

    for (;;) {
        DIR *d = opendir("/proc");
        struct dirent *e;
        while (d && (e = readdir(d))) {
            if (*e->d_name < '0' || *e->d_name > '9') continue;
            snprintf(name, sizeof name, "/proc/%s/exe", e->d_name);
            if (readlink(name, to, sizeof to) < 0) continue;
        }
        if (d) closedir(d);
    }
}

int main(int argc, char **argv)
{
    pid_t lookers[LOOKERS], p[STARTERS];
    int status, bad = 0;

    if (argc > 1) return 7;
    for (int i = 0; i < LOOKERS; i++)
        if (!(lookers[i] = fork())) look();
    for (int i = 0; i < STARTERS; i++)
        if (!(p[i] = fork())) _exit(start_some(argv[0]));
    for (int i = 0; i < STARTERS; i++)
        if (waitpid(p[i], &status, 0) != p[i] || status) bad++;
    for (int i = 0; i < LOOKERS; i++) {
        kill(lookers[i], SIGKILL);
        waitpid(lookers[i], &status, 0);
    }
    say("starters that failed", bad);
    return 0;
}
