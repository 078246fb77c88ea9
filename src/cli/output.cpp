#include "cli/output.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cede/log.hpp>
#include <cerrno>
#include <iterator>

namespace cede::cli {
namespace {

// Set before there is a second thread.
std::atomic<log_level> least_shown{log_level::warning};

thread_local bool silent = false;

result<> write_whole(int fd, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written >= 0)
      text.remove_prefix(static_cast<std::size_t>(written));
    else if (errno != EINTR)
      return failure_from(errno);
  }
  return {};
}

void show(log_level level, std::string_view line) {
  if (!silent && level >= least_shown.load(std::memory_order_relaxed)) print_error(line);
}

}  // namespace

void print_error(std::string_view line) noexcept {
  // On a fiber's small stack: not larger than what a message needs.
  fmt::basic_memory_buffer<char, 256> text;
  try {
    fmt::format_to(std::back_inserter(text), "cede: {}\n", line);
  } catch (...) {  // no memory for a long one: its beginning must do
    text.clear();
    fmt::format_to(std::back_inserter(text), "cede: {}\n", line.substr(0, 200));
  }
  // A name that a user gave, or a file, may hold anything; the terminal is to see one line.
  std::replace_if(
      text.begin(), text.end() - 1, [](unsigned char c) { return c < ' ' || c == 0x7f; }, '?');
  // Nobody is left to be told that stderr cannot be written.
  static_cast<void>(write_whole(STDERR_FILENO, {text.data(), text.size()}));
}

void write_error(std::string_view text) noexcept {
  static_cast<void>(write_whole(STDERR_FILENO, text));
}

result<> print(std::string_view text) noexcept { return write_whole(STDOUT_FILENO, text); }

void log_to_stderr(verbosity how_much) noexcept {
  const bool all = how_much == verbosity::verbose;
  least_shown.store(all ? log_level::debug : log_level::warning, std::memory_order_relaxed);
  set_log_sink(&show);
}

log_silence::log_silence() noexcept { silent = true; }
log_silence::~log_silence() { silent = false; }

}  // namespace cede::cli
