// Where the server is, and from which local addresses connections go out.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>

#include "measure/load/failure.hpp"

namespace cede::measure::load {

struct endpoint {
  sockaddr_storage storage{};
  socklen_t length = 0;
  /// "127.0.0.1:7000" or "[::1]:7000".
  std::string text;

  const sockaddr* address() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// Turns a host (a numeric address or a name) and a port into an endpoint.
/// Blocks: the thread, where a name must be looked up.
outcome<endpoint> resolve(const std::string& host, std::uint16_t port);

/// The address in digits, which needs no looking up.
std::string numeric_host(const endpoint& target);
std::uint16_t port_of(const endpoint& target) noexcept;

/// Connections that go out from one address before the next is used: fewer than the kernel's
/// default range of local ports (28,232) has room for, with space for ports in TIME_WAIT.
inline constexpr std::uint32_t connections_per_source = 10'000;

/// The address that connection `index` to `target` must go out from: nothing for the first
/// `connections_per_source` and for targets outside 127.0.0.0/8, where the kernel chooses; else an
/// address in 127.1.0.0/16, because one pair of addresses has only as many connections as ports.
std::optional<in_addr> source_address(const endpoint& target, std::uint32_t index) noexcept;

}  // namespace cede::measure::load
