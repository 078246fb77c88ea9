#include "cli/suggestion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace cede::cli {
namespace {

// How many letters must be inserted, removed or replaced to make one of the other.
// Source: R. Wagner, M. Fischer, "The String-to-String Correction Problem" (J. ACM 1974).
std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

std::optional<std::string_view> closest(std::string_view text,
                                        std::span<const std::string_view> words) {
  // A long text resembles nothing, and comparing costs its length times the word's.
  constexpr std::size_t longest = 64;
  if (text.empty() || text.size() > longest || words.empty()) return std::nullopt;
  const auto best = std::ranges::min_element(
      words, {}, [text](std::string_view word) { return distance(text, word); });
  if (distance(text, *best) * 2 > std::max(text.size(), best->size())) return std::nullopt;
  return *best;
}

std::string suggest(std::string_view text, std::span<const std::string_view> words) {
  if (const auto word = closest(text, words)) return fmt::format("did you mean '{}'?", *word);
  return fmt::format("use {}{}", words.size() > 1 ? "one of: " : "", fmt::join(words, ", "));
}

}  // namespace cede::cli
