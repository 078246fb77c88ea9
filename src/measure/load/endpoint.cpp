#include "measure/load/endpoint.hpp"

#include <fmt/format.h>
#include <netdb.h>

#include <array>
#include <cstring>
#include <memory>

namespace cede::measure::load {
namespace {

constexpr std::uint32_t loopback_network = 127U << 24;
constexpr std::uint32_t first_extra_source = loopback_network | (1U << 16) | 1U;
constexpr std::uint32_t extra_sources = 65'000;

bool is_loopback_v4(const endpoint& target) noexcept {
  if (target.storage.ss_family != AF_INET) return false;
  const auto* v4 = reinterpret_cast<const sockaddr_in*>(&target.storage);
  return (ntohl(v4->sin_addr.s_addr) & 0xff000000U) == loopback_network;
}

}  // namespace

outcome<endpoint> resolve(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0)
    return fail(fmt::format("--host {}: {}; use an address such as 127.0.0.1 or ::1", host,
                            gai_strerror(error)));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  endpoint target;
  std::memcpy(&target.storage, found->ai_addr, found->ai_addrlen);
  target.length = found->ai_addrlen;
  const bool bracketed = host.find(':') != std::string::npos;
  target.text = fmt::format(fmt::runtime(bracketed ? "[{}]:{}" : "{}:{}"), host, port);
  return target;
}

std::string numeric_host(const endpoint& target) {
  std::array<char, NI_MAXHOST> host{};
  if (getnameinfo(target.address(), target.length, host.data(), host.size(), nullptr, 0,
                  NI_NUMERICHOST) != 0)
    return {};
  return host.data();
}

std::uint16_t port_of(const endpoint& target) noexcept {
  return ntohs(target.storage.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6*>(&target.storage)->sin6_port
                   : reinterpret_cast<const sockaddr_in*>(&target.storage)->sin_port);
}

std::optional<in_addr> source_address(const endpoint& target, std::uint32_t index) noexcept {
  const std::uint32_t block = index / connections_per_source;
  if (block == 0 || !is_loopback_v4(target)) return std::nullopt;
  return in_addr{htonl(first_extra_source + (block - 1) % extra_sources)};
}

}  // namespace cede::measure::load
