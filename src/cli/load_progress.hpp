// How far a run of the load generator is, in words.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "cli/progress_line.hpp"
#include "measure/load/watch.hpp"

namespace cede::cli {

class load_progress {
 public:
  explicit load_progress(progress_line::display how) noexcept : line_(how) {}

  void show(const measure::load::progress& now);
  void clear() noexcept { line_.clear(); }

 private:
  std::optional<std::chrono::nanoseconds> left(const measure::load::progress& now);

  progress_line line_;
  std::optional<measure::load::phase> phase_;
  std::chrono::steady_clock::time_point phase_began_;
};

/// "opening, 1200 of 50000", "measuring".
[[nodiscard]] std::string progress_text(const measure::load::progress& now);

}  // namespace cede::cli
