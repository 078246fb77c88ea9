#include "base/sys.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <type_traits>

namespace cede::base::sys {

constinit std::atomic<fault_hook*> installed_fault_hook = nullptr;

fault detail::ask_fault_hook(call which, int descriptor) noexcept {
  // Acquire pairs with the installer's store: the hook object is complete.
  fault_hook* const hook = installed_fault_hook.load(std::memory_order_acquire);
  return hook == nullptr ? fault{} : hook->on_call(which, descriptor);
}

namespace {

// An injected errno is left in errno too, so that both look like the real failure.
std::unexpected<std::error_code> injected(int error) noexcept {
  errno = error;
  return failure_from(error);
}

// `make` performs the call and returns what the C library returns.
template <class Value, class Make>
result<Value> value_of(call which, int fd, Make make) noexcept {
  const fault made = injected_fault(which, fd);
  if (made.error != 0) [[unlikely]] {
    return injected(made.error);
  }
  const auto answer = make();
  if (answer < 0) return failure_from(errno);
  return answer;
}

template <class Make>
result<> success_of(call which, int fd, Make make) noexcept {
  const fault made = injected_fault(which, fd);
  if (made.error != 0) [[unlikely]] {
    return injected(made.error);
  }
  if (make() < 0) return failure_from(errno);
  return {};
}

// As value_of, with the byte count that the hook allows.
template <class Byte, class Make>
result<ssize_t> transfer(call which, int fd, std::span<Byte> buffer, Make make) noexcept {
  const fault made = injected_fault(which, fd);
  if (made.error != 0) [[unlikely]] {
    return injected(made.error);
  }
  const ssize_t moved = make(buffer.data(), std::min(buffer.size(), made.limit_bytes));
  if (moved < 0) return failure_from(errno);
  return moved;
}

// Vectored transfers are cut at the first buffer, by passing that alone.
template <class Make>
result<ssize_t> vectored(call which, int fd, std::span<const iovec> buffers, Make make) noexcept {
  const fault made = injected_fault(which, fd);
  if (made.error != 0) [[unlikely]] {
    return injected(made.error);
  }
  ssize_t moved = 0;
  if (buffers.empty() || made.limit_bytes == std::numeric_limits<std::size_t>::max()) [[likely]] {
    moved = make(buffers.data(), static_cast<int>(buffers.size()));
  } else {
    const iovec first{buffers[0].iov_base, std::min(buffers[0].iov_len, made.limit_bytes)};
    moved = make(&first, 1);
  }
  if (moved < 0) return failure_from(errno);
  return moved;
}

// As vectored, for messages; `make` gets the message to use.
template <class Message, class Make>
result<ssize_t> message_transfer(call which, int fd, Message& message, Make make) noexcept {
  const std::span<const iovec> buffers(message.msg_iov, message.msg_iovlen);
  return vectored(which, fd, buffers, [&](const iovec* parts, int count) {
    msghdr cut = message;
    cut.msg_iov = const_cast<iovec*>(parts);
    cut.msg_iovlen = static_cast<std::size_t>(count);
    const ssize_t moved = make(cut);
    if constexpr (!std::is_const_v<Message>) {  // what the kernel writes back
      message.msg_namelen = cut.msg_namelen;
      message.msg_controllen = cut.msg_controllen;
      message.msg_flags = cut.msg_flags;
    }
    return moved;
  });
}

}  // namespace

result<ssize_t> read(int fd, std::span<std::byte> buffer) noexcept {
  return transfer(call::read, fd, buffer,
                  [&](auto* data, std::size_t size) { return ::read(fd, data, size); });
}

result<ssize_t> write(int fd, std::span<const std::byte> buffer) noexcept {
  return transfer(call::write, fd, buffer,
                  [&](auto* data, std::size_t size) { return ::write(fd, data, size); });
}

result<ssize_t> readv(int fd, std::span<const iovec> buffers) noexcept {
  return vectored(call::readv, fd, buffers,
                  [&](auto* parts, int count) { return ::readv(fd, parts, count); });
}

result<ssize_t> writev(int fd, std::span<const iovec> buffers) noexcept {
  return vectored(call::writev, fd, buffers,
                  [&](auto* parts, int count) { return ::writev(fd, parts, count); });
}

result<ssize_t> recv(int fd, std::span<std::byte> buffer, int flags) noexcept {
  return transfer(call::recv, fd, buffer,
                  [&](auto* data, std::size_t size) { return ::recv(fd, data, size, flags); });
}

result<ssize_t> send(int fd, std::span<const std::byte> buffer, int flags) noexcept {
  return transfer(call::send, fd, buffer,
                  [&](auto* data, std::size_t size) { return ::send(fd, data, size, flags); });
}

result<ssize_t> recvmsg(int fd, msghdr& message, int flags) noexcept {
  return message_transfer(call::recvmsg, fd, message,
                          [&](msghdr& cut) { return ::recvmsg(fd, &cut, flags); });
}

result<ssize_t> sendmsg(int fd, const msghdr& message, int flags) noexcept {
  return message_transfer(call::sendmsg, fd, message,
                          [&](const msghdr& cut) { return ::sendmsg(fd, &cut, flags); });
}

result<ssize_t> recvfrom(int fd, std::span<std::byte> buffer, int flags, sockaddr* address,
                         socklen_t* length) noexcept {
  return transfer(call::recvfrom, fd, buffer, [&](auto* data, std::size_t size) {
    return ::recvfrom(fd, data, size, flags, address, length);
  });
}

result<ssize_t> sendto(int fd, std::span<const std::byte> buffer, int flags,
                       const sockaddr* address, socklen_t length) noexcept {
  return transfer(call::sendto, fd, buffer, [&](auto* data, std::size_t size) {
    return ::sendto(fd, data, size, flags, address, length);
  });
}

result<int> socket(int domain, int type, int protocol) noexcept {
  return value_of<int>(call::socket, -1, [&] { return ::socket(domain, type, protocol); });
}

result<> socketpair(int domain, int type, int protocol, std::span<int, 2> fds) noexcept {
  return success_of(call::socketpair, -1,
                    [&] { return ::socketpair(domain, type, protocol, fds.data()); });
}

result<> bind(int fd, const sockaddr* address, socklen_t length) noexcept {
  return success_of(call::bind, fd, [&] { return ::bind(fd, address, length); });
}

result<> listen(int fd, int backlog) noexcept {
  return success_of(call::listen, fd, [&] { return ::listen(fd, backlog); });
}

result<> connect(int fd, const sockaddr* address, socklen_t length) noexcept {
  return success_of(call::connect, fd, [&] { return ::connect(fd, address, length); });
}

result<int> accept4(int fd, sockaddr* address, socklen_t* length, int flags) noexcept {
  return value_of<int>(call::accept4, fd, [&] { return ::accept4(fd, address, length, flags); });
}

result<> shutdown(int fd, int how) noexcept {
  return success_of(call::shutdown, fd, [&] { return ::shutdown(fd, how); });
}

result<> getsockopt(int fd, int level, int name, void* value, socklen_t* length) noexcept {
  return success_of(call::getsockopt, fd,
                    [&] { return ::getsockopt(fd, level, name, value, length); });
}

result<> setsockopt(int fd, int level, int name, const void* value, socklen_t length) noexcept {
  return success_of(call::setsockopt, fd,
                    [&] { return ::setsockopt(fd, level, name, value, length); });
}

result<> getsockname(int fd, sockaddr* address, socklen_t* length) noexcept {
  return success_of(call::getsockname, fd, [&] { return ::getsockname(fd, address, length); });
}

result<> getpeername(int fd, sockaddr* address, socklen_t* length) noexcept {
  return success_of(call::getpeername, fd, [&] { return ::getpeername(fd, address, length); });
}

result<> close(int fd) noexcept {
  const fault made = injected_fault(call::close, fd);
  const int outcome = ::close(fd);  // also where a failure is injected: the number is free then too
  if (made.error != 0) [[unlikely]] {
    return injected(made.error);
  }
  if (outcome < 0) return failure_from(errno);
  return {};
}

result<int> open(const char* path, int flags, mode_t mode) noexcept {
  return value_of<int>(call::open, -1, [&] { return ::open(path, flags, mode); });
}

result<int> fcntl(int fd, int command, int argument) noexcept {
  return value_of<int>(call::fcntl, fd, [&] { return ::fcntl(fd, command, argument); });
}

result<int> ioctl(int fd, unsigned long request, void* argument) noexcept {
  return value_of<int>(call::ioctl, fd, [&] { return ::ioctl(fd, request, argument); });
}

result<> pipe2(std::span<int, 2> fds, int flags) noexcept {
  return success_of(call::pipe2, -1, [&] { return ::pipe2(fds.data(), flags); });
}

result<int> eventfd(unsigned initial, int flags) noexcept {
  return value_of<int>(call::eventfd, -1, [&] { return ::eventfd(initial, flags); });
}

result<int> poll(std::span<pollfd> fds, int timeout_ms) noexcept {
  return value_of<int>(call::poll, fds.empty() ? -1 : fds[0].fd,
                       [&] { return ::poll(fds.data(), fds.size(), timeout_ms); });
}

result<std::byte*> mmap(void* address, std::size_t size, int protection, int flags, int fd,
                        off_t offset) noexcept {
  const fault made = injected_fault(call::mmap, fd);
  if (made.error != 0) [[unlikely]] {
    return injected(made.error);
  }
  void* const mapped = ::mmap(address, size, protection, flags, fd, offset);
  if (mapped == MAP_FAILED) return failure_from(errno);
  return static_cast<std::byte*>(mapped);
}

result<> munmap(void* address, std::size_t size) noexcept {
  return success_of(call::munmap, -1, [&] { return ::munmap(address, size); });
}

result<> mprotect(void* address, std::size_t size, int protection) noexcept {
  return success_of(call::mprotect, -1, [&] { return ::mprotect(address, size, protection); });
}

result<> madvise(void* address, std::size_t size, int advice) noexcept {
  return success_of(call::madvise, -1, [&] { return ::madvise(address, size, advice); });
}

result<> mincore(void* address, std::size_t size, unsigned char* residency) noexcept {
  return success_of(call::mincore, -1, [&] { return ::mincore(address, size, residency); });
}

}  // namespace cede::base::sys
