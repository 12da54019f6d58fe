/* A PV domain's memory, kernel and first process. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/pv.h"
#include "base/fd.h"
#include "hv/dev/dev.h"
#include "hv/pv/pv.h"

static const struct sock_filter filter[] = {
#include "pv_filter.inc"
};

static int load_segment(struct hv_domain *d, const Elf64_Phdr *p, uint64_t *end, struct err *e)
{
    static char buf[65536];

    if (!(p->p_flags & PF_W)) {
        if (p->p_vaddr < PV_TEXT_BASE || p->p_memsz > PV_TEXT_MAX ||
            p->p_vaddr + p->p_memsz > PV_TEXT_BASE + PV_TEXT_MAX)
            return err_set(e, ENOEXEC, "kernel: text outside its place");
        return 0;               /* mapped from the file, hv/pv/enter.c */
    }
    if (p->p_vaddr < PV_MEM_BASE + PV_DATA_OFF || p->p_memsz > d->conf->mem_bytes ||
        p->p_vaddr - PV_MEM_BASE > d->conf->mem_bytes - p->p_memsz || p->p_filesz > p->p_memsz)
        return err_set(e, ENOMEM, "the kernel does not fit into %llu bytes of memory",
                       (unsigned long long)d->conf->mem_bytes);
    for (uint64_t done = 0; done < p->p_filesz;) {
        size_t n = p->p_filesz - done < sizeof buf ? p->p_filesz - done : sizeof buf;
        ssize_t got = pread(d->kernel_fd, buf, n, (off_t)(p->p_offset + done));
        if (got <= 0 || pwrite(d->mem_fd, buf, (size_t)got,
                               (off_t)(p->p_vaddr - PV_MEM_BASE + done)) != got)
            return err_set(e, EIO, "cannot load the kernel");
        done += (uint64_t)got;
    }
    *end = p->p_vaddr + p->p_memsz - PV_MEM_BASE;
    return 0;
}

static int load_kernel(struct hv_domain *d, uint64_t *end_r, struct err *e)
{
    struct pv_kernel *k = pv_kernel_of(d);
    char path[4200];

    snprintf(path, sizeof path, "%s/kernel-pv.elf", d->conf->libexec);
    d->kernel_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (d->kernel_fd < 0)
        return err_sys(e, errno, "%s", path);
    if (pread(d->kernel_fd, &k->eh, sizeof k->eh, 0) != sizeof k->eh ||
        memcmp(k->eh.e_ident, ELFMAG, SELFMAG) || k->eh.e_machine != EM_X86_64 ||
        k->eh.e_phentsize != sizeof k->ph[0] || k->eh.e_phnum > PV_MAX_PHDRS ||
        pread(d->kernel_fd, k->ph, k->eh.e_phnum * sizeof k->ph[0], (off_t)k->eh.e_phoff) !=
            (ssize_t)(k->eh.e_phnum * sizeof k->ph[0]))
        return err_set(e, ENOEXEC, "%s is no kernel", path);
    d->entry = k->eh.e_entry;
    for (unsigned i = 0; i < k->eh.e_phnum; i++) {
        int r = k->ph[i].p_type == PT_LOAD ? load_segment(d, &k->ph[i], end_r, e) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_record(struct hv_domain *d, gpa_t at, uint64_t *len_r, struct err *e)
{
    struct stat st;
    void *p;

    if (fstat(d->conf->record_fd, &st) < 0)
        return err_sys(e, errno, "container record");
    p = hv_mem(d, at, (uint64_t)st.st_size);
    if (!p)
        return err_set(e, E2BIG, "config.json says more than fits into the boot area");
    if (pread(d->conf->record_fd, p, (size_t)st.st_size, 0) != st.st_size)
        return err_set(e, EIO, "container record");
    *len_r = (uint64_t)st.st_size;
    return 0;
}

static int fill_boot(struct hv_domain *d, uint64_t kernel_end, struct err *e)
{
    struct xenc_boot *b = d->boot;
    struct dev_layout l = { .tty = d->conf->tty, .nconsoles = d->conf->tty ? 1 : 2,
                            .grants = true };
    struct winsize ws;

    b->magic = XENC_BOOT_MAGIC;
    b->version = XENC_BOOT_VERSION;
    b->mem_size = d->conf->mem_bytes;
    b->heap_start = (kernel_end + 4095) & ~4095ull;
    b->ncpus = d->conf->ncpus;
    b->flags = d->conf->flags;
    b->vdso = getauxval(AT_SYSINFO_EHDR);
    b->hwcap = getauxval(AT_HWCAP);
    b->filter = XENC_HOST_GPA;
    b->filter_len = sizeof filter / sizeof filter[0];
    memcpy(hv_mem(d, XENC_HOST_GPA, sizeof filter), filter, sizeof filter);
    b->record = (XENC_HOST_GPA + sizeof filter + 63) & ~63ull;
    b->started = d->conf->autostart;
    if (l.tty && ioctl(d->conf->stdio[0], TIOCGWINSZ, &ws) == 0) {
        l.rows = ws.ws_row;
        l.cols = ws.ws_col;
    }
    dev_describe(b, &l);
    return read_record(d, b->record, &b->record_len, e);
}

static int pv_create(struct hv_domain *d, struct err *e)
{
    uint64_t end = 0;

    d->mem_fd = memfd_create("xenc-domain", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    /* The guest has the descriptor: its size must stay, for our sake and for the limit's. */
    if (d->mem_fd < 0 || ftruncate(d->mem_fd, (off_t)d->conf->mem_bytes) < 0 ||
        fcntl(d->mem_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return err_sys(e, errno, "domain memory");
    if (d->conf->mem_bytes < PV_MEM_LEAST)
        return err_set(e, ENOMEM,
                       "a domain needs at least %u MiB of memory, the limit is %llu bytes",
                       (unsigned)(PV_MEM_LEAST >> 20), (unsigned long long)d->conf->mem_bytes);
    d->boot = mmap(NULL, HV_WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED, d->mem_fd, 0);
    if (d->boot == MAP_FAILED)
        return err_sys(e, errno, "domain memory");
    int r = load_kernel(d, &end, e);
    return r < 0 ? r : fill_boot(d, end, e);
}

const struct hv_backend hv_backend_pv = { .kind = HV_PV, .create = pv_create, .start = pv_start };
