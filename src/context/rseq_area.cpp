#include "context/rseq_area.hpp"

#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "context/continuation.hpp"

namespace cede::context {
namespace {

// What the C library registers has this size at least, and says so if it is larger.
constexpr unsigned least_bytes = 32;

bool change(int flags) noexcept {
  if (__rseq_size == 0) return false;
  const int saved_errno = errno;
  auto* const area = static_cast<std::byte*>(current_thread_pointer()) + __rseq_offset;
  const unsigned bytes = __rseq_size < least_bytes ? least_bytes : __rseq_size;
  const bool changed = ::syscall(SYS_rseq, area, bytes, flags, RSEQ_SIG) == 0;
  errno = saved_errno;
  return changed;
}

}  // namespace

bool give_up_rseq_area() noexcept { return change(RSEQ_FLAG_UNREGISTER); }
void take_up_rseq_area() noexcept { change(0); }

}  // namespace cede::context

#else  // a C library that registers none

namespace cede::context {

bool give_up_rseq_area() noexcept { return false; }
void take_up_rseq_area() noexcept {}

}  // namespace cede::context

#endif
