// x86-64, glibc: a real thread, looked at before it has done anything. What a block must hold to
// pass for a thread is read off it instead of being known by heart, and every offset that is
// deduced is checked against it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "context/x86_64/glibc_symbols.hpp"

namespace cede::context {

struct newborn_thread {
  std::uintptr_t thread_pointer = 0;
  std::vector<std::uint64_t> words;  // struct pthread, as the start routine found it
  std::size_t join_id_at = 0;        // offset of the word that pthread_detach set to itself, or 0
  std::uintptr_t stack_low = 0;      // what the thread was given as its stack
  std::size_t stack_bytes = 0;
  pid_t tid = 0;
  std::uint64_t signal_mask = 0;
  std::uintptr_t robust_head = 0;         // what the kernel was told
  std::uintptr_t resolver_state = 0;      // what __res_state() answers
  std::uintptr_t resolver_pointer = 0;    // the address of the thread's __resp
  std::uintptr_t returns_to = 0;          // the return address of the start routine
  std::uint64_t creators_guards[2] = {};  // stack and pointer guard of the thread that made it
  std::uint32_t creators_features = 0;    // of the processor's control-flow enforcement
};

// Starts a thread, and returns when it is over. It runs with all signals blocked.
std::expected<newborn_thread, std::string> observe_newborn_thread(const glibc_symbols& symbols);

}  // namespace cede::context
