// The futex system call, private to the process.
#pragma once

#include <atomic>
#include <cede/clock.hpp>
#include <cstdint>

namespace cede::base {

enum class futex_result {
  woken,      // by futex_wake, by a signal, or for no reason: look at the word again
  timed_out,  // `until` has passed
  changed,    // the word did not hold `expected`
};

// Blocks the OS thread while `word` holds `expected`, until the instant `until` of CLOCK_MONOTONIC
// (never of a virtual clock). errno is kept.
futex_result futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                        clock::time_point until = clock::time_point::max()) noexcept;

// Wakes up to `count` threads blocked on `word`; returns how many. Async-signal-safe. `word` may
// already be gone: only its address counts.
int futex_wake(const std::atomic<std::uint32_t>& word, int count) noexcept;

}  // namespace cede::base
