#include "duration_text.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace bench::load {
namespace {

std::optional<double> nanoseconds_in(std::string_view unit) {
  constexpr std::array<std::pair<std::string_view, double>, 4> units{
      {{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"min", 60e9}}};
  for (const auto& [name, nanoseconds] : units)
    if (name == unit) return nanoseconds;
  return std::nullopt;
}

}  // namespace

outcome<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  constexpr double a_day = 86'400e9;
  double number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{}) {
    const auto unit = nanoseconds_in({rest, static_cast<std::size_t>(text.end() - rest)});
    if (unit && number >= 0 && number * *unit <= a_day)
      return std::chrono::nanoseconds(static_cast<std::int64_t>(number * *unit));
  }
  return fail(
      fmt::format("'{}' is not a duration such as 500ms, 3s or 1.5min (at most a day)", text));
}

std::string seconds_text(std::chrono::nanoseconds time) {
  return fmt::format("{:g} s", std::chrono::duration<double>(time).count());
}

}  // namespace bench::load
