// Lists in the values of options: "a,b,c".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cede::cli {

/// The words between commas. Throws usage_error for an empty one, and for one that stands there
/// twice.
[[nodiscard]] std::vector<std::string> parse_list(std::string_view option, std::string_view text);

/// Such a list of whole numbers from `least` to `most`, each once.
[[nodiscard]] std::vector<std::uint64_t> parse_numbers(std::string_view option,
                                                       std::string_view text, std::uint64_t least,
                                                       std::uint64_t most);

/// A decimal fraction such as 0.25 from `least` to `most`.
[[nodiscard]] double parse_fraction(std::string_view option, std::string_view text, double least,
                                    double most);

}  // namespace cede::cli
