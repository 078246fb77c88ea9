// long cede_interruptible_syscall(stop, stop_mask, number, a0, a1, a2, a3, a4, a5)
// See interruptible.hpp. The three labels bound the window [check, system call made]; a handler that
// finds the program counter in it goes on at `abandoned`. Nothing is pushed in between.
        .text
        .globl  cede_interruptible_syscall
        .hidden cede_interruptible_syscall
        .type   cede_interruptible_syscall, %function
        .globl  cede_interruptible_check
        .hidden cede_interruptible_check
        .globl  cede_interruptible_made
        .hidden cede_interruptible_made
        .globl  cede_interruptible_abandoned
        .hidden cede_interruptible_abandoned
        .p2align 4
cede_interruptible_syscall:
        .cfi_startproc
        hint    #34                     // bti c
        mov     x9, x0                  // stop
        mov     w10, w1                 // stop_mask
        mov     x8, x2                  // number
        mov     x0, x3                  // a0
        mov     x1, x4
        mov     x2, x5
        mov     x3, x6
        mov     x4, x7                  // a4
        ldr     x5, [sp]                // a5
cede_interruptible_check:
        ldr     w11, [x9]
        tst     w11, w10
        b.ne    cede_interruptible_abandoned
        svc     #0
cede_interruptible_made:
        ret
cede_interruptible_abandoned:
        mov     x0, #-4                 // -EINTR
        ret
        .cfi_endproc
        .size   cede_interruptible_syscall, .-cede_interruptible_syscall
        .section .note.GNU-stack,"",%progbits
