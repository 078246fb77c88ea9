// The flags of `cede serve echo`.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <array>
#include <ranges>
#include <string>
#include <string_view>

#include "cli/option_values.hpp"
#include "cli/serve_echo.hpp"
#include "cli/text_option.hpp"

namespace cede::cli {
namespace {

constexpr std::array<choice<reactor_kind>, 3> reactors{{{"auto", reactor_kind::automatic},
                                                        {"epoll", reactor_kind::epoll},
                                                        {"io_uring", reactor_kind::io_uring}}};

void add_where(CLI::App& echo, serve_echo_options& into) {
  add_text_option(echo, "--host", "ADDRESS", "address or name to listen on (default: 127.0.0.1)",
                  [&into](std::string_view, const std::string& text) { into.host = text; });
  add_text_option(echo, "--port", "PORT",
                  "port to listen on, 0 for any that is free (default: 7000)",
                  [&into](std::string_view option, std::string_view text) {
                    into.port = parse_port(option, text);
                  });
}

void add_what_runs(CLI::App& echo, serve_echo_options& into) {
  add_text_option(
      echo, "--kind", "KIND",
      fmt::format("what runs a connection: {} (default: {})",
                  fmt::join(std::views::transform(server_kinds(), &server_kind::name), ", "),
                  about(echo_kind::cooperative).name),
      [&into](std::string_view option, std::string_view text) {
        into.kind = parse_server_kind(option, text).value;
      });
  add_text_option(echo, "--slice", "TIME",
                  "how long a preemptive fiber may run before others do, 500us to 1s (default: "
                  "10ms)",
                  [&into](std::string_view option, std::string_view text) {
                    into.slice = parse_slice(option, text);
                  });
  add_text_option(echo, "--workers", "N",
                  "threads that run fibers, 1 to 1024 (default: one for each CPU)",
                  [&into](std::string_view option, std::string_view text) {
                    into.workers = static_cast<unsigned>(parse_number(option, text, 1, 1024));
                  });
  add_text_option(echo, "--reactor", "REACTOR", "auto, epoll or io_uring (default: auto)",
                  [&into](std::string_view option, std::string_view text) {
                    into.reactor = parse_choice(option, text, reactors);
                  });
  add_text_option(
      echo, "--stack", "KIB",
      "stack of a connection in KiB, 16 to 8192 (default: 64 for a cooperative fiber, 256 for a "
      "preemptive one, 'ulimit -s' for a thread)",
      [&into](std::string_view option, std::string_view text) {
        into.stack_size = parse_number(option, text, 16, 8192) * 1024;
      });
}

void add_behaviour(CLI::App& echo, serve_echo_options& into) {
  add_text_option(echo, "--drain", "TIME",
                  "how long connections may go on after the first SIGTERM or SIGINT (default: 3s)",
                  [&into](std::string_view option, std::string_view text) {
                    into.drain = parse_duration(option, text);
                  });
  add_text_option(
      echo, "--hog-byte", "BYTE",
      "a connection whose first byte is this one spins before it replies: a character or 0xNN",
      [&into](std::string_view option, std::string_view text) {
        into.hog_byte = parse_byte(option, text);
      });
  add_text_option(echo, "--hog-for", "TIME", "how long it spins (default: 5s)",
                  [&into](std::string_view option, std::string_view text) {
                    into.hog_for = parse_duration(option, text);
                  });
  add_text_option(echo, "--watchdog", "TIME",
                  "a fiber that keeps its worker for longer is named on stderr, with a backtrace; "
                  "0ms for never (default: 100ms, with --hog-byte never)",
                  [&into](std::string_view option, std::string_view text) {
                    into.watchdog = parse_duration(option, text);
                  });
  echo.add_flag("--stats", into.stats,
                "answer each line on stdin with a line of JSON on stdout: switches between fibers, "
                "preemptions, connections, bytes and what hogs have computed so far")
      ->disable_flag_override();
}

}  // namespace

CLI::App* add_serve_echo(CLI::App& serve, serve_echo_options& into) {
  CLI::App* const echo = serve.add_subcommand(
      "echo", "A TCP server that sends back what it receives, until SIGTERM or SIGINT");
  add_where(*echo, into);
  add_what_runs(*echo, into);
  add_behaviour(*echo, into);
  echo->parse_complete_callback([&into] {
    if (into.host.empty()) throw usage_error("--host is empty: give an address or a name");
    if (into.hog_for && !into.hog_byte)
      throw usage_error("--hog-for says how long, but not for whom: give --hog-byte too");
    if (into.slice && into.kind != echo_kind::preemptive)
      throw usage_error("--slice is for preemptive fibers only: give --kind preemptive too");
  });
  return echo;
}

}  // namespace cede::cli
