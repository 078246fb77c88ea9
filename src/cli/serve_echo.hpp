// The verb `cede serve echo`: a TCP server that sends back what it receives.
#pragma once

#include <cede/runtime.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "cli/echo_service.hpp"
#include "cli/output.hpp"
#include "cli/server_kinds.hpp"

namespace CLI {
class App;
}

namespace cede::cli {

struct serve_echo_options {
  echo_kind kind = echo_kind::cooperative;
  std::string host = "127.0.0.1";
  std::uint16_t port = 7000;
  unsigned workers = 0;  // 0: one for each CPU
  reactor_kind reactor = reactor_kind::automatic;
  std::optional<std::chrono::microseconds> slice;  // of preemptive fibers
  std::size_t stack_size = 0;                      // bytes; 0: the kind's default
  std::chrono::milliseconds drain{3000};
  std::optional<std::chrono::milliseconds> watchdog;  // 0: off
  std::optional<std::byte> hog_byte;
  std::optional<std::chrono::milliseconds> hog_for;
  bool stats = false;  // answer lines on stdin
};

/// Adds `echo` to `serve`; reading a command line then fills `into`, or throws usage_error.
/// Requires: `into` lives until the command line has been read.
CLI::App* add_serve_echo(CLI::App& serve, serve_echo_options& into);

/// Serves until SIGTERM or SIGINT, and drains. Returns the exit code; errors have been printed.
int serve_echo(const serve_echo_options& options, verbosity how_much);

}  // namespace cede::cli
