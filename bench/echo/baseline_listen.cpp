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
#include <csignal>
#include <cstdio>
#include <cstring>

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

}  // namespace

void add_address_options(CLI::App& app, address& target) {
  app.add_option("--host", target.host, "address to listen on")->capture_default_str();
  app.add_option("--port", target.port, "port to listen on, 0 for any that is free")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
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

std::string accept_failure(int error) {
  if (error == EMFILE || error == ENFILE)
    return "accept: out of descriptors; raise RLIMIT_NOFILE (ulimit -Hn)";
  return fmt::format("accept: {}", strerror(error));
}

void disable_nagle(int connection) { enable(connection, IPPROTO_TCP, TCP_NODELAY); }

}  // namespace bench::baseline
