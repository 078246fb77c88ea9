// Text in a terminal of 80 columns: lines that wrap and rows of cells.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cede::measure::report {

inline constexpr std::size_t terminal_columns = 80;

/// Columns that UTF-8 text takes, one for each code point.
[[nodiscard]] std::size_t columns_of(std::string_view text);

/// No control characters, cut to `most` columns with "~" as its last if it is longer.
[[nodiscard]] std::string fitted(std::string_view text, std::size_t most);

/// Lines of at most `terminal_columns`, each after the first indented by `indent`; a word that is
/// too long for a line is cut into several. Ends in a newline.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t indent = 0);

/// A title of 23 columns and up to seven cells of 7 columns, right-aligned, with a space between.
[[nodiscard]] std::string row(std::string_view title, const std::vector<std::string>& cells);

}  // namespace cede::measure::report
