#include "base/spinlock.hpp"

#include <sched.h>

#include <chrono>

#include "base/futex.hpp"

namespace cede::base {
namespace {

// A holder needs some ten nanoseconds, so about a microsecond of spinning nearly always suffices;
// whoever waits longer waits for a holder that lost its CPU.
constexpr int spin_rounds = 6;
constexpr int yield_rounds = 16;
constexpr auto nap = std::chrono::microseconds(50);

void relax() noexcept {
#if __has_builtin(__builtin_ia32_pause)
  __builtin_ia32_pause();
#endif
}

// The real clock, and not cede::clock: a virtual one would make the instant meaningless.
clock::time_point nap_end() noexcept {
  return clock::time_point(std::chrono::steady_clock::now().time_since_epoch() + nap);
}

}  // namespace

void spinlock::lock_contended() noexcept {
  int round = 0;
  do {
    // Relaxed: only a hint that trying is worth the cache line; take() synchronises.
    while (state_.load(std::memory_order_relaxed) != 0) {
      if (round < spin_rounds) {
        for (int i = 1 << round; i > 0; --i) relax();
      } else if (round < spin_rounds + yield_rounds) {
        ::sched_yield();
      } else {
        futex_wait(state_, 1, nap_end());  // nobody wakes it: it returns after the nap
      }
      ++round;
    }
  } while (!take());
}

}  // namespace cede::base
