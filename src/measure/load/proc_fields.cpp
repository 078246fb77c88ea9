#include "measure/load/proc_fields.hpp"

#include <algorithm>
#include <charconv>

namespace cede::measure::load {

std::optional<std::uint64_t> proc_field(std::string_view text, std::string_view name) noexcept {
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!line.starts_with(name) || !line.substr(name.size()).starts_with(':')) continue;
    line.remove_prefix(name.size() + 1);
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    std::uint64_t value = 0;
    if (std::from_chars(line.data(), line.data() + line.size(), value).ec != std::errc{})
      return std::nullopt;
    return value;
  }
  return std::nullopt;
}

}  // namespace cede::measure::load
