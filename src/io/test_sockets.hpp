// For tests: connected sockets and pipes that close themselves.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <span>
#include <string_view>

#include "io/descriptor.hpp"
#include "io/owned_fd.hpp"

namespace cede::io {

struct fd_pair {
  owned_fd first;
  owned_fd second;
};

inline fd_pair make_socket_pair() {
  std::array<int, 2> fds{-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()), 0);
  return {owned_fd(fds[0]), owned_fd(fds[1])};
}

/// `first` reads, `second` writes.
inline fd_pair make_pipe() {
  std::array<int, 2> fds{-1, -1};
  EXPECT_EQ(::pipe2(fds.data(), O_CLOEXEC), 0);
  return {owned_fd(fds[0]), owned_fd(fds[1])};
}

/// Connected over loopback TCP.
inline fd_pair make_tcp_pair() {
  const owned_fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(::bind(listener.get(), generic, size), 0);
  EXPECT_EQ(::listen(listener.get(), 1), 0);
  EXPECT_EQ(::getsockname(listener.get(), generic, &size), 0);
  owned_fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(client.get(), generic, size), 0);
  return {owned_fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)), std::move(client)};
}

inline void put(const owned_fd& to, std::string_view text) {
  EXPECT_EQ(::write(to.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

struct descriptor_destroyer {
  void operator()(descriptor* d) const noexcept { descriptor::destroy(d); }
};
using descriptor_owner = std::unique_ptr<descriptor, descriptor_destroyer>;

inline descriptor_owner adopt(owned_fd fd) {
  return descriptor_owner(descriptor::create(fd.release()));
}

}  // namespace cede::io
