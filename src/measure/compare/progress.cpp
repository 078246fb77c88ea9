#include "measure/compare/progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

namespace cede::measure::compare {
namespace {

constexpr std::size_t bar_width = 20;
constexpr std::size_t widest = 79;

// A line that wraps could not be drawn over.
std::size_t columns_of(int terminal) noexcept {
  winsize size{};
  if (::ioctl(terminal, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return widest;
  return std::min<std::size_t>(size.ws_col - 1, widest);
}

std::string left(const progress_state& state) {
  if (state.seconds_left < 0.5) return "nearly done";
  return fmt::format("about {:.0f} s left", state.seconds_left);
}

void write_all(int descriptor, std::string_view text) {
  // Nobody is left to be told that progress cannot be shown.
  static_cast<void>(::write(descriptor, text.data(), text.size()));
}

}  // namespace

std::string progress_bar(const progress_state& state, std::string_view what, std::size_t columns) {
  const double done = std::clamp(state.done, 0.0, 1.0);
  const auto full = static_cast<std::size_t>(done * bar_width);
  std::string text = fmt::format("[{:#<{}}{:-<{}}] {:3.0f} %, {}: {}", "", full, "",
                                 bar_width - full, 100 * done, left(state), what);
  text.resize(std::min(text.size(), columns));
  return text;
}

std::string progress_line(const progress_state& state, std::string_view what) {
  return fmt::format("{} of {}, {}: {}", state.step, state.steps, left(state), what);
}

progress::progress(int descriptor)
    : descriptor_(descriptor),
      style_(::isatty(descriptor) == 1 ? style::bar : style::lines),
      began_(std::chrono::steady_clock::now()) {}

progress::~progress() {
  if (style_ == style::bar && state_.step > 0) write_all(descriptor_, "\r\x1b[K");
}

void progress::expect(std::size_t steps, double seconds) {
  state_.steps = steps;
  expected_ = seconds;
}

// What is left is expected to take as much longer than planned as what is done has.
void progress::begin(std::string_view what, double seconds) {
  constexpr double enough_to_judge = 3;  // seconds
  expected_done_ += current_;
  current_ = seconds;
  const double gone =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  const double slower = expected_done_ > enough_to_judge ? gone / expected_done_ : 1;
  ++state_.step;
  state_.done = expected_ > 0 ? expected_done_ / expected_ : 0;
  state_.seconds_left = std::max(expected_ - expected_done_, 0.0) * slower;
  show(what);
}

void progress::show(std::string_view what) {
  if (style_ == style::bar)
    write_all(descriptor_,
              fmt::format("\r{}\x1b[K", progress_bar(state_, what, columns_of(descriptor_))));
  else
    write_all(descriptor_, progress_line(state_, what) + "\n");
}

}  // namespace cede::measure::compare
