// How far long work is, on stderr: on a terminal a bar in one line that is drawn anew, elsewhere a
// line of its own every few seconds. Work that is over soon shows nothing.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace cede::cli {

class progress_line {
 public:
  enum class display : std::uint8_t { none, lines, bar };

  /// What suits stderr: a bar if it is a terminal, else lines.
  [[nodiscard]] static display suitable() noexcept;

  explicit progress_line(display how) noexcept : how_(how) {}
  progress_line(const progress_line&) = delete;
  progress_line& operator=(const progress_line&) = delete;
  ~progress_line() { clear(); }

  /// `text` says what is done, `fraction` (0 to 1; negative: unknown) how much of it, and `left`
  /// how long all that remains will take, if that can be said.
  void show(std::string_view text, double fraction, std::optional<std::chrono::nanoseconds> left);

  /// Takes the bar away, so that what is printed next stands alone.
  void clear() noexcept;

 private:
  void print_line(const std::string& text);
  void draw(const std::string& text);

  using clock = std::chrono::steady_clock;

  const display how_;
  const clock::time_point began_ = clock::now();
  clock::time_point printed_ = began_;
  bool drawn_ = false;
};

/// "[#####-----]", `width` characters between the brackets.
[[nodiscard]] std::string bar_text(double fraction, int width);

/// "3 s", "1 min 5 s".
[[nodiscard]] std::string left_text(std::chrono::nanoseconds left);

}  // namespace cede::cli
