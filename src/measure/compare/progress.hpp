// How far a comparison is: a bar on a terminal, plain lines elsewhere.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cede::measure::compare {

struct progress_state {
  std::size_t step = 0;  ///< that is being done, from 1 on
  std::size_t steps = 0;
  double done = 0;  ///< of all that is to be done, 0 to 1
  double seconds_left = 0;
};

/// "[######--------------]  30 %, about 90 s left: WHAT", cut off after so many columns.
[[nodiscard]] std::string progress_bar(const progress_state& state, std::string_view what,
                                       std::size_t columns);

/// "12 of 84, about 90 s left: WHAT".
[[nodiscard]] std::string progress_line(const progress_state& state, std::string_view what);

class progress {
 public:
  enum class style : std::uint8_t { bar, lines };

  /// Writes to the descriptor; a bar if that is a terminal.
  explicit progress(int descriptor);
  /// Takes the bar away.
  ~progress();
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  /// How many steps will come, and how long they may take together.
  void expect(std::size_t steps, double seconds);

  /// A step begins that takes about so long.
  void begin(std::string_view what, double seconds);

 private:
  void show(std::string_view what);

  int descriptor_;
  style style_;
  progress_state state_;
  double expected_ = 0;       // seconds, all steps
  double expected_done_ = 0;  // of them, the steps that are done
  double current_ = 0;
  std::chrono::steady_clock::time_point began_;
};

}  // namespace cede::measure::compare
