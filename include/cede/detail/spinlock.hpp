/// \file
/// The lock inside the objects that can be waited for. Not for users: mutex.hpp is the one that
/// lets others run while it waits.
//
// A lock of four bytes for critical sections of a few instructions; no parking, no system call and
// no allocation inside. Works with std::lock_guard. It stands among the public headers because
// public types have it as a member.
//
// Actors: any OS thread, and fibers between two parks.
// States: 0 free, 1 held.
// Rules:
// 1. lock() acquires with one read-modify-write; unlock() is one store. The store cannot know
//    whether anyone waits, so waiters are never woken: they look again, at first by spinning, then
//    after sched_yield, then after short sleeps. The sleeps matter: sched_yield does not let a
//    SCHED_OTHER holder run before a SCHED_FIFO waiter on the same CPU.
// 2. Not recursive, and not fair.
// 3. A holder must not park and must not be left by a signal handler that takes the same lock.
// 4. A holder is not preempted: who waits for it may be the very thread that would have to run it.
//    So from before the attempt until after the release the caller is in a region of
//    no_preempt.hpp.
#pragma once

#include <atomic>
#include <cede/detail/no_preempt.hpp>
#include <cstdint>

namespace cede::base {

class spinlock {
 public:
  constexpr spinlock() noexcept = default;
  spinlock(const spinlock&) = delete;
  spinlock& operator=(const spinlock&) = delete;

  void lock() noexcept {
    detail::begin_no_preempt();
    if (!take()) [[unlikely]] {
      lock_contended();
    }
  }

  [[nodiscard]] bool try_lock() noexcept {
    detail::begin_no_preempt();
    if (take()) return true;
    detail::end_no_preempt();
    return false;
  }

  void unlock() noexcept {
    state_.store(0, std::memory_order_release);
    detail::end_no_preempt();
  }

 private:
  // Acquire pairs with the release in unlock(): what the last holder wrote is visible.
  bool take() noexcept { return state_.exchange(1, std::memory_order_acquire) == 0; }

  [[gnu::cold]] void lock_contended() noexcept;

  std::atomic<std::uint32_t> state_ = 0;
};

static_assert(sizeof(spinlock) == 4);

}  // namespace cede::base
