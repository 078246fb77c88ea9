#include "measure/load/channel.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace cede::measure::load {

outcome<std::pair<channel, channel>> channel::pair() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail_with("socketpair", errno);
  return std::pair(channel(io::owned_fd(ends[0])), channel(io::owned_fd(ends[1])));
}

outcome<> channel::send(std::string line) {
  line += '\n';
  for (std::string_view rest = line; !rest.empty();) {
    const ssize_t sent = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) return fail_with("a part of the load is gone", errno);
    if (sent > 0) rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

std::optional<std::string> channel::take_line() {
  const std::size_t end = received_.find('\n');
  if (end == std::string::npos) return std::nullopt;
  std::string line = received_.substr(0, end);
  received_.erase(0, end + 1);
  return line;
}

// False: there is nothing yet.
outcome<bool> channel::fill(int flags) {
  std::array<char, 65536> block;
  const ssize_t got = recv(socket_.get(), block.data(), block.size(), flags);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (got < 0) return fail_with("a part of the load is gone", errno);
  if (got == 0) return fail("a part of the load has ended before its time");
  received_.append(block.data(), static_cast<std::size_t>(got));
  return true;
}

outcome<std::string> channel::receive() {
  for (;;) {
    if (auto line = take_line()) return std::move(*line);
    if (auto filled = fill(0); !filled) return std::unexpected(filled.error());
  }
}

outcome<std::optional<std::string>> channel::try_receive() {
  for (;;) {
    if (auto line = take_line()) return line;
    const auto filled = fill(MSG_DONTWAIT);
    if (!filled) return std::unexpected(filled.error());
    if (!*filled) return std::optional<std::string>{};
  }
}

}  // namespace cede::measure::load
