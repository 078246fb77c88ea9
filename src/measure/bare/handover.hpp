// The cheapest way by which one OS thread lets another run and waits for its own turn.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/futex.hpp"

namespace cede::measure::bare {

/// Whose turn it is, of two: 0 or 1. One futex word, so that a handover is one system call to wake
/// and one to wait.
class turn {
 public:
  /// Requires: it is the caller's turn. Returns when it is again.
  void hand_over(std::uint32_t me) noexcept {
    pass_on(me);
    wait_for(me);
  }

  void pass_on(std::uint32_t me) noexcept {
    whose_.store(1 - me, std::memory_order_release);  // pairs with the load in wait_for
    base::futex_wake(whose_, 1);
  }

  void wait_for(std::uint32_t me) noexcept {
    while (whose_.load(std::memory_order_acquire) != me) base::futex_wait(whose_, 1 - me);
  }

 private:
  std::atomic<std::uint32_t> whose_{0};
};

}  // namespace cede::measure::bare
