// Where a preempted control flow goes on after the signal's handler: see ../preempt.hpp. rsp points
// to a preempt_frame (preempt_frame.hpp has the offsets) from the first instruction to the last, so
// one description serves unwinders throughout, and nothing that is still needed ever lies below it.
// The general registers are in the frame already and free for use.
//
// It leaves by iretq, which takes instruction, flags and stack pointer in one: any other way has to
// leave something below the interrupted red zone while the stack pointer is back already, where a
// handler without a stack of its own would overwrite it; and it does not disturb the return
// predictor.
        .text

#define RIP 0
#define RSP 24
#define R8 40
#define R9 48
#define R10 56
#define R11 64
#define R12 72
#define R13 80
#define R14 88
#define R15 96
#define RDI 104
#define RSI 112
#define RBP 120
#define RBX 128
#define RDX 136
#define RAX 144
#define RCX 152
#define COMPONENTS 176
#define COMPACTED 184
#define AREA 192

// DW_CFA_expression: the register's value is in memory at rsp + offset (DW_OP_breg7, SLEB128 in two
// bytes).
        .macro  saved register, offset
        .cfi_escape 0x10, \register, 3, 0x77, (\offset & 0x7f) | 0x80, \offset >> 7
        .endm

        .globl  cede_preempt_trampoline
        .hidden cede_preempt_trampoline
        .type   cede_preempt_trampoline, @function
        .globl  cede_preempt_trampoline_end
        .hidden cede_preempt_trampoline_end
        .p2align 4
cede_preempt_trampoline:
        .cfi_startproc
        // The caller's pc is an instruction that was not executed yet, not one behind a call.
        .cfi_signal_frame
        // DW_CFA_def_cfa_expression: the frame's end is the interrupted rsp, as in a signal frame.
        .cfi_escape 0x0f, 4, 0x77, (RSP & 0x7f) | 0x80, RSP >> 7, 0x06
        saved   0, RAX
        saved   1, RDX
        saved   2, RCX
        saved   3, RBX
        saved   4, RSI
        saved   5, RDI
        saved   6, RBP
        saved   7, RSP
        saved   8, R8
        saved   9, R9
        saved   10, R10
        saved   11, R11
        saved   12, R12
        saved   13, R13
        saved   14, R14
        saved   15, R15
        saved   16, RIP

        movl    COMPONENTS(%rsp), %eax
        movl    COMPONENTS+4(%rsp), %edx
        cmpl    $0, COMPACTED(%rsp)
        je      1f
        xsavec64 AREA(%rsp)
        jmp     2f
1:      xsave64 AREA(%rsp)
        // All to their initial values: what the calling convention asks of x87 and mxcsr, and no
        // upper halves that slow down narrower instructions.
2:      xrstor64 initial_state(%rip)
        movq    %rsp, %rdi
        call    cede_preempt_enter

        movl    COMPONENTS(%rsp), %eax
        movl    COMPONENTS+4(%rsp), %edx
        xrstor64 AREA(%rsp)
        movq    R8(%rsp), %r8
        movq    R9(%rsp), %r9
        movq    R10(%rsp), %r10
        movq    R11(%rsp), %r11
        movq    R12(%rsp), %r12
        movq    R13(%rsp), %r13
        movq    R14(%rsp), %r14
        movq    R15(%rsp), %r15
        movq    RDI(%rsp), %rdi
        movq    RSI(%rsp), %rsi
        movq    RBP(%rsp), %rbp
        movq    RBX(%rsp), %rbx
        movq    RDX(%rsp), %rdx
        movq    RAX(%rsp), %rax
        movq    RCX(%rsp), %rcx
        iretq
        .cfi_endproc
cede_preempt_trampoline_end:
        .size   cede_preempt_trampoline, .-cede_preempt_trampoline

// An xsave area in the standard format that has no component in use: 512 bytes of legacy region, of
// which only mxcsr counts, and the header.
        .section .rodata
        .p2align 6
        .type   initial_state, @object
initial_state:
        .zero   24
        .long   0x1f80
        .zero   512 - 28 + 64
        .size   initial_state, .-initial_state

        .section .note.GNU-stack,"",@progbits
