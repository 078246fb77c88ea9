#include "cli/progress_line.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "cli/output.hpp"

namespace cede::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto quiet_on_a_terminal = 500ms;
constexpr auto between_lines = 5s;

std::size_t terminal_width() noexcept {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace

progress_line::display progress_line::suitable() noexcept {
  return isatty(STDERR_FILENO) == 1 ? display::bar : display::lines;
}

std::string bar_text(double fraction, int width) {
  const int full = static_cast<int>(std::lround(std::clamp(fraction, 0.0, 1.0) * width));
  return fmt::format("[{:#<{}}{:-<{}}]", "", full, "", width - full);
}

std::string left_text(std::chrono::nanoseconds left) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(left).count();
  if (seconds < 60) return fmt::format("{} s", seconds);
  return fmt::format("{} min {} s", seconds / 60, seconds % 60);
}

void progress_line::show(std::string_view text, double fraction,
                         std::optional<std::chrono::nanoseconds> left) {
  if (how_ == display::none) return;
  const std::string share =
      fraction < 0 ? "" : fmt::format(" {:3.0f} %", std::floor(100 * std::min(fraction, 1.0)));
  const std::string rest = left ? fmt::format(", {} left", left_text(*left)) : "";
  if (how_ == display::bar)
    draw(fmt::format("{} {}{}{}", bar_text(fraction, 20), text, share, rest));
  else
    print_line(fmt::format("{}{}{}", text, share, rest));
}

void progress_line::draw(const std::string& text) {
  if (clock::now() - began_ < quiet_on_a_terminal) return;
  // A line that wraps could not be drawn over.
  write_error(fmt::format("\r{}\x1b[K", text.substr(0, terminal_width() - 1)));
  drawn_ = true;
}

void progress_line::print_line(const std::string& text) {
  const auto now = clock::now();
  if (now - printed_ < between_lines) return;
  printed_ = now;
  write_error(text + "\n");
}

void progress_line::clear() noexcept {
  if (drawn_) write_error("\r\x1b[K");
  drawn_ = false;
}

}  // namespace cede::cli
