// x86-64: what a parked control flow is made of, and the switch between two of them.
//
// The switch pushes nothing, so it is safe in a leaf function that keeps locals in the red zone,
// and ends in an indirect jump: a `ret` to another stack defeats the return predictor and costs 10
// ns. The compiler sees a statement that clobbers every register but rsp and rbp, so it saves only
// what is alive at this very place. rbp may not stand in a clobber list and is kept by hand.
#pragma once

#include <cstddef>

#include "context/x86_64/fp_control.hpp"
#include "context/x86_64/thread_pointer.hpp"

namespace cede::context {

struct continuation {
  void* sp = nullptr;
  void* pc = nullptr;
  void* fp = nullptr;
  fp_control control;
};

static_assert(offsetof(continuation, sp) == 0);
static_assert(offsetof(continuation, pc) == 8);
static_assert(offsetof(continuation, fp) == 16);

// Between the load of rsp and the jump neither stack can be unwound; the CFI says so for a signal
// that arrives there. (The macro is set where the compiler itself writes CFI directives.)
#if defined(__GCC_HAVE_DWARF2_CFI_ASM)
#define CEDE_SWITCH_CFI_CUT ".cfi_remember_state\n\t.cfi_undefined rip\n\t"
#define CEDE_SWITCH_CFI_MEND ".cfi_restore_state\n\t"
#else
#define CEDE_SWITCH_CFI_CUT
#define CEDE_SWITCH_CFI_MEND
#endif

// With indirect branch tracking the label is reached by an indirect jump.
#if defined(__CET__) && (__CET__ & 1)
#define CEDE_SWITCH_LANDING "endbr64\n\t"
#else
#define CEDE_SWITCH_LANDING
#endif

#if defined(__AVX512F__)
#define CEDE_AVX512_CLOBBERS                                                                    \
  , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",   \
      "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k0", "k1", "k2", "k3", "k4", "k5", \
      "k6", "k7"
#else
#define CEDE_AVX512_CLOBBERS
#endif

// Saves the running control flow in `from` and goes on with `to`; returns when somebody switches
// back to `from`. Leaves the floating-point control words alone.
[[gnu::always_inline]] inline void switch_stacks(continuation& from, continuation& to) noexcept {
  continuation* save = &from;
  continuation* load = &to;
  asm volatile(
      "leaq 1f(%%rip), %%rax\n\t"
      "movq %%rsp, (%[save])\n\t"
      "movq %%rax, 8(%[save])\n\t"
      "movq %%rbp, 16(%[save])\n\t"
      "movq 8(%[load]), %%rax\n\t"
      "movq 16(%[load]), %%rbp\n\t" CEDE_SWITCH_CFI_CUT
      "movq (%[load]), %%rsp\n\t"
      "jmpq *%%rax\n\t" CEDE_SWITCH_CFI_MEND "1:\n\t" CEDE_SWITCH_LANDING
      : [save] "+D"(save), [load] "+S"(load)
      :
      : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc",
        "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
        "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "mm0", "mm1", "mm2", "mm3", "mm4",
        "mm5", "mm6", "mm7", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)",
        "st(7)" CEDE_AVX512_CLOBBERS);
}

// The whole switch: control words, then stacks.
[[gnu::always_inline]] inline void switch_to(continuation& from, continuation& to) noexcept {
  settle_fp_control(from.control, to.control);
  switch_stacks(from, to);
}

#undef CEDE_SWITCH_CFI_CUT
#undef CEDE_SWITCH_CFI_MEND
#undef CEDE_SWITCH_LANDING
#undef CEDE_AVX512_CLOBBERS

}  // namespace cede::context
