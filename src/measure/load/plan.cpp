#include "measure/load/plan.hpp"

#include <ctime>

namespace cede::measure::load {

std::chrono::nanoseconds monotonic_now() noexcept {
  timespec value{};
  clock_gettime(CLOCK_MONOTONIC, &value);
  return std::chrono::seconds(value.tv_sec) + std::chrono::nanoseconds(value.tv_nsec);
}

}  // namespace cede::measure::load
