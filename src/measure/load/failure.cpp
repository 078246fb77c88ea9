#include "measure/load/failure.hpp"

#include <fmt/format.h>

#include <cstring>
#include <utility>

namespace cede::measure::load {

std::unexpected<failure> fail(std::string line) {
  return std::unexpected(failure{std::move(line)});
}

std::unexpected<failure> fail_with(std::string_view what, int error) {
  return fail(fmt::format("{}: {}", what, strerror(error)));
}

}  // namespace cede::measure::load
