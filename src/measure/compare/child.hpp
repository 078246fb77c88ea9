// A process that a comparison has started: pinned to CPUs, talked to by lines, and dead before its
// parent is.
//
// The child gets SIGKILL when the thread that started it ends, stands in a process group of its
// own, so that Ctrl-C reaches only the parent, and has the default signal mask. What it prints on
// stderr is kept, to be quoted when it fails.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/owned_fd.hpp"
#include "measure/compare/interruption.hpp"
#include "measure/compare/outcome.hpp"

namespace cede::measure::compare {

struct launch {
  std::string title;                 ///< what messages call it
  std::vector<std::string> command;  ///< the first word is a path, or searched in PATH
  std::vector<unsigned> cpus;        ///< that it may run on; none: as its parent
};

class child {
 public:
  /// Requires: `stop` outlives the child.
  /// Errors: it cannot be executed; no process, descriptor or memory is left.
  [[nodiscard]] static outcome<child> start(const launch& what, const interruption& stop);
  child(child&& other) noexcept;
  child& operator=(child&&) = delete;
  /// Kills it, if it lives, and waits for its end.
  ~child();

  [[nodiscard]] pid_t id() const noexcept { return pid_; }
  [[nodiscard]] const std::string& title() const noexcept { return title_; }

  /// The next line that it prints on stdout, without its end.
  /// Errors: it has ended, with what it said; nothing came for `patience`; interrupted.
  [[nodiscard]] outcome<std::string> read_line(std::chrono::milliseconds patience);

  /// All that it still prints on stdout, once it has ended with exit code 0.
  /// Errors: as `read_line` and `wait`.
  [[nodiscard]] outcome<std::string> read_rest(std::chrono::milliseconds patience);

  /// Whether the parent has been told to end.
  [[nodiscard]] bool interrupted() const noexcept { return stop_->come(); }

  /// Writes a line to its stdin.
  [[nodiscard]] outcome<> write_line(std::string_view line);

  /// No more lines will come.
  void close_input() noexcept { input_.reset(); }

  void signal(int number) noexcept;

  /// Waits until it ends, which must be with exit code 0.
  /// Errors: another end, with what it said; no end for `patience`; interrupted.
  [[nodiscard]] outcome<> wait(std::chrono::milliseconds patience);

  /// The exit code, once it has ended; negative: the signal that ended it.
  [[nodiscard]] std::optional<int> code() const noexcept { return code_; }

  /// The last line that it has printed on stderr; empty if none.
  [[nodiscard]] std::string last_words() const;

 private:
  child(pid_t pid, std::string title, const interruption& stop) noexcept
      : pid_(pid), title_(std::move(title)), stop_(&stop) {}

  [[nodiscard]] outcome<bool> read_more(std::chrono::milliseconds patience);
  [[nodiscard]] outcome<> wait_for(int descriptor, std::chrono::milliseconds patience,
                                   std::string_view what);
  [[nodiscard]] std::unexpected<failure> ended_early();
  void reap();

  pid_t pid_;
  std::string title_;
  const interruption* stop_;
  io::owned_fd process_;  // readable when it has ended
  io::owned_fd input_;
  io::owned_fd output_;
  io::owned_fd errors_;  // a file in memory: nobody needs to read it for the child to go on
  std::string unread_;
  std::optional<int> code_;
};

}  // namespace cede::measure::compare
