#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

#include "io/owned_fd.hpp"
#include "measure/compare/client.hpp"
#include "measure/compare/memory_trial.hpp"

namespace cede::measure::compare {
namespace {

constexpr std::uint64_t first = 100;
// The more, the less it matters what else the machine allocates meanwhile; fewer than a listener's
// queue holds (net.core.somaxconn is 4096), so that all connect at once.
constexpr std::uint64_t least = 1100;
constexpr std::uint64_t most = 4000;

// Accepts, and does nothing else: a server whose connections cost the kernel their sockets only.
class acceptor {
 public:
  static outcome<acceptor> listen() {
    acceptor result;
    result.listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof here;
    auto* const address = reinterpret_cast<sockaddr*>(&here);
    const int listener = result.listener_.get();
    if (listener < 0 || ::bind(listener, address, size) != 0 || ::listen(listener, 4096) != 0 ||
        ::getsockname(listener, address, &size) != 0)
      return fail(fmt::format("a socket to compare with: {}", std::strerror(errno)));
    result.port_ = ntohs(here.sin_port);
    return result;
  }

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  // All that have connected. A connection whose handshake the client has seen to its end may come
  // a moment later here, so those that are missing are waited for.
  outcome<> accept(std::size_t wanted) {
    while (accepted_.size() < wanted) {
      io::owned_fd one(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (one.get() >= 0)
        accepted_.push_back(std::move(one));
      else if (errno != EAGAIN && errno != EINTR)
        return fail(fmt::format("a connection to compare with: {}", std::strerror(errno)));
    }
    return {};
  }

 private:
  io::owned_fd listener_;
  std::uint16_t port_ = 0;
  std::vector<io::owned_fd> accepted_;
};

outcome<slab_bytes> look_at(std::string_view stage, std::uint64_t wanted, client& by,
                            acceptor& at) {
  if (auto reached = by.reach(stage); !reached) return std::unexpected(reached.error());
  if (auto all = at.accept(wanted); !all) return std::unexpected(all.error());
  auto slabs = sample_slabs_at_rest();
  if (!slabs) return slabs;
  if (auto gone_on = by.go_on(); !gone_on) return std::unexpected(gone_on.error());
  return slabs;
}

}  // namespace

outcome<bare_connections> measure_bare_connections(std::uint64_t wanted, const ground& where) {
  const std::uint64_t connections = std::clamp(wanted, least, most);
  auto at = acceptor::listen();
  if (!at) return std::unexpected(at.error());
  auto by = client::start(where.program,
                          {"idle", "--no-echo", "--port", fmt::to_string(at->port()), "--first",
                           fmt::to_string(first), "--connections", fmt::to_string(connections)},
                          where.client_cpus, where.stop);
  if (!by) return std::unexpected(by.error());
  const auto few = look_at("first-opened", first, *by, *at);
  if (!few) return std::unexpected(few.error());
  const auto many = look_at("opened", connections, *by, *at);
  if (!many) return std::unexpected(many.error());
  if (auto report = by->finish(); !report) return std::unexpected(report.error());
  const auto grown = [](std::uint64_t before, std::uint64_t after) {
    return after > before ? after - before : 0;
  };
  return bare_connections{connections - first,
                          {.sockets = grown(few->sockets, many->sockets),
                           .others = grown(few->others, many->others),
                           .by_cache = many->by_cache}};
}

}  // namespace cede::measure::compare
