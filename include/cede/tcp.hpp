/// \file
/// TCP, in plain blocking code: a call parks the fiber that makes it, and blocks an OS thread.
///
///     auto listener = cede::tcp_listener::bind("127.0.0.1", 7000).value();
///     while (auto stream = listener.accept())
///       connections.spawn([s = std::move(*stream)]() mutable { serve(s); });
///
///     auto server = cede::tcp_stream::connect("localhost", 7000, 2s).value();
///     server.write_all("hello");
///
/// Every call is legal in a fiber, on an OS thread of cede, and on any other thread, also where no
/// runtime exists. Errors of all that wait: `cancelled` (the fiber, its scope or thread),
/// `deadline_exceeded` (the call's own or that of an enclosing scope), `closed` (by `close`, before
/// or during the call), and errno in std::system_category().
#pragma once

#include <cede/deadline.hpp>
#include <cede/endpoint.hpp>
#include <cede/error.hpp>
#include <cede/stream.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace cede {

namespace io {
class descriptor;
}

namespace detail {

struct descriptor_closer {
  void operator()(io::descriptor* d) const noexcept;
};
using socket_handle = std::unique_ptr<io::descriptor, descriptor_closer>;

// Remembers what accept has said about missing descriptors, so that it says so once.
struct accept_trouble {
  clock::duration pause{};
  clock::time_point last_report = clock::time_point::min();
};

}  // namespace detail

/// An option of a socket that is either on or off.
enum class toggle : std::uint8_t { off, on };

/// When the system asks a silent peer whether it is still there, and gives it up; tcp(7).
struct keep_alive {
  std::chrono::seconds idle{60};      ///< silence before the first probe
  std::chrono::seconds interval{10};  ///< between probes
  int probes = 6;                     ///< unanswered ones after which the connection is reset
};

struct connect_options {
  /// Where the connection comes from; the system chooses if it is not set.
  std::optional<endpoint> from = std::nullopt;
  /// Off lets the system delay small writes to join them (Nagle's algorithm).
  toggle no_delay = toggle::on;
};

/// One TCP connection. Move-only.
/// Threads: one reader and one writer at a time, which may be two fibers or threads; a second one
/// aborts with a message. `close` from anywhere.
class tcp_stream {
 public:
  /// Not connected: every call gives `closed`.
  tcp_stream() noexcept = default;
  tcp_stream(tcp_stream&&) noexcept = default;
  tcp_stream& operator=(tcp_stream&&) noexcept = default;
  /// Closes. The system still sends what it has taken; if the peer's bytes were not all read, the
  /// peer gets a reset. Requires: no call in progress.
  ~tcp_stream() = default;

  /// Connects to the first address of `host` (a name, or a numeric IPv4 or IPv6 address) that
  /// answers. `until` spans all tries; it does not interrupt the question to the resolver.
  /// Errors: that of the last address (ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ...);
  /// resolver_category(); those above.
  /// Blocks: fiber or thread.
  [[nodiscard]] static result<tcp_stream> connect(std::string_view host, std::uint16_t port,
                                                  deadline until = never,
                                                  const connect_options& options = {});
  [[nodiscard]] static result<tcp_stream> connect(const endpoint& to, deadline until = never,
                                                  const connect_options& options = {});

  /// Reads at least one byte, or 0 at the end of the stream; an empty span gives 0 at once. Bytes
  /// that are there are read even if `until` is over. From call to return the contents of `buffer`
  /// are unspecified, also if it returns an error.
  /// Errors: those above; ECONNRESET, ETIMEDOUT.
  /// Blocks: fiber or thread.
  [[nodiscard]] result<std::size_t> read_some(std::span<std::byte> buffer, deadline until = never);

  /// Hands at least one byte to the system; an empty span gives 0 at once. Never raises SIGPIPE.
  /// Errors: those above; EPIPE, ECONNRESET.
  /// Blocks: fiber or thread, while the system's buffer is full.
  [[nodiscard]] result<std::size_t> write_some(std::span<const std::byte> bytes,
                                               deadline until = never);

  /// Hands all bytes to the system.
  /// Errors: as write_some, with the bytes handed over before.
  /// Blocks: fiber or thread.
  [[nodiscard]] std::expected<void, transfer_error> write_all(std::span<const std::byte> bytes,
                                                              deadline until = never) {
    return cede::write_all(*this, bytes, until);
  }
  [[nodiscard]] std::expected<void, transfer_error> write_all(std::string_view text,
                                                              deadline until = never) {
    return cede::write_all(*this, text, until);
  }

  /// Fills `buffer`. Errors: as read_some, and `end_of_stream`, with the bytes that had come.
  [[nodiscard]] std::expected<void, transfer_error> read_exact(std::span<std::byte> buffer,
                                                               deadline until = never) {
    return cede::read_exact(*this, buffer, until);
  }

  /// Tells the peer that nothing more will come. Errors: `closed`; ENOTCONN. Blocks: nothing.
  [[nodiscard]] result<> shutdown_write();

  /// Ends all calls in progress with `closed`, and the connection. Not a cancellation point.
  /// Blocks: nothing. Threads: any.
  void close() noexcept;

  [[nodiscard]] result<endpoint> local_endpoint() const;
  [[nodiscard]] result<endpoint> remote_endpoint() const;

  [[nodiscard]] result<> set_no_delay(toggle value);
  /// Nothing switches it off, as it is at first.
  [[nodiscard]] result<> set_keep_alive(std::optional<keep_alive> value);
  /// In bytes; the system may give more or less (socket(7): SO_SNDBUF, SO_RCVBUF).
  [[nodiscard]] result<> set_send_buffer(std::size_t bytes);
  [[nodiscard]] result<> set_receive_buffer(std::size_t bytes);

  /// The file descriptor, -1 if closed; it stays this stream's. It is in blocking mode.
  [[nodiscard]] int native_handle() const noexcept;

 private:
  friend class tcp_listener;
  explicit tcp_stream(detail::socket_handle socket) noexcept : socket_(std::move(socket)) {}

  detail::socket_handle socket_;
};

static_assert(stream<tcp_stream>);

struct listen_options {
  /// Connections that the system holds until they are accepted; it cuts this to
  /// net.core.somaxconn.
  int backlog = 4096;
  /// On: a port that an earlier server has just left can be bound at once.
  toggle reuse_address = toggle::on;
  /// On: several sockets share the port, and the system spreads the connections.
  toggle reuse_port = toggle::off;
  /// On: a listener on "::" takes no IPv4 connections.
  toggle v6_only = toggle::off;
};

/// A socket that connections come in by. Move-only.
/// Threads: one `accept` at a time; a second one aborts with a message. `close` from anywhere.
class tcp_listener {
 public:
  /// Not bound: every call gives `closed`.
  tcp_listener() noexcept = default;
  tcp_listener(tcp_listener&&) noexcept = default;
  tcp_listener& operator=(tcp_listener&&) noexcept = default;
  /// Closes. Requires: no call in progress.
  ~tcp_listener() = default;

  /// Listens on the first address of `host` that can be bound: a name, a numeric IPv4 or IPv6
  /// address, "0.0.0.0" or "::" for all. Port 0 lets the system choose: see local_endpoint.
  /// Errors: EADDRINUSE, EADDRNOTAVAIL, EACCES (a port below 1024), EMFILE; resolver_category();
  /// invalid_argument (an empty host).
  /// Blocks: while a name is resolved; not else.
  [[nodiscard]] static result<tcp_listener> bind(std::string_view host, std::uint16_t port,
                                                 const listen_options& options = {});
  [[nodiscard]] static result<tcp_listener> bind(const endpoint& at,
                                                 const listen_options& options = {});

  /// The next connection, with no_delay on. Connections that fail before they are accepted are
  /// passed over. While this process or the system has no free file descriptor or no memory for
  /// one, this waits, longer from time to time (10 ms to 1 s), and logs one line; connections
  /// queue in the system meanwhile.
  /// Errors: those above.
  /// Blocks: fiber or thread.
  [[nodiscard]] result<tcp_stream> accept(deadline until = never);

  /// Where it listens.
  [[nodiscard]] result<endpoint> local_endpoint() const;

  /// Ends an `accept` in progress with `closed`, and refuses connections from now on. Not a
  /// cancellation point. Blocks: nothing. Threads: any.
  void close() noexcept;

  /// The file descriptor, -1 if closed; it stays this listener's. It is in non-blocking mode.
  [[nodiscard]] int native_handle() const noexcept;

 private:
  explicit tcp_listener(detail::socket_handle socket) noexcept : socket_(std::move(socket)) {}

  detail::socket_handle socket_;
  detail::accept_trouble trouble_;
};

}  // namespace cede
