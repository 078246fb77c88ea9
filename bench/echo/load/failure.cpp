#include "failure.hpp"

#include <fmt/format.h>

#include <cstring>
#include <utility>

namespace bench::load {

std::unexpected<failure> fail(std::string line) {
  return std::unexpected(failure{std::move(line)});
}

std::unexpected<failure> fail_with(std::string_view what, int error) {
  return fail(fmt::format("{}: {}", what, strerror(error)));
}

}  // namespace bench::load
