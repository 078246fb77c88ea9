#include "cli/option_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

namespace cede::cli {
namespace {

// For a message of one line: no control characters, and not a page of them.
std::string shown(std::string_view text) {
  constexpr std::size_t longest = 60;
  std::string result(text.substr(0, longest));
  std::ranges::replace_if(result, [](unsigned char c) { return c < ' ' || c == 0x7f; }, '?');
  return text.size() > longest ? result + "..." : result;
}

template <class T>
std::optional<T> whole_number(std::string_view text, int base = 10) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value, base);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return value;
}

std::optional<std::chrono::milliseconds> unit_of(std::string_view word) {
  using namespace std::chrono_literals;
  if (word == "ms") return 1ms;
  if (word == "s") return 1s;
  if (word == "min") return 1min;
  if (word == "h") return 1h;
  return std::nullopt;
}

}  // namespace

void refuse_value(std::string_view option, std::string_view text, std::string_view right) {
  throw usage_error(fmt::format("{} is '{}': give {}", option, shown(text), right));
}

std::uint64_t parse_number(std::string_view option, std::string_view text, std::uint64_t least,
                           std::uint64_t most) {
  const auto value = whole_number<std::uint64_t>(text);
  if (!value || *value < least || *value > most)
    refuse_value(option, text, fmt::format("a number from {} to {}", least, most));
  return *value;
}

std::uint16_t parse_port(std::string_view option, std::string_view text) {
  const auto value = whole_number<std::uint16_t>(text);
  if (!value) refuse_value(option, text, "a port from 1 to 65535, or 0 for any that is free");
  return *value;
}

double parse_rate(std::string_view option, std::string_view text) {
  constexpr std::uint32_t most = 100'000'000;
  const std::string_view digits = text.substr(0, text.size() - (text.ends_with("/s") ? 2 : 0));
  const auto value = whole_number<std::uint32_t>(digits);
  if (!value || *value == 0 || *value > most)
    refuse_value(option, text, fmt::format("a rate from 1/s to {}/s, such as 5000/s", most));
  return *value;
}

std::chrono::milliseconds parse_duration(std::string_view option, std::string_view text) {
  constexpr std::chrono::milliseconds longest = std::chrono::hours(24);
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto count = whole_number<std::uint32_t>(text.substr(0, digits));
  const auto unit = unit_of(text.substr(digits));
  if (!count || !unit || *count > longest / *unit)
    refuse_value(option, text, "a time with its unit, such as 500ms, 3s or 2min, at most 24h");
  return *count * *unit;
}

std::chrono::microseconds parse_slice(std::string_view option, std::string_view text) {
  const auto refuse = [&] {
    refuse_value(option, text, "a time from 500us to 1s with its unit, such as 500us, 2.5ms or 1s");
  };
  const std::size_t unit_at = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view unit = text.substr(unit_at);
  const double factor = unit == "us" ? 1 : unit == "ms" ? 1e3 : unit == "s" ? 1e6 : 0;
  double count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + unit_at, count);
  if (factor == 0 || error != std::errc{} || end != text.data() + unit_at) refuse();
  const double slice = count * factor;
  if (!(slice >= 500 && slice <= 1e6)) refuse();
  return std::chrono::microseconds(static_cast<std::int64_t>(slice));
}

std::byte parse_byte(std::string_view option, std::string_view text) {
  if (text.size() == 1) return static_cast<std::byte>(text.front());
  if (text.size() == 4 && text.starts_with("0x"))
    if (const auto value = whole_number<std::uint8_t>(text.substr(2), 16))
      return static_cast<std::byte>(*value);
  refuse_value(option, text, "one character, or a byte such as 0x48");
}

void refuse_word(std::string_view option, std::string_view text,
                 std::span<const std::string_view> words) {
  throw usage_error(fmt::format("{} is '{}': {}", option, shown(text), suggest(text, words)));
}

}  // namespace cede::cli
