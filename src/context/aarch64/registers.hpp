// aarch64: the two registers of an interrupted context that signal handlers look at.
#pragma once

#include <ucontext.h>

#include <cstdint>

namespace cede::context {

inline std::uintptr_t program_counter(const ucontext_t& interrupted) noexcept {
  return interrupted.uc_mcontext.pc;
}

inline void set_program_counter(ucontext_t& interrupted, std::uintptr_t address) noexcept {
  interrupted.uc_mcontext.pc = address;
}

inline std::uintptr_t stack_pointer(const ucontext_t& interrupted) noexcept {
  return interrupted.uc_mcontext.sp;
}

}  // namespace cede::context
