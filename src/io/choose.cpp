#include "io/choose.hpp"

#include "io/epoll_reactor.hpp"
#include "io/io_uring_reactor.hpp"

namespace cede::io {

result<std::unique_ptr<reactor>> make_reactor(reactor_kind kind, sched::worker& owner) noexcept {
  switch (kind) {
    case reactor_kind::automatic:
    case reactor_kind::epoll:
      return epoll_reactor::create(owner);
    case reactor_kind::io_uring:
      return io_uring_reactor::create(owner);
  }
  return failure(errc::invalid_argument);
}

}  // namespace cede::io
