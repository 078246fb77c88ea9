// SIGINT and SIGTERM as a descriptor: for work that ends early in good order.
//
// Actors: the thread "cede-signals" counts the signals and makes the descriptor readable; any
// thread reads.
#pragma once

#include <atomic>
#include <cede/error.hpp>
#include <optional>
#include <string_view>

#include "base/signals.hpp"
#include "io/owned_fd.hpp"

namespace cede::cli {

class stop_signals {
 public:
  stop_signals() = default;
  stop_signals(const stop_signals&) = delete;
  stop_signals& operator=(const stop_signals&) = delete;

  /// From now on the first of the signals makes fd() readable; the second ends the process at once.
  result<> subscribe();

  [[nodiscard]] int fd() const noexcept { return event_.get(); }
  /// The first signal that came; 0 if none has.
  [[nodiscard]] int first() const noexcept { return first_.load(); }
  /// "SIGINT" or "SIGTERM".
  [[nodiscard]] std::string_view name() const noexcept;
  /// What shells report for a program that this signal ended.
  [[nodiscard]] int exit_code() const noexcept { return 128 + first(); }

 private:
  void arrived(int number) noexcept;

  io::owned_fd event_;
  std::atomic<int> first_{0};
  // Last: its callback uses the others until it is dropped.
  std::optional<base::signals::subscription> subscription_;
};

}  // namespace cede::cli
