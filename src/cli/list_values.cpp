#include "cli/list_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "cli/option_values.hpp"

namespace cede::cli {

std::vector<std::string> parse_list(std::string_view option, std::string_view text) {
  std::vector<std::string> words;
  for (bool more = true; more;) {
    const std::size_t comma = text.find(',');
    const std::string word(text.substr(0, comma));
    if (word.empty())
      throw usage_error(
          fmt::format("{} has an empty name: give words with commas between them", option));
    if (std::ranges::find(words, word) != words.end())
      throw usage_error(fmt::format("{} names '{}' twice", option, word));
    words.push_back(word);
    more = comma != text.npos;
    if (more) text.remove_prefix(comma + 1);
  }
  return words;
}

std::vector<std::uint64_t> parse_numbers(std::string_view option, std::string_view text,
                                         std::uint64_t least, std::uint64_t most) {
  std::vector<std::uint64_t> numbers;
  for (const std::string& word : parse_list(option, text)) {
    const std::uint64_t number = parse_number(option, word, least, most);
    if (std::ranges::find(numbers, number) != numbers.end())
      throw usage_error(fmt::format("{} names {} twice", option, number));
    numbers.push_back(number);
  }
  return numbers;
}

double parse_fraction(std::string_view option, std::string_view text, double least, double most) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (error != std::errc{} || rest != end || !std::isfinite(value) || value < least || value > most)
    refuse_value(option, text, fmt::format("a number from {:g} to {:g}", least, most));
  return value;
}

}  // namespace cede::cli
