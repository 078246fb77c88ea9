// A real server process of one contestant, on a port that the kernel has chosen.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "measure/compare/child.hpp"
#include "measure/compare/contestant.hpp"

namespace cede::measure::compare {

/// A connection whose first byte is this one keeps its handler busy for `time` before the reply.
struct hogging {
  std::uint8_t byte = 0;
  std::chrono::milliseconds time{};
};

/// What a server of cede has counted so far.
struct server_counts {
  std::chrono::microseconds at{};  ///< the time of the look, by its clock
  std::uint64_t fiber_switches = 0;
  std::uint64_t preemptions = 0;
  std::uint64_t hog_units = 0;            ///< of work
  std::chrono::microseconds hog_time{0};  ///< in which they had a CPU
};

class server {
 public:
  /// Returns when it listens.
  /// Errors: `unsupported` if it has ended with code 1 before, its own words as the line; others
  /// are `failed`.
  [[nodiscard]] static outcome<server> start(const contestant& who,
                                             const std::vector<unsigned>& cpus,
                                             const std::optional<hogging>& hog,
                                             const interruption& stop);

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] pid_t id() const noexcept { return process_.id(); }

  /// Its own counts.
  /// Requires: the contestant tells them.
  [[nodiscard]] outcome<server_counts> counts();

  /// Waits until it has accepted so many connections that are open, and has nothing to do: it uses
  /// no CPU time for a while.
  [[nodiscard]] outcome<> settle(std::uint64_t connections = 0);

  /// Its CPU time so far, once it uses no more: a short wait, for a server whose messages have all
  /// been answered.
  [[nodiscard]] outcome<std::chrono::nanoseconds> cpu_time_at_rest();

  /// Ends it by SIGTERM, and wants exit code 0.
  [[nodiscard]] outcome<> end();

 private:
  server(child process, std::uint16_t port) noexcept : process_(std::move(process)), port_(port) {}

  child process_;
  std::uint16_t port_;
};

/// The port in "listening on ADDRESS:PORT, ...". Nothing if it is another line.
[[nodiscard]] std::optional<std::uint16_t> port_of(std::string_view line);

}  // namespace cede::measure::compare
