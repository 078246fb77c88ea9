#include "sched/poller.hpp"

#include "base/futex.hpp"

namespace cede::sched {

void futex_poller::poll(clock::time_point until) noexcept {
  // Acquire pairs with the release in wake(): what the waker did before is visible.
  if (until != clock::time_point::min() && woken_.load(std::memory_order_acquire) == 0)
    base::futex_wait(woken_, 0, until);
  woken_.exchange(0, std::memory_order_acquire);
}

void futex_poller::wake() noexcept {
  woken_.store(1, std::memory_order_release);
  base::futex_wake(woken_, 1);
}

}  // namespace cede::sched
