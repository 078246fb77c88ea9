// long cede_interruptible_syscall(stop, stop_mask, number, a0, a1, a2, a3, a4, a5)
// See interruptible.hpp. The three labels bound the window [check, system call made]; a handler that
// finds the program counter in it goes on at `abandoned`. Nothing is pushed in between.
        .text
        .globl  cede_interruptible_syscall
        .hidden cede_interruptible_syscall
        .type   cede_interruptible_syscall, @function
        .globl  cede_interruptible_check
        .hidden cede_interruptible_check
        .globl  cede_interruptible_made
        .hidden cede_interruptible_made
        .globl  cede_interruptible_abandoned
        .hidden cede_interruptible_abandoned
        .p2align 4
cede_interruptible_syscall:
        .cfi_startproc
        endbr64
        movq    %rdi, %r11              // stop
        movq    %rdx, %rax              // number
        movq    %rcx, %rdi              // a0
        movl    %esi, %ecx              // stop_mask
        movq    %r8, %rsi               // a1
        movq    %r9, %rdx               // a2
        movq    8(%rsp), %r10           // a3
        movq    16(%rsp), %r8           // a4
        movq    24(%rsp), %r9           // a5
cede_interruptible_check:
        testl   %ecx, (%r11)
        jnz     cede_interruptible_abandoned
        syscall
cede_interruptible_made:
        ret
cede_interruptible_abandoned:
        movq    $-4, %rax               // -EINTR
        ret
        .cfi_endproc
        .size   cede_interruptible_syscall, .-cede_interruptible_syscall
        .section .note.GNU-stack,"",@progbits
