/* The vDSO's page (vdso/, built before). */
    .section .rodata.vdso, "a"
    .balign 4096
    .globl pvh_vdso_image
pvh_vdso_image:
    .incbin "vdso.so"
    .balign 4096
    .section .note.GNU-stack, "", @progbits
