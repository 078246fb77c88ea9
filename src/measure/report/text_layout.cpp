#include "measure/report/text_layout.hpp"

#include <algorithm>

namespace cede::measure::report {
namespace {

constexpr std::size_t title_columns = 23;
constexpr std::size_t cell_columns = 7;

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80U; }

std::string printable(std::string_view text) {
  std::string clean(text);
  std::ranges::replace_if(clean, [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
  return clean;
}

// How many bytes the first `columns` code points take.
std::size_t bytes_of(std::string_view text, std::size_t columns) {
  std::size_t at = 0;
  for (std::size_t seen = 0; at < text.size(); ++at)
    if (!continues(text[at]) && seen++ == columns) break;
  return at;
}

std::string padding(std::string_view text, std::size_t wanted) {
  return std::string(wanted - std::min(wanted, columns_of(text)), ' ');
}

}  // namespace

std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char byte) { return !continues(byte); }));
}

std::string fitted(std::string_view text, std::size_t most) {
  std::string clean = printable(text);
  if (columns_of(clean) <= most) return clean;
  return clean.substr(0, bytes_of(clean, most - 1)) + "~";
}

std::string wrapped(std::string_view text, std::size_t indent) {
  const std::string clean = printable(text);
  std::string all;
  std::string line;
  std::string_view rest = clean;
  const auto end_line = [&] {
    all += line + '\n';
    line.assign(indent, ' ');
  };
  while (!rest.empty()) {
    const std::size_t space = std::min(rest.find(' '), rest.size());
    std::string_view word = rest.substr(0, space);
    rest.remove_prefix(std::min(space + 1, rest.size()));
    if (word.empty()) continue;
    const bool fresh = line.find_first_not_of(' ') == line.npos;
    if (!fresh && columns_of(line) + 1 + columns_of(word) > terminal_columns) end_line();
    if (line.find_first_not_of(' ') != line.npos) line += ' ';
    while (columns_of(line) + columns_of(word) > terminal_columns) {
      const std::size_t part = bytes_of(word, terminal_columns - columns_of(line));
      line += word.substr(0, part);
      word.remove_prefix(part);
      end_line();
    }
    line += word;
  }
  return all + line + '\n';
}

std::string row(std::string_view title, const std::vector<std::string>& cells) {
  std::string line = fitted(title, title_columns);
  line += padding(line, title_columns);
  for (const std::string& cell : cells) {
    const std::string text = fitted(cell, cell_columns);
    line += ' ' + padding(text, cell_columns) + text;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + '\n';
}

}  // namespace cede::measure::report
