// The program's own lines: what it prints for scripts on stdout, and for people on stderr.
#pragma once

#include <cede/error.hpp>
#include <cstdint>
#include <string_view>

namespace cede::cli {

enum class verbosity : std::uint8_t { normal, verbose };

/// Writes "cede: LINE" to stderr, in one piece, so that lines of several threads do not mix, and
/// without control characters.
void print_error(std::string_view line) noexcept;

/// Writes the text to stderr at once, as it is.
void write_error(std::string_view text) noexcept;

/// Writes the text to stdout at once.
/// Errors: errno of write(2), EPIPE if nobody reads it any more.
result<> print(std::string_view text) noexcept;

/// Sends the library's log to stderr: warnings and errors, or everything.
void log_to_stderr(verbosity how_much) noexcept;

/// While it lives, the library logs nothing on this thread: for a failure that the program itself
/// reports, with what to do about it. The fiber that makes one must not wait while it lives.
class log_silence {
 public:
  log_silence() noexcept;
  ~log_silence();
  log_silence(const log_silence&) = delete;
  log_silence& operator=(const log_silence&) = delete;
};

}  // namespace cede::cli
