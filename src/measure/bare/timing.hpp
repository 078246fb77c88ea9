// What one measurement gives: how long so many operations took, or why it cannot be taken here.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <stdexcept>
#include <string>

namespace cede::measure::bare {

using nanoseconds = std::chrono::duration<double, std::nano>;
using steady = std::chrono::steady_clock;

struct timing {
  nanoseconds elapsed{};
  std::uint64_t operations = 0;
  [[nodiscard]] double each() const noexcept {
    return elapsed.count() / static_cast<double>(operations);
  }
};

/// The error completes "not available: ...".
using attempt = std::expected<timing, std::string>;

/// Does the operation about `rounds` times. Throws wrong_answer if it was not done as often as it
/// should have been: such a time means nothing.
using measurement = std::function<attempt(std::uint64_t rounds)>;

class wrong_answer : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws wrong_answer unless both are equal.
void require_count(const char* what, std::uint64_t found, std::uint64_t wanted);

}  // namespace cede::measure::bare
