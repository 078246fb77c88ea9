// What a handler that hogs does: it computes, gives nobody else a turn, and keeps count.
//
// Actors: any number of hogs; who asks for the totals. A hog adds to them after each unit.
#pragma once

#include <atomic>
#include <cede/clock.hpp>
#include <cstdint>

namespace cede::cli {

struct spin_totals {
  std::atomic<std::uint64_t> units{0};  // of work
  std::atomic<std::uint64_t> ran_ns{0};
  std::atomic<std::uint64_t> result{0};  // of the last: who computes nothing may be optimized away
};

/// Computes until `time` has passed, or it is cancelled, which it looks for about once a
/// microsecond; so a second stop signal ends the process at once.
/// Counts units of work, each a microsecond of arithmetic or less, and how long it has had a CPU,
/// by its own clock: a unit that took far longer than others was interrupted, and does not count.
void spin(clock::duration time, spin_totals& into) noexcept;

/// Whether `unit` is longer than others can be, of which `shortest` was the shortest so far.
[[nodiscard]] bool was_interrupted(clock::duration unit, clock::duration shortest) noexcept;

}  // namespace cede::cli
