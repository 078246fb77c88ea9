/// \file
/// Which interface of the kernel tells a worker that descriptors are ready.
#pragma once

#include <cstdint>

namespace cede {

enum class reactor_kind : std::uint8_t {
  automatic,  ///< the one that measures best among those that this system allows; today epoll
  epoll,      ///< epoll(7), edge-triggered; on every Linux
  io_uring,   ///< io_uring(7), Linux 6.0 or later; `not_supported` where that is missing or
              ///< forbidden
};

}  // namespace cede
