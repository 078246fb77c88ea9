/// \file
/// An IP address with a port.
///
///     auto here = cede::endpoint::parse("[::1]:7000").value();
///     std::puts(here.to_string().c_str());
#pragma once

#include <array>
#include <cede/error.hpp>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cede {

/// The category of what the resolver answers (EAI_NONAME: no such host), named "cede.resolver".
[[nodiscard]] const std::error_category& resolver_category() noexcept;

/// IPv4 or IPv6. Ordered and comparable, so it can be a key.
class endpoint {
 public:
  enum class family : std::uint8_t { v4, v6 };

  /// 0.0.0.0:0
  constexpr endpoint() noexcept = default;

  /// From bytes in network order; an IPv4 address uses the first four. `scope` is the number of the
  /// interface that a link-local IPv6 address belongs to, else 0.
  constexpr endpoint(family f, std::array<std::uint8_t, 16> bytes, std::uint16_t port,
                     std::uint32_t scope = 0) noexcept
      : family_(f), port_(port), scope_(scope), bytes_(bytes) {}

  /// From "127.0.0.1:80", "[::1]:80" or "[fe80::1%eth0]:80". Numbers only: names need a resolver.
  /// Errors: invalid_argument.
  [[nodiscard]] static result<endpoint> parse(std::string_view text);

  /// From a numeric address without port: "127.0.0.1", "::1", "fe80::1%eth0".
  /// Errors: invalid_argument.
  [[nodiscard]] static result<endpoint> from_address(std::string_view address, std::uint16_t port);

  [[nodiscard]] constexpr bool is_v4() const noexcept { return family_ == family::v4; }
  [[nodiscard]] constexpr bool is_v6() const noexcept { return family_ == family::v6; }
  [[nodiscard]] constexpr std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] constexpr std::uint32_t scope() const noexcept { return scope_; }
  [[nodiscard]] constexpr const std::array<std::uint8_t, 16>& bytes() const noexcept {
    return bytes_;
  }

  /// "127.0.0.1", "::1", "fe80::1%2".
  [[nodiscard]] std::string address() const;
  /// As `parse` reads it: "127.0.0.1:80", "[::1]:80".
  [[nodiscard]] std::string to_string() const;

  friend constexpr auto operator<=>(const endpoint&, const endpoint&) noexcept = default;

 private:
  family family_ = family::v4;
  std::uint16_t port_ = 0;
  std::uint32_t scope_ = 0;
  std::array<std::uint8_t, 16> bytes_{};
};

}  // namespace cede
