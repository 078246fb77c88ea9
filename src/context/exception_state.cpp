#include "context/exception_state.hpp"

#include <cxxabi.h>

#include <utility>

namespace cede::context {

exception_state* thread_exception_state() noexcept {
  return reinterpret_cast<exception_state*>(abi::__cxa_get_globals());
}

void exchange_exception_state(exception_state& live, exception_state& from,
                              exception_state& to) noexcept {
  from = std::exchange(live, std::exchange(to, exception_state{}));
}

}  // namespace cede::context
