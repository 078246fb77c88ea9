#include "measure/compare/interruption.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace cede::measure::compare {
namespace {

constexpr std::array ends{SIGINT, SIGTERM, SIGHUP};

}  // namespace

outcome<interruption> interruption::watch() {
  sigset_t watched{};
  sigemptyset(&watched);
  for (const int number : ends) sigaddset(&watched, number);
  ::pthread_sigmask(SIG_BLOCK, &watched, nullptr);
  const int descriptor = ::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
  if (descriptor < 0) return fail(fmt::format("signalfd: {}", std::strerror(errno)));
  return interruption(descriptor);
}

bool interruption::come() const noexcept {
  pollfd look{signals_.get(), POLLIN, 0};
  return ::poll(&look, 1, 0) > 0;
}

// Blocked and not taken off, so it is pending.
int interruption::number() const noexcept {
  sigset_t pending{};
  if (::sigpending(&pending) != 0) return 0;
  for (const int number : ends)
    if (sigismember(&pending, number) == 1) return number;
  return 0;
}

}  // namespace cede::measure::compare
