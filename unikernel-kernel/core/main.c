/* The order in which the kernel comes up. */
#include "abi/boot.h"
#include "balloon.h"
#include "boot.h"
#include "console.h"
#include "mm.h"
#include "random.h"
#include "vfs.h"

/* The root file system's types; fs/types.def has the names for mount(2). */
int virtiofs_mount(const char *source, u64 flags, const char *data, struct super **sb_r);
int tmpfs_mount(const char *source, u64 flags, const char *data, struct super **sb_r);

void boot_fail(int status, const char *fmt, ...)
{
    char line[400];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    printk(3, "%s", line);
    plat_halt(status << 8);
}

static void mount_root(void)
{
    struct super *sb;
    size_t len;
    const void *initrd = plat_initrd(&len);
    int r = initrd ? tmpfs_mount("rootfs", 0, "mode=755", &sb)
                   : virtiofs_mount("rootfs", 0, "", &sb);

    if (!r) r = vfs_mount_root(sb, 0);
    if (r < 0) boot_fail(1, "root file system: error %d", -r);
    current()->fs = fsctx_new_root();
    if (!current()->fs) boot_fail(1, "not enough memory");
    current()->fs->umask = 0;
    if (initrd) initrd_unpack(initrd, len);
}

void kmain(void)
{
    const struct xenc_boot *b = plat_boot();
    const void *rec = plat_kva(b->record);

    kmem_init();
    time_init();
    init_create();
    vfs_init();
    rng_init();
    balloon_init();
    console_init();
    if (kworker_start() < 0 || reclaim_start() < 0) boot_fail(1, "not enough memory");
    mount_root();
    container_files(rec, b->record_len);
    init_configure(rec, b->record_len);
    init_run();
}
