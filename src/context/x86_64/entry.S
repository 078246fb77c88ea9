// The first frame of every context. `prepare` leaves the entry function and its argument in the two
// words at the stack pointer; after the pops the stack is aligned to 16 as a call requires.
// rip is undefined in the CFI: unwinders and debuggers end here instead of reading past the stack.
        .text
        .globl  cede_context_entry
        .hidden cede_context_entry
        .type   cede_context_entry, @function
        .p2align 4
cede_context_entry:
        .cfi_startproc
        .cfi_undefined rip
        endbr64
        popq    %rax
        popq    %rdi
        xorl    %ebp, %ebp
        callq   *%rax
        ud2
        .cfi_endproc
        .size   cede_context_entry, .-cede_context_entry
        .section .note.GNU-stack,"",@progbits
