#include "cli/spin.hpp"

#include <algorithm>
#include <cede/this_fiber.hpp>

namespace cede::cli {
namespace {

// Each step needs the one before, so that no compiler and no processor does it faster. The numbers
// are those of Knuth's MMIX generator.
std::uint64_t unit_of_work(std::uint64_t state) noexcept {
  constexpr int steps = 512;
  for (int i = 0; i < steps; ++i) state = state * 6364136223846793005U + 1442695040888963407U;
  return state;
}

}  // namespace

// To be preempted, let another one answer a message and come back takes more than 5 us; what the
// kernel does between takes less, and is nobody else's.
bool was_interrupted(clock::duration unit, clock::duration shortest) noexcept {
  constexpr clock::duration never_less = std::chrono::microseconds(5);
  return unit > std::max(never_less, 4 * shortest);
}

void spin(clock::duration time, spin_totals& into) noexcept {
  std::uint64_t state = 1;
  auto shortest = clock::duration::max() / 4;
  auto last = clock::now();
  for (const auto end = last + time; last < end && !this_fiber::cancelled();) {
    state = unit_of_work(state);
    const auto now = clock::now();
    const auto unit = now - last;
    // Relaxed, as all here: nobody concludes anything else from a total.
    into.units.fetch_add(1, std::memory_order_relaxed);
    if (!was_interrupted(unit, shortest))
      into.ran_ns.fetch_add(static_cast<std::uint64_t>(unit.count()), std::memory_order_relaxed);
    shortest = std::min(shortest, unit);
    last = now;
  }
  into.result.store(state, std::memory_order_relaxed);
}

}  // namespace cede::cli
