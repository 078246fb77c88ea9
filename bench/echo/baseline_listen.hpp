// What the two hand-written baseline servers share, none of it on the path that is measured:
// the command line, the listening socket, the descriptor limit and the end on SIGTERM.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

namespace CLI {
class App;
}

namespace bench::baseline {

/// Bytes one read may take: the size of the buffer in cede's own echo handler.
inline constexpr std::size_t read_bytes = 4096;

struct address {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
};

/// Adds --host and --port to `app`.
void add_address_options(CLI::App& app, address& target);

/// Parses the command line. A bad one prints one line and ends the process with a non-zero code.
void parse_or_exit(CLI::App& app, int argc, char** argv);

enum class port_sharing { exclusive, between_threads };

/// Binds and listens; the descriptor is non-blocking where `type_flags` holds SOCK_NONBLOCK.
/// Errors: one line that names the address and the cause.
std::expected<int, std::string> listen_on(const address& target, int type_flags,
                                          port_sharing sharing);

/// The port that the kernel gave to `listener` (useful with --port 0).
std::uint16_t local_port(int listener);

/// Raises RLIMIT_NOFILE to its hard limit.
void raise_descriptor_limit();

/// SIGTERM and SIGINT end the process with 0 at once: a baseline has nothing to drain.
void exit_on_termination_signals();

/// Prints the line a harness waits for.
void announce(const address& target, int listener);

/// Prints one line to stderr and ends the process with code 1.
[[noreturn]] void fail(const std::string& line);

/// The line for an accept that failed with `error`.
std::string accept_failure(int error);

void disable_nagle(int connection);

}  // namespace bench::baseline
