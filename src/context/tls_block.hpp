// Own TLS blocks: what makes a fiber a thread of its own to the C library, so that thread_local,
// errno, exceptions, malloc, stdio, locales, pthread keys and libraries of others behave in it as
// in a thread, wherever it runs and wherever it is interrupted. For preemptive fibers; cooperative
// ones use their worker's.
//
// A block is the C library's control block and all static TLS. It lies at the top of the fiber's
// stack slot, as a thread's does; only its index of modules (the dtv) is on the heap, and that is
// pooled. The thread pointer (fs base on x86-64) is changed by switch_to, see fiber_context.hpp.
//
// States of a block: MADE (nothing runs on it), ENTERED (in run_as_thread), OVER (run_as_thread has
// returned), FREED. Rules:
//  1. make_tls_block may wait for the loader's lock and for malloc's, which an interrupted fiber
//     may hold: it is called where it may itself be interrupted or parked for them, never with
//     preemption held off.
//  2. run_as_thread is the first thing on the new stack, with the block's thread pointer in place.
//     It too may wait for such locks. After it nothing on that stack may allocate or touch a
//     thread_local that has a constructor: the exit duties are done.
//  3. free_tls_block takes no lock and makes no call into the C library. It comes after the last
//     switch away from the block, on any thread, once, and before the slot is used again.
//  4. A block is never its own: make and free run on another thread pointer.
#pragma once

#include <cede/error.hpp>
#include <cstddef>
#include <cstdint>

#include "context/stack_slot.hpp"

namespace cede::context {

// Why there are no own TLS blocks here, as one line that names the probe that failed; nullptr if
// there are. Probed once, by the first call, which starts a thread for it (some 100 us).
const char* obstacle_to_own_tls() noexcept;

class tls_block {
 public:
  tls_block() = default;
  tls_block(std::byte* thread_pointer, std::byte* low, std::uint32_t record) noexcept
      : thread_pointer_(thread_pointer), low_(low), record_(record) {}

  // For fiber_context::use_thread_pointer; also the fiber's pthread_self().
  void* thread_pointer() const noexcept { return thread_pointer_; }
  // The block's lowest byte, aligned to 64: the new top of the stack.
  std::byte* low() const noexcept { return low_; }
  // Which of the blocks that live at this time it is.
  std::uint32_t record() const noexcept { return record_; }
  explicit operator bool() const noexcept { return thread_pointer_ != nullptr; }

 private:
  std::byte* thread_pointer_ = nullptr;
  std::byte* low_ = nullptr;
  std::uint32_t record_ = 0;
};

// What a block takes from the top of a slot, 64-byte alignment included. 0 with an obstacle.
std::size_t tls_block_bytes() noexcept;

// A block at the top of `slot`, initialised as a new thread's.
// Errors: not_supported with an obstacle; invalid_argument if the slot is too small; ENOMEM.
result<tls_block> make_tls_block(const stack_slot& slot) noexcept;

enum class thread_end {
  returned,  // the body returned
  unwound,   // pthread_exit, or a cancel through pthread_cancel: the stack was unwound
};

// Runs body(argument) as a thread's start routine, then what a thread owes at its end: destructors
// of thread_locals and of pthread keys, robust mutexes, the caches of the C library. `body`, and
// what it calls on the way to user code, must let a forced unwinding through: not noexcept, no
// catch (...) that keeps it. Any other exception that leaves it terminates the program.
thread_end run_as_thread(void (*body)(void* argument), void* argument) noexcept;

void free_tls_block(const tls_block& block) noexcept;

}  // namespace cede::context
