// aarch64: what a parked control flow is made of, and the switch between two of them.
//
// The compiler sees a statement that clobbers every register but sp and x29, so it saves only what
// is alive at this very place; nothing is pushed. x29 may not stand in a clobber list and is kept
// by hand. The switch ends in a jump, not in `ret`, which would defeat the return predictor.
#pragma once

#include <cstddef>

#include "context/aarch64/fp_control.hpp"
#include "context/aarch64/thread_pointer.hpp"

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
static_assert(offsetof(continuation, control) == 24);

// Between the load of sp and the jump neither stack can be unwound; the CFI says so for a signal
// that arrives there. (The macro is set where the compiler itself writes CFI directives.)
#if defined(__GCC_HAVE_DWARF2_CFI_ASM)
#define CEDE_SWITCH_CFI_CUT ".cfi_remember_state\n\t.cfi_undefined x30\n\t"
#define CEDE_SWITCH_CFI_MEND ".cfi_restore_state\n\t"
#else
#define CEDE_SWITCH_CFI_CUT
#define CEDE_SWITCH_CFI_MEND
#endif

// With branch target identification the label is reached by an indirect jump.
#if defined(__ARM_FEATURE_BTI_DEFAULT)
#define CEDE_SWITCH_LANDING "bti j\n\t"
#else
#define CEDE_SWITCH_LANDING
#endif

// The v registers are the low parts of SVE's z registers; the predicates stand alone.
#if defined(__ARM_FEATURE_SVE)
#define CEDE_SVE_CLOBBERS                                                                          \
  , "p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11", "p12", "p13", "p14", \
      "p15"
#else
#define CEDE_SVE_CLOBBERS
#endif

// Saves the running control flow in `from` and goes on with `to`; returns when somebody switches
// back to `from`. Leaves the floating-point control word alone.
[[gnu::always_inline]] inline void switch_stacks(continuation& from, continuation& to) noexcept {
  continuation* save = &from;
  continuation* load = &to;
  asm volatile(
      "mov x9, sp\n\t"
      "adr x10, 1f\n\t"
      "stp x9, x10, [%[save]]\n\t"
      "str x29, [%[save], #16]\n\t"
      "ldp x9, x10, [%[load]]\n\t"
      "ldr x29, [%[load], #16]\n\t" CEDE_SWITCH_CFI_CUT
      "mov sp, x9\n\t"
      "br x10\n\t" CEDE_SWITCH_CFI_MEND "1:\n\t" CEDE_SWITCH_LANDING
      : [save] "+r"(save), [load] "+r"(load)
      :
      : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
        "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28",
        "x30", "cc", "memory", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10",
        "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23",
        "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31" CEDE_SVE_CLOBBERS);
}

// The whole switch: control word, then stacks.
[[gnu::always_inline]] inline void switch_to(continuation& from, continuation& to) noexcept {
  settle_fp_control(from.control, to.control);
  switch_stacks(from, to);
}

#undef CEDE_SWITCH_CFI_CUT
#undef CEDE_SWITCH_CFI_MEND
#undef CEDE_SWITCH_LANDING
#undef CEDE_SVE_CLOBBERS

}  // namespace cede::context
