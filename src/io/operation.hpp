// One request to a reactor and its outcome. reactor.hpp has the rules.
//
// Actors: the waiter, which makes, submits, cancels and disposes of it, and the reactor, both on
// the owner's thread, and the kernel (io_uring), which reads and writes `buffer` from submit to
// completion.
//
// It lives in a slab and not on the waiter's stack: the kernel's event names it by slot and
// generation, and the stack of a fiber that waits may be put away.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "io/event_tag.hpp"
#include "sched/runnable.hpp"

namespace cede::io {

class operation {
 public:
  enum class code : std::uint8_t {
    poll_readable,  // result: 0 once a read would not block (bytes, end or error)
    poll_writable,  // result: 0 once a write would not block
    receive,        // result: bytes, 0 at the end of the stream
    send,           // result: bytes, perhaps fewer than given
  };

  struct disposer {
    void operator()(operation* o) const noexcept;
  };
  using owner = std::unique_ptr<operation, disposer>;

  /// Null if memory is out.
  static owner make(code what, int fd, sched::runnable& waiter,
                    std::span<std::byte> buffer = {}) noexcept;

  operation(code w, int f, sched::runnable& r, std::span<std::byte> b) noexcept
      : what(w), fd(f), waiter(r), buffer(b) {}
  operation(const operation&) = delete;
  operation& operator=(const operation&) = delete;

  [[nodiscard]] event_tag tag() const noexcept;
  /// The one that `tag` names; null if it has ended.
  static operation* find(event_tag tag) noexcept;
  [[nodiscard]] bool reads() const noexcept {
    return what == code::poll_readable || what == code::receive;
  }

  /// Rule 4. For reactors.
  void complete(int outcome) noexcept;

  const code what;
  const int fd;
  sched::runnable& waiter;
  const std::span<std::byte> buffer;
  int result = 0;            // what the system call would return, or -errno
  bool outstanding = false;  // from submit to completion
  int watched_fd = -1;       // the reactor's: a duplicate of `fd`, or `fd` itself
};

}  // namespace cede::io
