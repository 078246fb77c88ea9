// What went wrong, as the one line that the program prints before it ends with a non-zero code.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace cede::measure::load {

struct failure {
  std::string line;
};

template <class T = void>
using outcome = std::expected<T, failure>;

[[nodiscard]] std::unexpected<failure> fail(std::string line);

/// "WHAT: text of errno value `error`".
[[nodiscard]] std::unexpected<failure> fail_with(std::string_view what, int error);

}  // namespace cede::measure::load
