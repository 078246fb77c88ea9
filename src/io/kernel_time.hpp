// Instants of cede::clock as the kernel's timeouts.
#pragma once

#include <algorithm>
#include <cede/clock.hpp>
#include <ctime>

namespace cede::io {

/// From now to `until`, 0 if that is over.
inline timespec time_left(clock::time_point until) noexcept {
  constexpr long second = 1'000'000'000;
  if (until == clock::time_point::min()) return {};
  const auto left = std::max<clock::rep>((until - clock::now()).count(), 0);
  return {.tv_sec = static_cast<std::time_t>(left / second), .tv_nsec = left % second};
}

}  // namespace cede::io
