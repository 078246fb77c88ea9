// What every run of the load generator is told.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "measure/load/endpoint.hpp"
#include "measure/load/failure.hpp"
#include "measure/load/stages.hpp"

namespace cede::measure::load {

/// How connections to one server are made and used.
struct connection_plan {
  endpoint target;
  /// Bytes of a message.
  std::uint32_t size = 64;
  /// Connections that may be under way (not yet open, or not yet greeted) at once.
  std::uint32_t connect_limit = 128;
  /// Silence of the server that is taken for a fault.
  std::chrono::nanoseconds timeout = std::chrono::seconds(10);
  /// The byte that makes a handler of the server hog its CPU when a connection begins with it.
  std::optional<std::byte> hog_byte;
  /// Whether connections begin with `hog_byte`, or all with another one.
  enum class temper : std::uint8_t { calm, hogging } behave = temper::calm;
};

struct target_plan : connection_plan {
  std::uint32_t connections = 0;
  /// Process to look at; 0 for none.
  int server_pid = 0;
  /// Processes to share the connections; 0 for as few as the limit of descriptors allows. With one
  /// there is no other process, but a thread.
  std::uint32_t processes = 0;
  /// What to start for a further process: this program, which must know `cede load part`.
  std::string program = "/proc/self/exe";
  stage_watcher at_stage = {};

  outcome<> reached(stage what) const { return at_stage ? at_stage(what) : outcome<>{}; }
};

/// The process's time, comparable between processes (CLOCK_MONOTONIC).
std::chrono::nanoseconds monotonic_now() noexcept;

}  // namespace cede::measure::load
