/* current(): the running task. Included by task.h. */
#ifdef XENC_KERNEL
static inline struct task *current(void)
{
    struct task *t;
    /* constant within a task: not volatile */
    __asm__("mov %%gs:" PLAT_GS_SELF ", %0" : "=r"(t));
    return t;
}
#else
struct task *unit_current(void);
static inline struct task *current(void) { return unit_current(); }
#endif
