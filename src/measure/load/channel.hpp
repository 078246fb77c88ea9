// Lines to and from the other end of a socket: between the one who leads a run and its parts.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "io/owned_fd.hpp"
#include "measure/load/failure.hpp"

namespace cede::measure::load {

class channel {
 public:
  explicit channel(io::owned_fd socket) noexcept : socket_(std::move(socket)) {}

  /// Two ends of one. The sockets are closed in programs that are started.
  static outcome<std::pair<channel, channel>> pair();

  /// Sends a line, to which it adds the end.
  /// Errors: the other end is gone.
  outcome<> send(std::string line);

  /// The next line. Blocks the thread. Errors: as try_receive.
  outcome<std::string> receive();

  /// The next line if it is there already.
  /// Errors: the other end is gone.
  outcome<std::optional<std::string>> try_receive();

  int socket() const noexcept { return socket_.get(); }

 private:
  std::optional<std::string> take_line();
  outcome<bool> fill(int flags);

  io::owned_fd socket_;
  std::string received_;
};

}  // namespace cede::measure::load
