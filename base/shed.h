/* Giving back what a process that only waits does not need. */
#ifndef XENC_BASE_SHED_H
#define XENC_BASE_SHED_H

/* Lets go of the program's own text and constants: a process that will sleep for long
 * keeps a tenth of its memory, and finds the rest in the page cache when it wakes. */
void shed_text(void);

#endif
