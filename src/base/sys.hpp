// One thin wrapper for each system call cede uses: errors become values, and tests can inject them.
//
// EINTR is returned as it is: only the caller knows whether to go on. errno is left as the call
// left it. Each wrapper first asks the fault hook; with none installed that is one relaxed load and
// a branch that is predicted.
//
// Actors: any thread calls; a test installs and removes hooks while nothing that could call one
// needs it gone (a hook object outlives every call that may have seen it).
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <atomic>
#include <cede/error.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace cede::base::sys {

enum class call : std::uint8_t {
  read,
  write,
  readv,
  writev,
  recv,
  send,
  recvmsg,
  sendmsg,
  recvfrom,
  sendto,
  socket,
  socketpair,
  bind,
  listen,
  connect,
  accept4,
  shutdown,
  getsockopt,
  setsockopt,
  getsockname,
  getpeername,
  close,
  open,
  fcntl,
  ioctl,
  poll,
  pipe2,
  eventfd,
  mmap,
  munmap,
  mprotect,
  madvise,
  mincore,
  reactor_create,  // of the readiness backend, which lives in io/
  reactor_control,
  reactor_wait,
  ring_setup,  // of the completion backend, which lives in io/
  ring_enter,
  ring_register,
};

// What a hook makes of one call.
struct fault {
  int error = 0;  // not 0: the call is not made and fails with this errno
  std::size_t limit_bytes = std::numeric_limits<std::size_t>::max();  // transfers are cut to this
};

class fault_hook {
 public:
  virtual ~fault_hook() = default;
  // `descriptor` is -1 where the call has none. May be called on any thread, at once. Must not make
  // system calls through these wrappers.
  virtual fault on_call(call which, int descriptor) noexcept = 0;
};

extern std::atomic<fault_hook*> installed_fault_hook;

namespace detail {
[[gnu::cold]] fault ask_fault_hook(call which, int descriptor) noexcept;
}

// For wrappers that live elsewhere.
[[nodiscard]] inline fault injected_fault(call which, int descriptor = -1) noexcept {
  // Relaxed: ask_fault_hook() loads again with acquire.
  if (installed_fault_hook.load(std::memory_order_relaxed) == nullptr) [[likely]] {
    return {};
  }
  return detail::ask_fault_hook(which, descriptor);
}

// Installs a hook while it lives; the one before comes back.
class fault_injection {
 public:
  explicit fault_injection(fault_hook& hook) noexcept
      : previous_(installed_fault_hook.exchange(&hook)) {}
  ~fault_injection() { installed_fault_hook.store(previous_); }
  fault_injection(const fault_injection&) = delete;
  fault_injection& operator=(const fault_injection&) = delete;

 private:
  fault_hook* previous_;
};

// Transfers: the number of bytes moved.
[[nodiscard]] result<ssize_t> read(int fd, std::span<std::byte> buffer) noexcept;
[[nodiscard]] result<ssize_t> write(int fd, std::span<const std::byte> buffer) noexcept;
[[nodiscard]] result<ssize_t> readv(int fd, std::span<const iovec> buffers) noexcept;
[[nodiscard]] result<ssize_t> writev(int fd, std::span<const iovec> buffers) noexcept;
[[nodiscard]] result<ssize_t> recv(int fd, std::span<std::byte> buffer, int flags) noexcept;
[[nodiscard]] result<ssize_t> send(int fd, std::span<const std::byte> buffer, int flags) noexcept;
[[nodiscard]] result<ssize_t> recvmsg(int fd, msghdr& message, int flags) noexcept;
[[nodiscard]] result<ssize_t> sendmsg(int fd, const msghdr& message, int flags) noexcept;
[[nodiscard]] result<ssize_t> recvfrom(int fd, std::span<std::byte> buffer, int flags,
                                       sockaddr* address, socklen_t* length) noexcept;
[[nodiscard]] result<ssize_t> sendto(int fd, std::span<const std::byte> buffer, int flags,
                                     const sockaddr* address, socklen_t length) noexcept;

// Sockets.
[[nodiscard]] result<int> socket(int domain, int type, int protocol) noexcept;
[[nodiscard]] result<> socketpair(int domain, int type, int protocol,
                                  std::span<int, 2> fds) noexcept;
[[nodiscard]] result<> bind(int fd, const sockaddr* address, socklen_t length) noexcept;
[[nodiscard]] result<> listen(int fd, int backlog) noexcept;
[[nodiscard]] result<> connect(int fd, const sockaddr* address, socklen_t length) noexcept;
[[nodiscard]] result<int> accept4(int fd, sockaddr* address, socklen_t* length, int flags) noexcept;
[[nodiscard]] result<> shutdown(int fd, int how) noexcept;
[[nodiscard]] result<> getsockopt(int fd, int level, int name, void* value,
                                  socklen_t* length) noexcept;
[[nodiscard]] result<> setsockopt(int fd, int level, int name, const void* value,
                                  socklen_t length) noexcept;
[[nodiscard]] result<> getsockname(int fd, sockaddr* address, socklen_t* length) noexcept;
[[nodiscard]] result<> getpeername(int fd, sockaddr* address, socklen_t* length) noexcept;

// Descriptors. After close() the number is free in any case, also where it says EINTR or EIO.
result<> close(int fd) noexcept;
[[nodiscard]] result<int> open(const char* path, int flags, mode_t mode = 0) noexcept;
[[nodiscard]] result<int> fcntl(int fd, int command, int argument = 0) noexcept;
[[nodiscard]] result<int> ioctl(int fd, unsigned long request, void* argument) noexcept;
[[nodiscard]] result<> pipe2(std::span<int, 2> fds, int flags) noexcept;
[[nodiscard]] result<int> eventfd(unsigned initial, int flags) noexcept;
// `timeout_ms` < 0 waits without limit; the number of ready descriptors.
[[nodiscard]] result<int> poll(std::span<pollfd> fds, int timeout_ms) noexcept;

// Memory.
[[nodiscard]] result<std::byte*> mmap(void* address, std::size_t size, int protection, int flags,
                                      int fd = -1, off_t offset = 0) noexcept;
result<> munmap(void* address, std::size_t size) noexcept;
[[nodiscard]] result<> mprotect(void* address, std::size_t size, int protection) noexcept;
[[nodiscard]] result<> madvise(void* address, std::size_t size, int advice) noexcept;
[[nodiscard]] result<> mincore(void* address, std::size_t size, unsigned char* residency) noexcept;

}  // namespace cede::base::sys
