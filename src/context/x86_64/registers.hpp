// x86-64: the two registers of an interrupted context that signal handlers look at.
#pragma once

#include <ucontext.h>

#include <cstdint>

namespace cede::context {

inline std::uintptr_t program_counter(const ucontext_t& interrupted) noexcept {
  return static_cast<std::uintptr_t>(interrupted.uc_mcontext.gregs[REG_RIP]);
}

inline void set_program_counter(ucontext_t& interrupted, std::uintptr_t address) noexcept {
  interrupted.uc_mcontext.gregs[REG_RIP] = static_cast<greg_t>(address);
}

inline std::uintptr_t stack_pointer(const ucontext_t& interrupted) noexcept {
  return static_cast<std::uintptr_t>(interrupted.uc_mcontext.gregs[REG_RSP]);
}

}  // namespace cede::context
