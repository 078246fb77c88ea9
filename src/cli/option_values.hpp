// The values of options, from text. Each names the option and the text when it refuses it, and says
// what would be right.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cli/suggestion.hpp"
#include "cli/usage_error.hpp"

namespace cede::cli {

/// A whole number from `least` to `most`, in decimal digits and nothing else.
/// Throws usage_error, as all here.
[[nodiscard]] std::uint64_t parse_number(std::string_view option, std::string_view text,
                                         std::uint64_t least, std::uint64_t most);

/// 0 stands for any port that is free.
[[nodiscard]] std::uint16_t parse_port(std::string_view option, std::string_view text);

/// "5000" or "5000/s": messages a second.
[[nodiscard]] double parse_rate(std::string_view option, std::string_view text);

/// "500ms", "3s", "2min": a whole number and its unit, at most a day.
/// A slice of a preemptive fiber: `500us` to `1s`, also `0.5ms`.
[[nodiscard]] std::chrono::microseconds parse_slice(std::string_view option, std::string_view text);

[[nodiscard]] std::chrono::milliseconds parse_duration(std::string_view option,
                                                       std::string_view text);

/// A character as it stands, or two hexadecimal digits after 0x.
[[nodiscard]] std::byte parse_byte(std::string_view option, std::string_view text);

/// Throws: "OPTION is 'TEXT': give RIGHT".
[[noreturn]] void refuse_value(std::string_view option, std::string_view text,
                               std::string_view right);

/// A word and what it stands for.
template <class T>
struct choice {
  std::string_view word;
  T value;
};

[[noreturn]] void refuse_word(std::string_view option, std::string_view text,
                              std::span<const std::string_view> words);

template <class T, std::size_t Count>
[[nodiscard]] T parse_choice(std::string_view option, std::string_view text,
                             const std::array<choice<T>, Count>& choices) {
  std::array<std::string_view, Count> words;
  for (std::size_t i = 0; i < Count; ++i) {
    if (choices[i].word == text) return choices[i].value;
    words[i] = choices[i].word;
  }
  refuse_word(option, text, words);
}

}  // namespace cede::cli
