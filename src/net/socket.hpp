// What streams and listeners do to their sockets besides moving bytes.
#pragma once

#include <cede/tcp.hpp>

#include "io/descriptor.hpp"
#include "net/socket_address.hpp"

namespace cede::net {

enum class blocking_mode : std::uint8_t { blocking, non_blocking };

/// A TCP socket, closed on exec. Errors: errno of socket(2).
result<detail::socket_handle> open_socket(int family, blocking_mode mode) noexcept;

/// Gives `fd` a control block. Closes it if there is no memory. Errors: ENOMEM.
result<detail::socket_handle> adopt_socket(int fd) noexcept;

result<> set_option(int fd, int level, int name, int value) noexcept;
inline int as_int(toggle t) noexcept { return t == toggle::on ? 1 : 0; }

/// Gives `call(fd)`, during which nobody can close the number and have it given to another file.
/// Errors: closed.
template <class Call>
auto with_fd(const detail::socket_handle& socket, Call call) noexcept -> decltype(call(0)) {
  if (socket == nullptr) return failure(errc::closed);
  const io::descriptor::pin held(*socket);
  if (!held.open()) return failure(errc::closed);
  return call(held.fd());
}

/// Errors of all: closed.
result<endpoint> local_endpoint_of(const detail::socket_handle& socket) noexcept;
result<endpoint> remote_endpoint_of(const detail::socket_handle& socket) noexcept;
void close_socket(const detail::socket_handle& socket) noexcept;
int native_handle_of(const detail::socket_handle& socket) noexcept;

/// Calls `attempt(endpoint)` for one address after the other until it succeeds; gives its result,
/// or the error of the last. A cancel, a deadline or a close ends the tries.
template <class Attempt>
auto first_that_works(std::span<const endpoint> addresses, Attempt attempt) {
  for (std::size_t i = 0;; ++i) {
    auto outcome = attempt(addresses[i]);
    if (outcome || i + 1 == addresses.size()) return outcome;
    if (outcome.error().category() == error_category()) return outcome;
  }
}

}  // namespace cede::net
