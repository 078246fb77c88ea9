// aarch64: the floating-point control register of a context, and how a switch keeps them apart.
//
// The calling convention lets a function set fpcr for itself and its callees, so each context has
// its own. It is read on every switch and written only if it differs, as the write waits for the
// pipeline. The sticky flags in fpsr belong to nobody across a call and are not kept.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cede::context {

struct fp_control {
  std::uint64_t fpcr = 0;
};

inline fp_control current_fp_control() noexcept {
  fp_control now;
  asm volatile("mrs %0, fpcr" : "=r"(now.fpcr));
  return now;
}

// Leaves the running context's control word in `from` and makes that of `to` the machine's.
[[gnu::always_inline]] inline void settle_fp_control(fp_control& from,
                                                     const fp_control& to) noexcept {
  from = current_fp_control();
  if (from.fpcr != to.fpcr) asm volatile("msr fpcr, %0" : : "r"(to.fpcr) : "memory");
}

}  // namespace cede::context
