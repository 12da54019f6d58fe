/* What every file of the guest kernel uses: types, assertions, messages, lists. */
#ifndef KERNEL_H
#define KERNEL_H

#include <asm-generic/errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;
typedef long ssize_t;
typedef int64_t loff_t;
typedef uint64_t uptr_t;        /* an address in a guest program: never dereferenced */

#define PAGE_SIZE  4096ul
#define PAGE_MASK  (~(PAGE_SIZE - 1))
#define PAGE_SHIFT 12
#define PAGE_UP(x)   (((u64)(x) + PAGE_SIZE - 1) & PAGE_MASK)
#define PAGE_DOWN(x) ((u64)(x) & PAGE_MASK)
#define NSEC_PER_SEC 1000000000ull
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(p, type, member) ((type *)(void *)((char *)(p) - offsetof(type, member)))
#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define CAT2_(a, b) a##b
#define CAT_(a, b) CAT2_(a, b)          /* names of their own: min in min is fine */
#define MINMAX_(a, op, b, x, y) ({ __typeof__(a) x = (a); __typeof__(b) y = (b); x op y ? x : y; })
#define min(a, b) MINMAX_(a, <, b, CAT_(x_, __COUNTER__), CAT_(y_, __COUNTER__))
#define max(a, b) MINMAX_(a, >, b, CAT_(x_, __COUNTER__), CAT_(y_, __COUNTER__))
/* Of a large table that starts as zeros and is used here and there: it lies apart, so that
 * what is used together lies together. */
#define SPARSE __attribute__((section(".bss.sparse")))
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

/* Inner results that never reach a program: core/signal.c turns them into a restart
 * or EINTR (as Linux's numbers, so that traces read the same). */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513      /* always once more */
#define ERESTARTNOHAND 514
#define ERESTART_RESTARTBLOCK 516

/* Messages go to the container's log. Levels as syslog's: 3 error .. 7 debug; 7 only
 * when the domain was started with debug. */
void printk(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Ends the domain with a report: reason, task, backtrace. */
void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
/* For our own errors only, never for what a program or the host passed in. */
#define assert(c) ((c) ? (void)0 : panic("%s:%d: %s", __FILE__, __LINE__, #c))

/* lib/: as in C, plus */
void *memcpy(void *d, const void *s, size_t n);
void *memmove(void *d, const void *s, size_t n);
void *memset(void *d, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
#ifdef XENC_KERNEL      /* what is small and of known size the compiler does in place */
#define memcpy(...)  __builtin_memcpy(__VA_ARGS__)
#define memmove(...) __builtin_memmove(__VA_ARGS__)
#define memset(...)  __builtin_memset(__VA_ARGS__)
#define memcmp(...)  __builtin_memcmp(__VA_ARGS__)
#define strlen(...)  __builtin_strlen(__VA_ARGS__)
#endif
size_t strnlen(const char *s, size_t n);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *sub);
/* Copies at most n-1 bytes and a NUL; returns strlen(s). */
size_t strlcpy(char *d, const char *s, size_t n);
int snprintf(char *buf, size_t n, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int vsnprintf(char *buf, size_t n, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));
/* Decimal (or 0x, 0) number; *end_r may be NULL. */
u64 strtou64(const char *s, char **end_r, int base);

/* Doubly linked circular lists. */
struct list { struct list *next, *prev; };
#define LIST_INIT(name) { &(name), &(name) }
static inline void list_init(struct list *l) { l->next = l->prev = l; }
static inline bool list_empty(const struct list *l) { return l->next == l; }
static inline void list_add(struct list *head, struct list *n)  /* at the front */
{
    n->next = head->next; n->prev = head; head->next->prev = n; head->next = n;
}
static inline void list_add_tail(struct list *head, struct list *n)
{
    n->prev = head->prev; n->next = head; head->prev->next = n; head->prev = n;
}
static inline void list_del(struct list *n)     /* leaves n an empty list */
{
    n->prev->next = n->next; n->next->prev = n->prev; list_init(n);
}
#define list_entry(p, type, member) container_of(p, type, member)
#define list_first(head, type, member) container_of((head)->next, type, member)
#define list_for_each(pos, head, member) \
    for (pos = list_entry((head)->next, __typeof__(*pos), member); &pos->member != (head); \
         pos = list_entry(pos->member.next, __typeof__(*pos), member))
#define list_for_each_safe(pos, tmp, head, member) \
    for (pos = list_entry((head)->next, __typeof__(*pos), member), \
         tmp = list_entry(pos->member.next, __typeof__(*pos), member); &pos->member != (head); \
         pos = tmp, tmp = list_entry(tmp->member.next, __typeof__(*tmp), member))

/* Red-black tree, lib/rbtree.c: intrusive; the caller walks and links. */
struct rbnode { struct rbnode *parent, *left, *right; bool red; };
struct rbtree { struct rbnode *root; };
/* Links n below parent at *link (found by the caller's walk) and rebalances. */
void rb_insert(struct rbtree *t, struct rbnode *n, struct rbnode *parent, struct rbnode **link);
void rb_erase(struct rbtree *t, struct rbnode *n);
struct rbnode *rb_first(const struct rbtree *t);
struct rbnode *rb_next(const struct rbnode *n);
struct rbnode *rb_prev(const struct rbnode *n);

/* 32-bit hash of bytes (FNV-1a based). */
u32 hash_bytes(const void *p, size_t n, u32 seed);

/* Memory of the kernel itself (mm/kmalloc.c). Zeroed; NULL when out of memory.
 * kmalloc'ed blocks are 16-aligned. kpages: n contiguous pages, page aligned. */
void *kmalloc(size_t n);        /* not zeroed */
void *kzalloc(size_t n);
void *krealloc(void *p, size_t old, size_t n);
void kfree(void *p);            /* NULL is fine */
char *kstrdup(const char *s);
void *kpages(size_t n);         /* zeroed; at most 63 MiB in one run */
void *kpages_raw(size_t n);     /* not zeroed */
void kpages_free(void *p, size_t n);
void kmem_init(void);           /* first of all, before anything allocates */
void kmem_trim(void);           /* idle: free pages' memory back to the host */
u64 kmem_free_bytes(void);
u64 kmem_total_bytes(void);

/* Reference counts. */
struct ref { u32 n; };
static inline void ref_init(struct ref *r) { r->n = 1; }
static inline void ref_get(struct ref *r) { __atomic_add_fetch(&r->n, 1, __ATOMIC_RELAXED); }
static inline bool ref_put(struct ref *r)       /* true: that was the last */
{
    return __atomic_sub_fetch(&r->n, 1, __ATOMIC_ACQ_REL) == 0;
}
#endif
