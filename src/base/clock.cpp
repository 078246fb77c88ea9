#include <time.h>

#include <cede/clock.hpp>

#include "base/assert.hpp"
#include "base/virtual_clock.hpp"

namespace cede {
namespace {

constinit thread_local const base::virtual_clock* installed_clock = nullptr;

}  // namespace

clock::time_point clock::now() noexcept {
  if (installed_clock != nullptr) [[unlikely]] {
    return installed_clock->now();
  }
  timespec time;
  ::clock_gettime(CLOCK_MONOTONIC, &time);  // cannot fail: the clock and the pointer are valid
  return time_point(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

namespace base {

virtual_clock::virtual_clock(clock::time_point start) noexcept
    : now_(start.time_since_epoch().count()) {}

clock::time_point virtual_clock::now() const noexcept {
  // Acquire pairs with the release in advance_to: whoever sees the new time sees what the thread
  // that moved it had done before.
  return clock::time_point(clock::duration(now_.load(std::memory_order_acquire)));
}

void virtual_clock::advance_to(clock::time_point instant) noexcept {
  const clock::rep target = instant.time_since_epoch().count();
  // Relaxed: the value is only compared; the store below publishes.
  const clock::rep before = now_.load(std::memory_order_relaxed);
  CEDE_REQUIRE(target >= before, "virtual_clock: time cannot go back");
  // Release pairs with the acquire in now().
  now_.store(target, std::memory_order_release);
}

virtual_clock::installation::installation(virtual_clock& time) noexcept
    : own_(&time), previous_(installed_clock) {
  installed_clock = own_;
}

virtual_clock::installation::~installation() {
  CEDE_REQUIRE(installed_clock == own_,
               "virtual_clock: an installation ended on another thread or out of order");
  installed_clock = previous_;
}

}  // namespace base
}  // namespace cede
