// Whether this process runs under valgrind, which must be told of each stack and does not know the
// newest system calls.
#pragma once

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif

namespace cede::context {

#if defined(RUNNING_ON_VALGRIND)
inline bool under_valgrind() noexcept {
  static const bool answer = RUNNING_ON_VALGRIND != 0;
  return answer;
}
#else
constexpr bool under_valgrind() noexcept { return false; }
#endif

}  // namespace cede::context
