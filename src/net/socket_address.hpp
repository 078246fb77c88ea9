// Endpoints as the kernel's sockaddr, and back.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cede/endpoint.hpp>
#include <cstddef>

namespace cede::net {

class socket_address {
 public:
  /// Room for the kernel to write to.
  socket_address() noexcept = default;
  explicit socket_address(const endpoint& from) noexcept;

  /// Errors: not_supported if the kernel wrote neither an IPv4 nor an IPv6 address.
  [[nodiscard]] result<endpoint> to_endpoint() const noexcept;

  [[nodiscard]] int family() const noexcept { return storage_.ss_family; }
  [[nodiscard]] sockaddr* data() noexcept { return reinterpret_cast<sockaddr*>(&storage_); }
  [[nodiscard]] const sockaddr* data() const noexcept {
    return reinterpret_cast<const sockaddr*>(&storage_);
  }
  [[nodiscard]] socklen_t* size() noexcept { return &size_; }
  [[nodiscard]] socklen_t length() const noexcept { return size_; }

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = sizeof storage_;
};

/// Of a sockaddr that somebody else owns (the resolver).
result<endpoint> endpoint_from(const sockaddr* address) noexcept;

}  // namespace cede::net
