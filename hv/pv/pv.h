/* Inside the PV backend. */
#ifndef XENC_HV_PV_H
#define XENC_HV_PV_H

#include <elf.h>

#include "abi/pv.h"
#include "hv/domain.h"

#define PV_MAX_PHDRS 8
#define PV_MEM_LEAST (6ull << 20)
/* Host tasks of one domain where no pids cgroup sets fewer: then fork answers EAGAIN. */
#define PV_TASKS_MAX 4096

struct pv_kernel { Elf64_Ehdr eh; Elf64_Phdr ph[PV_MAX_PHDRS]; };
struct pv_kernel *pv_kernel_of(struct hv_domain *d);

/* The guest's first process. */
int pv_start(struct hv_domain *d, struct err *e);

#endif
