// One connection: it connects, sends a message, checks every byte of the reply, and has at most one
// message outstanding.
//
//   connecting --connected, greeting wanted--> asking --whole reply seen--> resting
//   connecting --connected, none wanted------> resting --ask()--> asking
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "io/owned_fd.hpp"
#include "measure/load/failure.hpp"
#include "measure/load/payload.hpp"
#include "measure/load/plan.hpp"
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
  /// source address.
  /// Requires: `plan` outlives the connection.
  static outcome<conversation> connect(const connection_plan& plan, std::uint32_t number,
                                       greeting first);

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

  // For whoever measures; not used here: when the message under way was due and sent, the number of
  // the next one, and the replies in each window.
  std::chrono::nanoseconds due{};
  std::chrono::nanoseconds asked_at{};
  std::uint64_t turn = 0;
  std::array<std::uint32_t, 3> replies{};

 private:
  enum class state : std::uint8_t { connecting, asking, resting };

  conversation(io::owned_fd socket, const connection_plan& plan, std::uint32_t number,
               greeting first);

  message_id id() const noexcept {
    return {.connection = number_, .sequence = sequence_, .salt = salt_};
  }
  outcome<> finish_connect();
  outcome<> send_rest();
  outcome<progress> receive(std::span<std::byte> scratch);
  outcome<> check(std::span<const std::byte> reply);
  std::unexpected<failure> broken(std::string_view what) const;

  io::owned_fd socket_;
  const connection_plan* plan_;
  std::uint32_t number_;
  std::uint32_t salt_;
  std::uint64_t sequence_ = 0;
  std::uint32_t sent_ = 0;
  std::uint32_t received_ = 0;
  state state_ = state::connecting;
  greeting first_;
};

}  // namespace cede::measure::load
