// x86-64: the floating-point control words of a context, and how a switch keeps them apart.
//
// The calling convention lets a function set the control bits of mxcsr and the x87 control word for
// itself and its callees, so each context has its own. Reading mxcsr on every switch would cost
// more than the rest of the switch (stmxcsr: one per 12 to 15 cycles on Zen 4; fnstcw: 2), so a
// switch only asks whether anything differs from the standard words, by means that are cheap:
//  - fnstcw shows whatever was changed through <cfenv>, which always sets both units;
//  - roundps with the suppress-exceptions bit shows mxcsr's rounding mode, and with a forced upward
//    rounding of a denormal shows denormals-are-zero. It raises no exception and sets no flag.
// Only then mxcsr is read. What goes unnoticed is a change of mxcsr alone, by intrinsics, that sets
// flush-to-zero without denormals-are-zero or unmasks exceptions: define CEDE_EXACT_FP_CONTROL to
// read mxcsr on every switch for the sake of such code.
//
// The sticky exception flags belong to nobody across a call and are not kept.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cede::context {

inline constexpr std::uint32_t standard_mxcsr = 0x1f80;
inline constexpr std::uint32_t mxcsr_control_bits = 0xffc0;
inline constexpr std::uint16_t standard_x87 = 0x037f;

struct fp_control {
  std::uint32_t mxcsr = standard_mxcsr;
  std::uint16_t x87 = standard_x87;
  std::uint16_t special = 0;  // 1 if a control bit differs from the standard words
};

// Reads both words.
fp_control current_fp_control() noexcept;

// The slow way: saves both words in `from` and loads those of `to` where they differ.
void exchange_fp_control(fp_control& from, const fp_control& to) noexcept;

struct rounding_probe {
  float by_mode[4];          // rounded as mxcsr says
  float up[4];               // rounded up whatever mxcsr says
  std::uint32_t nearest[4];  // bits of `by_mode` rounded to nearest
  std::uint32_t ones[4];     // bits of `up` rounded up; all zero if denormals are zeros
};

alignas(64) inline constexpr rounding_probe standard_rounding{
    {1.25F, -1.25F, 1.75F, 0.0F},
    {0x1p-140F, 0x1p-140F, 0x1p-140F, 0x1p-140F},
    {0x3f800000, 0xbf800000, 0x40000000, 0},
    {0x3f800000, 0x3f800000, 0x3f800000, 0x3f800000},
};

[[gnu::always_inline]] inline bool fp_control_is_standard() noexcept {
#if defined(CEDE_EXACT_FP_CONTROL)
  return current_fp_control().special == 0;
#else
  std::uint16_t x87;
  bool same_rounding;
  asm volatile(
      "fnstcw %[x87]\n\t"
      "roundps $0x0c, (%[probe]), %%xmm0\n\t"
      "roundps $0x0a, 16(%[probe]), %%xmm1\n\t"
      "pxor 32(%[probe]), %%xmm0\n\t"
      "pxor 48(%[probe]), %%xmm1\n\t"
      "por %%xmm1, %%xmm0\n\t"
      "ptest %%xmm0, %%xmm0\n\t"
      : [x87] "=m"(x87), "=@ccz"(same_rounding)
      : [probe] "r"(&standard_rounding), "m"(standard_rounding)
      : "xmm0", "xmm1");
  return same_rounding && x87 == standard_x87;
#endif
}

// Leaves the running context's control words in `from` and makes those of `to` the machine's.
[[gnu::always_inline]] inline void settle_fp_control(fp_control& from,
                                                     const fp_control& to) noexcept {
  if ((from.special | to.special) == 0 && fp_control_is_standard()) [[likely]]
    return;
  exchange_fp_control(from, to);
}

}  // namespace cede::context
