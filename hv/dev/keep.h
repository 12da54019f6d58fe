/* State that outlives a worker of the driver domain (supervise.h). It lies in memory that
 * all workers share, and one may be killed between any two instructions: so it changes by
 * single stores, in an order in which each step leaves something to go on from. */
#ifndef XENC_DEV_KEEP_H
#define XENC_DEV_KEEP_H

/* What was stored before is there for the next worker if what is stored behind is. The CPU
 * keeps the order of stores; this keeps the compiler from changing it. */
#define KEEP_ORDER() __atomic_signal_fence(__ATOMIC_SEQ_CST)

#endif
