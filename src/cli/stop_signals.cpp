#include "cli/stop_signals.hpp"

#include <sys/eventfd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace cede::cli {

result<> stop_signals::subscribe() {
  event_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (event_.get() < 0) return failure_from(errno);
  static constexpr std::array numbers{SIGINT, SIGTERM};
  auto subscribed = base::signals::subscribe(numbers, [this](int number) { arrived(number); });
  if (!subscribed) return std::unexpected(subscribed.error());
  subscription_.emplace(std::move(*subscribed));
  return {};
}

void stop_signals::arrived(int number) noexcept {
  int none = 0;
  if (!first_.compare_exchange_strong(none, number)) std::_Exit(128 + number);
  eventfd_write(event_.get(), 1);
}

std::string_view stop_signals::name() const noexcept {
  return first() == SIGINT ? "SIGINT" : "SIGTERM";
}

}  // namespace cede::cli
