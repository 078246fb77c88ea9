// Time that moves only when told to, for tests and for the seeded policy.
//
// Actors: the thread on which the clock is installed reads it through cede::clock::now(); any
// thread may advance it.
// Rules:
// 1. Time never goes back: advance_to() with an earlier instant is a broken contract.
// 2. An installation belongs to the OS thread that made it and ends there, innermost first.
// 3. The clock outlives its installations.
// 4. System calls know nothing of virtual time: a thread under a virtual clock must not hand its
//    deadlines to the kernel.
#pragma once

#include <atomic>
#include <cede/clock.hpp>

namespace cede::base {

class virtual_clock {
 public:
  explicit virtual_clock(clock::time_point start = clock::time_point{}) noexcept;
  virtual_clock(const virtual_clock&) = delete;
  virtual_clock& operator=(const virtual_clock&) = delete;

  [[nodiscard]] clock::time_point now() const noexcept;
  void advance_to(clock::time_point instant) noexcept;

  // While it lives, cede::clock::now() on this thread answers from the given clock.
  class installation {
   public:
    explicit installation(virtual_clock& time) noexcept;
    ~installation();
    installation(const installation&) = delete;
    installation& operator=(const installation&) = delete;

   private:
    const virtual_clock* own_;
    const virtual_clock* previous_;
  };

 private:
  std::atomic<clock::rep> now_;
};

}  // namespace cede::base
