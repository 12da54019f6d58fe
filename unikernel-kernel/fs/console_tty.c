/* The container's terminal: the tty behind /dev/console, over the console device. */
#include <asm/fcntl.h>
#include "console.h"
#include "ttyint.h"

static struct tty console;
static struct mutex console_lock;
static bool console_ready;
static struct winsize early_size;       /* told before the first open */

static size_t con_room(struct tty *t)
{
    return console_room(CONSOLE_MAIN);
}

static void con_write(struct tty *t, const u8 *buf, size_t n)
{
    console_write(CONSOLE_MAIN, buf, n);        /* there is room, or no one reads any more */
}

static struct waitq *con_out_wq(struct tty *t)
{
    return console_waitq(CONSOLE_MAIN);
}

static void con_resume(struct tty *t)
{
    console_rx_resume();
}

static void con_free(struct tty *t)
{
    panic("console: reference lost");   /* the device's own stays for good */
}

static const struct tty_driver console_driver = {
    .room = con_room, .write = con_write, .out_wq = con_out_wq, .resume = con_resume,
    .free = con_free,
};

/* Made at the first open, so that a container without a terminal pays nothing. */
static void make_ready(void)
{
    u16 rows, cols;

    mutex_lock(&console_lock);
    if (!console_ready) {
        tty_init(&console, &console_driver, MKDEV(5, 1));
        console_winsize(&rows, &cols);
        console.winsize = early_size;
        if (rows && cols)
            console.winsize = (struct winsize){ .ws_row = rows, .ws_col = cols };
        WRITE_ONCE(console_ready, true);
        console_rx_start();
    }
    mutex_unlock(&console_lock);
}

static int console_open(struct inode *i, struct file *f)
{
    if (!console_is_tty())
        return -ENXIO;
    make_ready();
    tty_get(&console);
    return tty_open_file(&console, f, true);
}

const struct file_ops tty_console_fops = { .open = console_open };

size_t tty_console_input(const u8 *buf, size_t n)
{
    return READ_ONCE(console_ready) ? tty_receive(&console, buf, n) : n;
}

void tty_console_winsize(u16 rows, u16 cols)
{
    struct winsize w = { .ws_row = rows, .ws_col = cols };

    mutex_lock(&console_lock);
    bool ready = console_ready;
    early_size = w;
    mutex_unlock(&console_lock);
    if (ready)
        tty_resize(&console, &w);
}

void tty_console_hangup(void)
{
    if (READ_ONCE(console_ready))
        tty_hangup(&console);
}
