#include "context/x86_64/fp_control.hpp"

namespace cede::context {

namespace {

bool is_special(const fp_control& words) noexcept {
  return (words.mxcsr & mxcsr_control_bits) != (standard_mxcsr & mxcsr_control_bits) ||
         words.x87 != standard_x87;
}

bool same_control(const fp_control& a, const fp_control& b) noexcept {
  return ((a.mxcsr ^ b.mxcsr) & mxcsr_control_bits) == 0 && a.x87 == b.x87;
}

}  // namespace

fp_control current_fp_control() noexcept {
  fp_control now;
  asm volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(now.mxcsr), "=m"(now.x87));
  now.special = is_special(now) ? 1 : 0;
  return now;
}

// fnclex drops pending x87 flags: under a control word that unmasks them, another context's flags
// would raise at its first x87 instruction.
void exchange_fp_control(fp_control& from, const fp_control& to) noexcept {
  from = current_fp_control();
  if (same_control(from, to)) return;
  asm volatile("ldmxcsr %0\n\tfnclex\n\tfldcw %1" : : "m"(to.mxcsr), "m"(to.x87) : "memory");
}

}  // namespace cede::context
