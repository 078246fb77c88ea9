#include "net/socket_address.hpp"

#include <cstring>

namespace cede::net {
namespace {

// sockaddr types are copied, not cast: the storage has the type of none of them.
template <class Address>
Address copy_of(const sockaddr* address) noexcept {
  Address copy;
  std::memcpy(&copy, address, sizeof copy);
  return copy;
}

endpoint v4_endpoint(const sockaddr_in& from) noexcept {
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &from.sin_addr, sizeof from.sin_addr);
  return {endpoint::family::v4, bytes, ntohs(from.sin_port)};
}

endpoint v6_endpoint(const sockaddr_in6& from) noexcept {
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &from.sin6_addr, sizeof from.sin6_addr);
  return {endpoint::family::v6, bytes, ntohs(from.sin6_port), from.sin6_scope_id};
}

sockaddr_in v4_address(const endpoint& from) noexcept {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(from.port());
  std::memcpy(&to.sin_addr, from.bytes().data(), sizeof to.sin_addr);
  return to;
}

sockaddr_in6 v6_address(const endpoint& from) noexcept {
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(from.port());
  to.sin6_scope_id = from.scope();
  std::memcpy(&to.sin6_addr, from.bytes().data(), sizeof to.sin6_addr);
  return to;
}

}  // namespace

socket_address::socket_address(const endpoint& from) noexcept {
  const auto store = [this](const auto& address) {
    std::memcpy(&storage_, &address, sizeof address);
    size_ = sizeof address;
  };
  from.is_v4() ? store(v4_address(from)) : store(v6_address(from));
}

result<endpoint> socket_address::to_endpoint() const noexcept { return endpoint_from(data()); }

result<endpoint> endpoint_from(const sockaddr* address) noexcept {
  switch (address->sa_family) {
    case AF_INET:
      return v4_endpoint(copy_of<sockaddr_in>(address));
    case AF_INET6:
      return v6_endpoint(copy_of<sockaddr_in6>(address));
    default:
      return failure(errc::not_supported);
  }
}

}  // namespace cede::net
