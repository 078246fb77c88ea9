#include "measure/compare/interruption.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace cede::measure::compare {

outcome<interruption> interruption::watch() {
  sigset_t ends{};
  sigemptyset(&ends);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&ends, number);
  ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  const int descriptor = ::signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
  if (descriptor < 0) return fail(fmt::format("signalfd: {}", std::strerror(errno)));
  return interruption(descriptor);
}

bool interruption::come() const noexcept {
  pollfd look{signals_.get(), POLLIN, 0};
  return ::poll(&look, 1, 0) > 0;
}

}  // namespace cede::measure::compare
