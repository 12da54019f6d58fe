/* The address layout and descriptor numbers of a PV domain: what the loader
 * (hv/pv) sets up and what the guest kernel (plat/pv) finds. Both include it.
 *
 * Every address below is the same in each host process of the domain. All of it
 * lies in the lowest 512 GiB, so that no process pays for page tables of its own
 * in a second slot (docs/ARCHITECTURE.md, "Address space of a PV domain"). */
#ifndef XENC_ABI_PV_H
#define XENC_ABI_PV_H

/* Kernel text and read-only data, mapped from the kernel's ELF file. */
#define PV_TEXT_BASE    0x7000000000ULL
#define PV_TEXT_MAX     0x0001000000ULL         /* 16 MiB */

/* The domain's memory: a memfd, mapped shared at one address everywhere. */
#define PV_MEM_BASE     0x7010000000ULL
#define PV_MEM_MAX      0x0800000000ULL         /* 32 GiB of addresses */
#define PV_DATA_OFF     0x0000200000ULL         /* kernel .data/.bss begin here */

/* Per-process window of the kernel for granted files. Not shared. */
#define PV_WIN_BASE     0x7800000000ULL
#define PV_WIN_END      0x8000000000ULL

/* Kernel region as the filter sees it. */
#define PV_KERNEL_START 0x7000000000ULL
#define PV_KERNEL_END   0x8000000000ULL

/* Guest programs: [PV_USER_MIN, PV_USER_TOP) is where mappings are placed by
 * default, near the kernel. [PV_KERNEL_END, PV_USER_MAX) serves hints only. The gap
 * between PV_USER_TOP and the kernel lets the filter check without adding:
 * address < TOP and length < PV_LEN_MAX cannot reach the kernel. */
#define PV_USER_MIN     0x0000010000ULL
#define PV_USER_TOP     0x6000000000ULL
#define PV_USER_MAX     0x700000000000ULL   /* the vDSO lies above */
#define PV_LEN_MAX      0x1000000000ULL         /* one call below the kernel: < 64 GiB */

/* Descriptors of every guest process (one table, shared by CLONE_FILES). */
#define PV_FD_GRANT     3       /* SOCK_SEQPACKET to the driver domain: grants */
#define PV_FD_MEM       4       /* the domain's memfd */
#define PV_FD_FIRST     5       /* granted descriptors: all >= this; 0 to 2 are taken too */
#define PV_FD_MAX       16384   /* ... and below this (RLIMIT_NOFILE) */

/* The two forms of clone(2), word for word. */
/* VM FS FILES SIGHAND THREAD SYSVSEM SETTLS PARENT_SETTID */
#define PV_CLONE_THREAD  0x001d0f00UL
#define PV_CLONE_PROCESS 0x01008411UL   /* CHILD_SETTID PARENT FILES, SIGCHLD */

/* Host signals the guest kernel handles. PV_SIG_KICK asks a thread to look at its
 * task's work flags. */
#define PV_SIG_KICK     23      /* SIGURG */

#endif
