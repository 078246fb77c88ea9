// What `cede serve echo` does for a connection: one function for every kind of runnable, in plain
// blocking code.
//
// Actors: one runnable for each connection; the totals are added to when a connection ends.
#pragma once

#include <atomic>
#include <cede/clock.hpp>
#include <cede/tcp.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "cli/spin.hpp"

namespace cede::cli {

/// A connection whose first byte is `first_byte` keeps its CPU busy for `time` before it replies: a
/// handler that hogs, to see what that does to the others.
struct hog {
  std::byte first_byte{};
  clock::duration time{};
};

struct echo_totals {
  std::atomic<std::uint64_t> connections{0};
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint64_t> cut_off{0};  // by the end of the drain
  spin_totals hogs;
};

class echo_service {
 public:
  explicit echo_service(std::optional<hog> hogging = std::nullopt) noexcept : hog_(hogging) {}

  /// Sends back what comes, until the peer ends the stream, it fails, or it is cancelled.
  void serve(tcp_stream& peer);

  [[nodiscard]] const echo_totals& totals() const noexcept { return totals_; }

 private:
  void before_first_reply(std::byte first) noexcept;
  void account(std::uint64_t bytes, std::error_code end) noexcept;

  const std::optional<hog> hog_;
  echo_totals totals_;
};

}  // namespace cede::cli
