#include "baseline_listen.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <map>

namespace bench::baseline {
namespace {

struct socket_address {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

std::expected<socket_address, std::string> parse(const address& target) {
  socket_address result;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&result.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&result.storage);
  if (inet_pton(AF_INET, target.host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(target.port);
    result.length = sizeof *v4;
  } else if (inet_pton(AF_INET6, target.host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(target.port);
    result.length = sizeof *v6;
  } else {
    return std::unexpected(fmt::format(
        "--host {}: not an IPv4 or IPv6 address; use one such as 127.0.0.1 or ::1", target.host));
  }
  return result;
}

bool enable(int descriptor, int level, int option) {
  int on = 1;
  return setsockopt(descriptor, level, option, &on, sizeof on) == 0;
}

std::string cannot_listen(const address& target, int error) {
  const char* advice = error == EADDRINUSE ? "; choose another --port" : "";
  return fmt::format("cannot listen on {}:{}: {}{}", target.host, target.port, strerror(error),
                     advice);
}

char byte_of(const std::string& text) {
  if (text.size() == 1) return text.front();
  unsigned value = 0;
  const char* const last = text.data() + text.size();
  if (text.size() == 4 && text.starts_with("0x"))
    if (const auto read = std::from_chars(text.data() + 2, last, value, 16);
        read.ec == std::errc() && read.ptr == last)
      return static_cast<char>(value);
  throw CLI::ValidationError(fmt::format("--hog-byte {}", text),
                             "use one character, or a byte such as 0x48");
}

std::chrono::milliseconds time_of(const std::string& text) {
  using namespace std::chrono_literals;
  static const std::map<std::string, std::chrono::milliseconds> units{
      {"ms", 1ms}, {"s", 1s}, {"min", 1min}, {"h", 1h}};
  constexpr std::chrono::milliseconds longest = 24h;
  std::uint32_t count = 0;
  const char* const last = text.data() + text.size();
  const auto read = std::from_chars(text.data(), last, count);
  const auto unit = units.find(std::string(read.ptr, last));
  if (read.ec == std::errc() && unit != units.end() && count <= longest / unit->second)
    return count * unit->second;
  throw CLI::ValidationError(fmt::format("--hog-for {}", text),
                             "use a time with its unit, such as 500ms, 3s or 2min, at most 24h");
}

}  // namespace

void add_address_options(CLI::App& app, address& target) {
  app.add_option("--host", target.host, "address to listen on")->capture_default_str();
  app.add_option("--port", target.port, "port to listen on, 0 for any that is free")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
}

void hog::spin() const {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

void add_hog_options(CLI::App& app, hog& hogging) {
  app.add_option_function<std::string>(
      "--hog-byte", [&hogging](const std::string& text) { hogging.first = byte_of(text); },
      "a connection whose first byte is this one spins before it replies: a character or 0xNN");
  app.add_option_function<std::string>(
      "--hog-for", [&hogging](const std::string& text) { hogging.time = time_of(text); },
      "how long it spins (default: 5s)");
}

void add_threads_option(CLI::App& app, unsigned& threads, const std::string& text) {
  app.add_option("--threads", threads, text)->check(CLI::Range(1U, 1024U))->capture_default_str();
}

void parse_or_exit(CLI::App& app, int argc, char** argv) {
  app.failure_message([](const CLI::App* failed, const CLI::Error& error) {
    return fmt::format("{}: {} (see --help)\n", failed->get_name(), error.what());
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
}

std::expected<int, std::string> listen_on(const address& target, int type_flags,
                                          port_sharing sharing) {
  auto where = parse(target);
  if (!where) return std::unexpected(where.error());
  const int listener = socket(where->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | type_flags, 0);
  if (listener < 0) return std::unexpected(cannot_listen(target, errno));
  const bool ready =
      enable(listener, SOL_SOCKET, SO_REUSEADDR) &&
      (sharing == port_sharing::exclusive || enable(listener, SOL_SOCKET, SO_REUSEPORT)) &&
      bind(listener, reinterpret_cast<sockaddr*>(&where->storage), where->length) == 0 &&
      listen(listener, SOMAXCONN) == 0;
  if (ready) return listener;
  const int error = errno;
  close(listener);
  return std::unexpected(cannot_listen(target, error));
}

std::uint16_t local_port(int listener) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (getsockname(listener, reinterpret_cast<sockaddr*>(&storage), &length) != 0)
    fail(fmt::format("getsockname: {}", strerror(errno)));
  return ntohs(storage.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port
                                             : reinterpret_cast<sockaddr_in*>(&storage)->sin_port);
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void exit_on_termination_signals() {
  struct sigaction action{};
  action.sa_handler = [](int) { _exit(0); };
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
}

void announce(const address& target, int listener) {
  fmt::print("listening on {}:{}\n", target.host, local_port(listener));
  std::fflush(stdout);
}

void fail(const std::string& line) {
  fmt::print(stderr, "{}: {}\n", program_invocation_short_name, line);
  std::exit(1);
}

std::string accept_failure(int error) { return fmt::format("accept: {}", strerror(error)); }

bool is_passing_shortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

void disable_nagle(int connection) { enable(connection, IPPROTO_TCP, TCP_NODELAY); }

loop_settings start_of_loops(int argc, char** argv, const std::string& description,
                             const std::string& name, const std::string& each) {
  CLI::App app{description, name};
  loop_settings chosen;
  add_address_options(app, chosen.target);
  add_hog_options(app, chosen.hogging);
  add_threads_option(app, chosen.threads, "threads, each with its own " + each);
  parse_or_exit(app, argc, argv);
  raise_descriptor_limit();
  exit_on_termination_signals();
  return chosen;
}

}  // namespace bench::baseline
