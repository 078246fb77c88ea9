#include "base/log.hpp"

#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>

namespace cede {
namespace {

std::atomic<log_sink> installed_sink = nullptr;

// One writev, so that lines of several threads and processes do not mix.
void print_to_stderr(log_level level, std::string_view line) {
  if (level < log_level::warning) return;
  const int saved_errno = errno;
  std::array<iovec, 3> parts{{{const_cast<char*>("cede: "), 6},
                              {const_cast<char*>(line.data()), line.size()},
                              {const_cast<char*>("\n"), 1}}};
  // A stderr that cannot be written leaves nobody to tell.
  [[maybe_unused]] const ssize_t written =
      ::writev(STDERR_FILENO, parts.data(), static_cast<int>(parts.size()));
  errno = saved_errno;
}

}  // namespace

log_sink set_log_sink(log_sink sink) noexcept { return installed_sink.exchange(sink); }

namespace base {

void log(log_level level, std::string_view line) noexcept {
  if (const log_sink sink = installed_sink.load()) {
    sink(level, line);
  } else {
    print_to_stderr(level, line);
  }
}

}  // namespace base
}  // namespace cede
