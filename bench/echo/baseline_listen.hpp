// What the hand-written baseline servers share, none of it on the path that is measured: the
// command line, the listening socket, the descriptor limit, threads and the end on SIGTERM.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <thread>
#include <vector>

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

/// A connection whose first byte is `first` spins that long before its first reply, as one of
/// `cede serve echo` does.
struct hog {
  std::optional<char> first;
  std::chrono::milliseconds time{5000};

  void before_first_reply(char byte) const {
    if (first && byte == *first) spin();
  }
  void spin() const;
};

/// Adds --hog-byte and --hog-for to `app`.
void add_hog_options(CLI::App& app, hog& hogging);

/// Adds --threads to `app`.
void add_threads_option(CLI::App& app, unsigned& threads, const std::string& text);

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

/// Whether `error` of an accept is a want of descriptors or memory, which ends when others leave.
bool is_passing_shortage(int error);

void disable_nagle(int connection);

/// What a server with event loops is started with.
struct loop_settings {
  address target;
  hog hogging;
  unsigned threads = 1;
};

/// The command line of one, and what is to be done before it listens. `each` is what a thread has
/// of its own.
loop_settings start_of_loops(int argc, char** argv, const std::string& description,
                             const std::string& name, const std::string& each);

/// Listens, makes a loop on each thread by `make(listener)`, says so, and runs them all.
template <class Make>
[[noreturn]] void run_on_threads(address target, unsigned threads, int type_flags, Make make) {
  const auto sharing = threads > 1 ? port_sharing::between_threads : port_sharing::exclusive;
  std::vector<int> listeners;
  for (unsigned i = 0; i < threads; ++i) {
    auto listener = listen_on(target, type_flags, sharing);
    if (!listener) fail(listener.error());
    listeners.push_back(*listener);
    target.port = local_port(*listener);
  }
  // First of all, so that one that cannot be made does not announce itself.
  auto own = make(listeners.front());
  announce(target, listeners.front());
  for (unsigned i = 1; i < threads; ++i)
    std::thread([make, listener = listeners[i]] { make(listener)->run(); }).detach();
  own->run();
}

}  // namespace bench::baseline
