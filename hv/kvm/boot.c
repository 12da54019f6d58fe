/* What a PVH domain's memory holds before its first instruction. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "hv/dev/dev.h"
#include "hv/kvm/acpi.h"
#include "hv/kvm/elf.h"
#include "hv/kvm/kvm.h"

enum { MODULES_MAX = 4, NAMES_AT = 0x800 };

struct start {
    struct pvh_start_info *si;
    struct pvh_module *mod;
    struct pvh_memmap *map;
    uint64_t names;                     /* gpa of the next module's name */
    uint64_t top;                       /* modules take memory from here downwards */
    uint64_t low;                       /* ... and not below this */
};

static void add_memory(struct start *s, gpa_t start, gpa_t end, uint32_t type)
{
    if (end > start)
        s->map[s->si->memmap_entries++] = (struct pvh_memmap){ start, end - start, type, 0 };
}

static void describe_memory(struct start *s, const struct kvm_vm *vm)
{
    /* Ours, to be kept: boot area, log, and what start info points to. */
    add_memory(s, 0, PVH_FREE_GPA, PVH_MEM_RESERVED);
    add_memory(s, PVH_FREE_GPA, PVH_LOW_END, PVH_MEM_RAM);
    add_memory(s, PVH_HIGH_GPA, vm->low_end, PVH_MEM_RAM);
    add_memory(s, PVH_HOLE_END, vm->mem_end, PVH_MEM_RAM);
}

static void add_module(struct kvm_vm *vm, struct start *s, gpa_t at, uint64_t len,
                       const char *name)
{
    s->mod[s->si->nr_modules++] = (struct pvh_module){ at, len, s->names, 0 };
    strcpy((char *)vm->mem + s->names, name);
    s->names += strlen(name) + 1;
}

/* A file of the host as a module: low, if it fits there, else at the end of the memory. */
static int load_module(struct kvm_vm *vm, struct start *s, int fd, gpa_t low, const char *name,
                       gpa_t *at_r, uint64_t *len_r, struct err *e)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return err_sys(e, errno, "%s", name);
    uint64_t len = (uint64_t)st.st_size, at = low;
    if (!low || len > PVH_LOW_END - low) {
        if (len > s->top || s->top - len < s->low)
            return err_set(e, ENOMEM, "%s does not fit into the domain's memory", name);
        s->top = at = (s->top - len) & ~4095ull;
    }
    if (pread(fd, vm->mem + at, len, 0) != (ssize_t)len)
        return err_set(e, EIO, "cannot read %s", name);
    add_module(vm, s, at, len, name);
    *at_r = at;
    *len_r = len;
    return 0;
}

static int load_kernel(struct kvm_vm *vm, struct pvh_image *im, struct err *e)
{
    const struct hv_conf *c = vm->d->conf;
    char path[4200];

    if (vm->foreign)
        snprintf(path, sizeof path, "%s", c->kernel);
    else
        snprintf(path, sizeof path, "%s/kernel-pvh.elf", c->libexec);
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(e, errno, "kernel %s", path);
    int r = pvh_elf_load(im, fd, vm->mem, vm->low_end, e);
    if (r < 0)
        return err_add(e, "kernel %s", path);
    vm->entry = im->entry;
    return 0;
}

static void fill_boot(struct kvm_vm *vm)
{
    const struct hv_conf *c = vm->d->conf;
    struct xenc_boot *b = vm->d->boot;
    struct dev_layout l = { .tty = c->tty, .nconsoles = c->tty ? 1 : 2,
                            .balloon = true };
    struct winsize ws;

    b->magic = XENC_BOOT_MAGIC;
    b->version = XENC_BOOT_VERSION;
    b->mem_size = c->mem_bytes;
    b->ncpus = vm->nvcpus;
    b->flags = c->flags;
    b->started = c->autostart;
    b->hwcap = getauxval(AT_HWCAP);
    if (l.tty && ioctl(c->stdio[0], TIOCGWINSZ, &ws) == 0) {
        l.rows = ws.ws_row;
        l.cols = ws.ws_col;
    }
    dev_describe(b, &l);
}

static int put_cmdline(struct kvm_vm *vm, struct start *s, struct err *e)
{
    char *to = (char *)vm->mem + PVH_CMDLINE_GPA;
    const char *given = vm->d->conf->cmdline;
    size_t n = (size_t)snprintf(to, PVH_CMDLINE_MAX, "%s", given ? given : "");

    for (unsigned i = 0; i < vm->d->boot->ndevs && n < PVH_CMDLINE_MAX; i++)
        n += (size_t)snprintf(to + n, PVH_CMDLINE_MAX - n, "%svirtio_mmio.device=4K@0x%llx:%u",
                              n ? " " : "", PVH_MMIO_GPA + i * PVH_MMIO_STEP, PVH_GSI_DEV + i);
    if (n >= PVH_CMDLINE_MAX)
        return err_set(e, E2BIG, "the kernel's command line is too long");
    s->si->cmdline = PVH_CMDLINE_GPA;
    return 0;
}

static int load_initrd(struct kvm_vm *vm, struct start *s, struct err *e)
{
    const char *path = vm->d->conf->initrd;
    uint64_t at, len;

    if (!path)
        return 0;
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(e, errno, "initrd %s", path);
    int r = load_module(vm, s, fd, 0, "initrd", &at, &len, e);
    return r < 0 ? err_add(e, "%s", path) : 0;
}

int kvm_boot_area(struct kvm_vm *vm, struct err *e)
{
    uint8_t *page = vm->mem + PVH_START_GPA;
    struct start s = {
        .si = (void *)page, .mod = (void *)(page + 0x100), .map = (void *)(page + 0x400),
        .names = PVH_START_GPA + NAMES_AT,
        .top = vm->low_end,
    };
    struct xenc_boot *b = vm->d->boot;
    struct pvh_image im;
    int r = load_kernel(vm, &im, e);

    if (r < 0)
        return r;
    s.low = im.end;
    fill_boot(vm);
    *s.si = (struct pvh_start_info){ .magic = PVH_START_MAGIC, .version = 1,
                                     .modlist = PVH_START_GPA + 0x100,
                                     .memmap = PVH_START_GPA + 0x400, .rsdp = PVH_ACPI_GPA };
    describe_memory(&s, vm);
    if (acpi_write(vm->mem + PVH_ACPI_GPA, PVH_ACPI_MAX, PVH_ACPI_GPA, vm->nvcpus, b->ndevs) < 0)
        return err_set(e, E2BIG, "too many CPUs or devices");
    if ((r = put_cmdline(vm, &s, e)) < 0)
        return r;
    if (vm->foreign)
        return load_initrd(vm, &s, e);
    add_module(vm, &s, 0, sizeof *b, PVH_MODULE_BOOT);
    return load_module(vm, &s, vm->d->conf->record_fd, PVH_RECORD_GPA, PVH_MODULE_RECORD,
                       &b->record, &b->record_len, e);
}
