// What preemption is made of in this layer: whether there is any, and how long slices are. The rest
// lies with who does it: preemptive_fiber.cpp, worker_preemption.cpp, fair_policy.hpp,
// ../monitor.hpp.
#pragma once

#include <chrono>
#include <cstdint>

namespace cede::sched {

/// How a preemptive fiber has left its stack.
enum class departure : std::uint8_t { yielded, expired };

inline constexpr std::chrono::microseconds shortest_slice{500};
inline constexpr std::chrono::microseconds longest_slice{1'000'000};

constexpr bool is_slice(std::chrono::microseconds time) noexcept {
  return time >= shortest_slice && time <= longest_slice;
}

/// Why no fiber can be preempted here, or nullptr. The first call looks and prepares.
const char* prepare_preemption() noexcept;

}  // namespace cede::sched
