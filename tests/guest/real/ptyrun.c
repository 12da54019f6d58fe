/* ptyrun KEYS COMMAND...: runs the command on a pseudoterminal of 24 by 80, types KEYS
 * (\e \n \r \xHH; \p waits for a quiet terminal) and copies what it shows to its output. */
#include "../say.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

static int m;

/* Copies output until there was none for `ms`; 0 at the end of the terminal. */
static int drain(int ms)
{
    struct pollfd p = { m, POLLIN, 0 };
    char b[4096];
    while (poll(&p, 1, ms) > 0) {
        ssize_t n = read(m, b, sizeof b);
        if (n <= 0) return 0;
        if (write(1, b, n) != n) return 0;
    }
    return 1;
}

static void type(const char *k)
{
    for (; *k; k++) {
        char c = *k;
        if (c == '\\' && *++k) {
            if (*k == 'p') { drain(150); continue; }
            c = *k == 'e' ? 27 : *k == 'n' ? '\n' : *k == 'r' ? '\r' : *k;
            if (*k == 'x') { c = strtol((char[]){ k[1], k[2], 0 }, NULL, 16); k += 2; }
        }
        if (write(m, &c, 1) != 1) return;
        /* The program's answer to each key, so that a slow one does not take two at once. */
        poll(&(struct pollfd){ m, POLLIN, 0 }, 1, 250);
        drain(5);
    }
}

int main(int argc, char **argv)
{
    struct winsize ws = { 24, 80, 0, 0 };
    int st;

    if (argc < 3) return 2;
    m = posix_openpt(O_RDWR | O_NOCTTY);
    if (m < 0 || grantpt(m) || unlockpt(m)) { perror("pty"); return 2; }
    ioctl(m, TIOCSWINSZ, &ws);
    char *name = ptsname(m);
    pid_t p = fork();
    if (!p) {
        setsid();
        int s = open(name, O_RDWR);
        if (s < 0 || ioctl(s, TIOCSCTTY, 0)) _exit(126);
        for (int i = 0; i < 3; i++) dup2(s, i);
        if (s > 2) close(s);
        close(m);
        execvp(argv[2], argv + 2);
        _exit(127);
    }
    type(argv[1]);
    while (drain(300) && waitpid(p, &st, WNOHANG) == 0) continue;
    drain(50);
    waitpid(p, &st, 0);
    return WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
}
