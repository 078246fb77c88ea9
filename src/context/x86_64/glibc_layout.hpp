// x86-64, glibc: where the fields of a thread's control block (struct pthread) lie and what
// start_thread does at a thread's end, deduced from the names that glibc exports and from a newborn
// thread. Every deduction is checked, and a word of the newborn's that nobody can account for is an
// error: an unknown glibc is refused instead of being guessed at.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>

#include "context/x86_64/glibc_symbols.hpp"
#include "context/x86_64/newborn_thread.hpp"

namespace cede::context {

// The executable bytes of the C library: `base` is where they are mapped. Tests pass copies.
struct code_bytes {
  std::uintptr_t base = 0;
  std::span<const std::byte> bytes;

  bool holds(std::uintptr_t address, std::size_t size = 1) const noexcept {
    return address >= base && address - base <= bytes.size() &&
           size <= bytes.size() - (address - base);
  }
};

// The executable segment that holds `address`; empty if there is none.
code_bytes code_around(const void* address);

struct glibc_layout {
  // Offsets from the thread pointer, at which struct pthread begins. Those of the header are part
  // of the ABI (0x28, 0x30) or unchanged since the first x86-64 (0, 8, 0x10, 0x18).
  static constexpr std::size_t self = 0x00;
  static constexpr std::size_t dtv = 0x08;
  static constexpr std::size_t self_again = 0x10;
  static constexpr std::size_t multiple_threads = 0x18;
  static constexpr std::size_t stack_guard = 0x28;
  static constexpr std::size_t pointer_guard = 0x30;
  static constexpr std::size_t features = 0x48;

  std::size_t pthread_bytes = 0;  // of struct pthread, above the thread pointer
  std::size_t static_bytes = 0;   // of static TLS, struct pthread included
  std::size_t alignment = 0;      // of both
  std::size_t list = 0;
  std::size_t tid = 0;
  std::size_t robust_head = 0;      // list, futex offset, pending; robust_prev lies before it
  std::uint64_t robust_offset = 0;  // the value of the futex offset
  std::size_t cleanup_buffer = 0;   // cleanup_jmp_buf
  std::size_t flags = 0;
  std::size_t specific = 0;
  std::size_t first_specific = 0;
  std::size_t user_stack = 0;
  std::size_t join_id = 0;
  std::size_t stack_block = 0;  // and its size, the next word
  std::size_t resolver_state = 0;
  std::ptrdiff_t resolver_pointer = 0;  // may be below the thread pointer
  std::ptrdiff_t rseq = 0;              // may be below the thread pointer

  // What start_thread calls in a row once the start routine has returned: __call_tls_dtors,
  // __nptl_deallocate_tsd, __libc_thread_freeres.
  std::array<void (*)(), 4> exit_duties{};
  std::size_t exit_duty_count = 0;
};

std::expected<glibc_layout, std::string> deduce_layout(const glibc_symbols& symbols,
                                                       const newborn_thread& newborn,
                                                       const code_bytes& code);

}  // namespace cede::context
