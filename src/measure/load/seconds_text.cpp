#include "measure/load/seconds_text.hpp"

#include <fmt/format.h>

namespace cede::measure::load {

std::string seconds_text(std::chrono::nanoseconds time) {
  return fmt::format("{:g} s", std::chrono::duration<double>(time).count());
}

}  // namespace cede::measure::load
