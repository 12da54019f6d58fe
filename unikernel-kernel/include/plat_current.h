/* current(): the running task. Included by task.h. */
#ifdef XENC_KERNEL
static inline struct task *current(void)
{
    struct task *t;
    __asm__("mov %%gs:0, %0" : "=r"(t));    /* constant within a task: not volatile */
    return t;
}
#else
struct task *unit_current(void);
static inline struct task *current(void) { return unit_current(); }
#endif
