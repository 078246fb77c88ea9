// The first frame of every context. `prepare` leaves the entry function and its argument in the two
// words at the stack pointer; sp stays aligned to 16 as the architecture requires.
// The return address is undefined in the CFI: unwinders and debuggers end here instead of reading
// past the stack.
        .text
        .globl  cede_context_entry
        .hidden cede_context_entry
        .type   cede_context_entry, %function
        .p2align 4
cede_context_entry:
        .cfi_startproc
        .cfi_undefined x30
        hint    #36                     // bti j
        ldp     x9, x0, [sp], #16
        mov     x29, xzr
        mov     x30, xzr
        blr     x9
        brk     #1
        .cfi_endproc
        .size   cede_context_entry, .-cede_context_entry
        .section .note.GNU-stack,"",%progbits
