#include "measure/report/quantity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

namespace cede::measure::report {
namespace {

struct size_of_unit {
  double value;
  std::string_view name;
};

constexpr std::array<size_of_unit, 5> bytes{
    {{1, "B"}, {0x1p10, "KiB"}, {0x1p20, "MiB"}, {0x1p30, "GiB"}, {0x1p40, "TiB"}}};
constexpr std::array<size_of_unit, 4> nanoseconds{
    {{1, "ns"}, {1e3, "us"}, {1e6, "ms"}, {1e9, "s"}}};
constexpr std::array<size_of_unit, 4> counts{{{1, ""}, {1e3, "k"}, {1e6, "M"}, {1e9, "G"}}};

// The largest that leaves at least one before the point.
size_of_unit fitting(double value, std::span<const size_of_unit> sizes) {
  size_of_unit found = sizes.front();
  for (const size_of_unit& one : sizes)
    if (std::abs(value) >= one.value * 0.9995) found = one;
  return found;
}

struct scaled {
  double value;
  std::string_view unit;  // empty: a plain number
};

scaled scale(double value, std::string_view unit) {
  if (unit == "B") {
    const auto size = fitting(value, bytes);
    return {value / size.value, size.name};
  }
  if (unit == "ns" || unit == "us" || unit == "ms" || unit == "s") {
    const auto given = std::ranges::find(nanoseconds, unit, &size_of_unit::name);
    const double ns = value * given->value;
    const auto size = fitting(ns, nanoseconds);
    return {ns / size.value, size.name};
  }
  return {value, {}};
}

// Three digits that count; more where they stand before the point.
std::string digits(double value, int significant = 3) {
  if (value == 0) return "0";
  // 0.9996 is 1.00, not 1.000: it is about to be rounded up.
  const double half = 1 + 0.5 * std::pow(10, -significant);
  const double magnitude = std::floor(std::log10(std::abs(value) * half));
  if (magnitude > 14 || magnitude < -4) return fmt::format("{:.0e}", value);
  const int decimals = std::max(0, significant - 1 - static_cast<int>(magnitude));
  return fmt::format("{:.{}f}", value, decimals);
}

std::string with_separators(std::string number) {
  const std::size_t first = number.starts_with('-') ? 1 : 0;
  const std::size_t end = std::min(number.find_first_of(".e"), number.size());
  for (std::size_t at = end; at > first + 3;) {
    at -= 3;
    number.insert(at, ",");
  }
  return number;
}

double to_three_digits(double value) {
  if (value == 0) return 0;
  const double step = std::pow(10, std::floor(std::log10(std::abs(value))) - 2);
  return step > 1 ? std::round(value / step) * step : value;
}

std::string joined(const scaled& it, int significant) {
  return digits(it.value, significant) + std::string(it.unit);
}

}  // namespace

std::string rounded(double value) { return with_separators(digits(to_three_digits(value))); }

std::string grouped(std::uint64_t value) { return with_separators(std::to_string(value)); }

std::string factor(double ratio) { return digits(ratio, 2); }

std::string times(double ratio) { return factor(ratio) + " times"; }

std::string quantity(double value, std::string_view unit) {
  const scaled it = scale(value, unit);
  if (it.unit == "B") return fmt::format("{:.0f} B", it.value);
  const std::string_view name = it.unit.empty() ? unit : it.unit;
  return name.empty() ? rounded(it.value) : fmt::format("{} {}", rounded(it.value), name);
}

std::string short_quantity(double value, std::string_view unit) {
  constexpr std::size_t widest = 7;
  scaled it = scale(value, unit);
  if (it.unit.empty()) {
    const auto size = fitting(value, counts);
    it = {value / size.value, size.name};
  }
  if (it.unit == "B") {
    if (std::string text = fmt::format("{:.0f}B", it.value); text.size() <= widest) return text;
  }
  for (int significant = 3; significant > 0; --significant)
    if (std::string text = joined(it, significant); text.size() <= widest) return text;
  return fmt::format("{:.0e}", value);
}

}  // namespace cede::measure::report
