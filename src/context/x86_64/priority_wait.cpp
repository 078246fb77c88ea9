#include "context/priority_wait.hpp"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "context/tls_records.hpp"

namespace cede::context {

namespace {

// Of __kind in glibc: PTHREAD_MUTEX_PRIO_INHERIT_NP, and the bits that a kind may have.
constexpr int inherits_priority = 0x20;
constexpr int kind_bits = 0x3ff;

// Between the wait and the function that was given the mutex lie two small frames.
constexpr std::size_t words_searched = 96;

constexpr int lock_pi_any_clock = 13;  // FUTEX_LOCK_PI2, since Linux 5.14

std::uintptr_t value_of(const ucontext_t& at, int which) noexcept {
  return static_cast<std::uintptr_t>(at.uc_mcontext.gregs[which]);
}

// The kernel puts a call that it restarts before the instruction again, its number included.
bool in_futex(const ucontext_t& at) noexcept {
  if (value_of(at, REG_RAX) != SYS_futex) return false;
  constexpr std::array<unsigned char, 2> syscall_instruction{0x0f, 0x05};
  return std::memcmp(reinterpret_cast<const void*>(value_of(at, REG_RIP)),
                     syscall_instruction.data(), syscall_instruction.size()) == 0;
}

// Of a word that may be anything: asks the kernel, as reading it might be a fault.
bool is_mutex_lost_by_a_fiber(std::uintptr_t word) noexcept {
  if (word == 0 || word % alignof(pthread_mutex_t) != 0) return false;
  pthread_mutex_t seen;
  const iovec to{.iov_base = &seen, .iov_len = sizeof seen};
  const iovec from{.iov_base = reinterpret_cast<void*>(word), .iov_len = sizeof seen};
  if (::syscall(SYS_process_vm_readv, ::getpid(), &to, 1UL, &from, 1UL, 0UL) != sizeof seen)
    return false;
  const auto lock = static_cast<std::uint32_t>(seen.__data.__lock);
  return (seen.__data.__kind & inherits_priority) != 0 && (seen.__data.__kind & ~kind_bits) == 0 &&
         (lock & FUTEX_WAITERS) != 0 && (lock & FUTEX_TID_MASK) >= tls_records::first_tid;
}

// The C library waits for a zero in its own frame, and nobody else knows of it. Others wait in the
// same way for a semaphore on their stack: only the mutex, whose address must be in a register or a
// frame nearby, proves it.
bool hangs(const ucontext_t& at, const preemptible_stack& stack) noexcept {
  const auto bottom = reinterpret_cast<std::uintptr_t>(stack.bottom);
  const auto top = reinterpret_cast<std::uintptr_t>(stack.top);
  const std::uintptr_t futex = value_of(at, REG_RDI);
  if (futex < bottom || futex >= top || value_of(at, REG_RDX) != 0 || value_of(at, REG_R10) != 0)
    return false;
  for (const int which : {REG_RBX, REG_RBP, REG_R12, REG_R13, REG_R14, REG_R15})
    if (is_mutex_lost_by_a_fiber(value_of(at, which))) return true;
  const std::uintptr_t sp = value_of(at, REG_RSP);
  if (sp < bottom || sp >= top) return false;
  const auto* const words = reinterpret_cast<const std::uintptr_t*>(sp);
  return std::any_of(words, words + std::min(words_searched, (top - sp) / sizeof *words),
                     &is_mutex_lost_by_a_fiber);
}

bool waits(const ucontext_t& at, const preemptible_stack& stack) noexcept {
  constexpr int modifiers = FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME;
  switch (static_cast<int>(value_of(at, REG_RSI)) & ~modifiers) {
    case FUTEX_LOCK_PI:
    case lock_pi_any_clock:
      return true;
    case FUTEX_WAIT_BITSET:
      return hangs(at, stack);
    default:
      return false;
  }
}

}  // namespace

bool waits_for_priority_mutex(const ucontext_t& interrupted,
                              const preemptible_stack& stack) noexcept {
  if (!in_futex(interrupted)) return false;
  const int kept = errno;
  const bool answer = waits(interrupted, stack);
  errno = kept;
  return answer;
}

}  // namespace cede::context
