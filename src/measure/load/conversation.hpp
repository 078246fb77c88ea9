// One connection of the closed loop: it connects, sends a message, checks every byte of the reply,
// and has at most one message outstanding.
//
//   connecting --connected, greeting wanted--> asking --whole reply seen--> resting
//   connecting --connected, none wanted------> resting --ask()--> asking
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "io/owned_fd.hpp"
#include "measure/load/endpoint.hpp"
#include "measure/load/failure.hpp"
#include "measure/load/poller.hpp"

namespace cede::measure::load {

/// Whether a new connection exchanges one message before it rests.
enum class greeting { exchanged, omitted };

/// How a connection ends: with FIN (and TIME_WAIT at our end), or with RST at once.
enum class closing { graceful, reset };

class conversation {
 public:
  enum class progress { waiting, answered };

  /// Starts to connect. `number` tells this connection's messages from all others and chooses its
  /// source address; `size` is the length of its messages in bytes.
  /// Requires: `target` outlives the connection.
  static outcome<conversation> connect(const endpoint& target, std::uint32_t number,
                                       std::uint32_t size, greeting first);

  /// Sends the next message, as far as the socket takes it.
  /// Requires: resting().
  outcome<> ask();

  /// Goes on after the poller reported `ready`. `scratch` receives what arrives.
  outcome<progress> advance(const readiness& ready, std::span<std::byte> scratch);

  bool resting() const noexcept { return state_ == state::resting; }
  int socket() const noexcept { return socket_.get(); }
  std::uint32_t number() const noexcept { return number_; }

  /// Makes the coming destruction end the connection with a reset.
  void end_with_reset() noexcept;

  // For whoever measures; not used here.
  std::chrono::nanoseconds asked_at{};
  std::uint64_t answers_counted = 0;

 private:
  enum class state : std::uint8_t { connecting, asking, resting };

  conversation(io::owned_fd socket, const endpoint& target, std::uint32_t number,
               std::uint32_t size, greeting first)
      : socket_(std::move(socket)), target_(&target), number_(number), size_(size), first_(first) {}

  outcome<> finish_connect();
  outcome<> send_rest();
  outcome<progress> receive(std::span<std::byte> scratch);
  outcome<> check(std::span<const std::byte> reply);
  std::unexpected<failure> broken(std::string_view what) const;

  io::owned_fd socket_;
  const endpoint* target_;
  std::uint32_t number_;
  std::uint32_t size_;
  std::uint64_t sequence_ = 0;
  std::uint32_t sent_ = 0;
  std::uint32_t received_ = 0;
  state state_ = state::connecting;
  greeting first_;
};

}  // namespace cede::measure::load
