// How a step of a comparison ends that did not give what was wanted.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

namespace cede::measure::compare {

/// Why there is no result.
enum class cause : std::uint8_t {
  failed,       ///< the comparison is worth nothing: a wrong answer, a server that ended
  unsupported,  ///< this kind of server cannot be run here; the others can
  interrupted,  ///< the user wants it to end
};

struct failure {
  cause why = cause::failed;
  std::string line;  ///< one line for the user
};

template <class T = void>
using outcome = std::expected<T, failure>;

[[nodiscard]] inline std::unexpected<failure> fail(std::string line) {
  return std::unexpected(failure{cause::failed, std::move(line)});
}

}  // namespace cede::measure::compare
