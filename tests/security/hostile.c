#include "hostile.h"

#include <stdarg.h>

u64 gadget, gadget_pops;

void find_gadget(void)
{
    const uint8_t *p = (const uint8_t *)PV_TEXT_BASE;

    while (!gadget) {
        if (p[0] == 0x0f && p[1] == 0x05 && (p[2] == 0xc3 || (p[2] == 0x5d && p[3] == 0xc3))) {
            gadget = (u64)p;
            gadget_pops = p[2] == 0x5d ? 8 : 0;
        }
        p++;
    }
}

/* Below the return address lies a word for the gadget's pop, if it has one. */
__asm__(".globl raw\n"
        "raw:\n"
        "    push %rbp\n"
        "    mov %rdi, %rax\n"
        "    mov %rsi, %rdi\n"
        "    mov %rdx, %rsi\n"
        "    mov %rcx, %rdx\n"
        "    mov %r8, %r10\n"
        "    mov %r9, %r8\n"
        "    mov 16(%rsp), %r9\n"
        "    lea 1f(%rip), %rcx\n"
        "    push %rcx\n"
        "    sub gadget_pops(%rip), %rsp\n"
        "    jmp *gadget(%rip)\n"
        "1:  pop %rbp\n"
        "    ret\n"
        /* First code of a raw clone: fn and its argument lie on the new stack. */
        "raw_start:\n"
        "    pop %rax\n"
        "    pop %rdi\n"
        "    and $-16, %rsp\n"
        "    call *%rax\n"
        "    ud2\n");

extern char raw_start[];

long raw_clone(u64 flags, void (*fn)(void *), void *arg)
{
    enum { STACK = 8192 };
    char *m = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    static int tid;

    if (m == MAP_FAILED)
        return -ENOMEM;
    memset(m, 0, STACK);
    u64 *sp = (u64 *)(m + STACK - 256), *s = sp;
    if (gadget_pops)
        *s++ = 0;
    *s++ = (u64)raw_start;
    *s++ = (u64)fn;
    *s++ = (u64)arg;
    return raw(SYS_clone, flags, (u64)sp, (u64)&tid, (u64)&tid, 0, 0);
}

void say(const char *fmt, ...)
{
    char line[256];
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof line - 1, fmt, ap);
    va_end(ap);
    line[n++] = '\n';
    if (write(1, line, (size_t)n) < 0)
        _exit(99);
}
