#include "base/futex.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/assert.hpp"

namespace cede::base {
namespace {

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));

timespec to_timespec(clock::time_point instant) noexcept {
  const auto since_boot = std::max(instant.time_since_epoch(), clock::duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_boot);
  return {.tv_sec = seconds.count(), .tv_nsec = (since_boot - seconds).count()};
}

}  // namespace

futex_result futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                        clock::time_point until) noexcept {
  const int saved_errno = errno;
  const timespec limit = to_timespec(until);
  const timespec* const timeout = until == clock::time_point::max() ? nullptr : &limit;
  // The bitset form, since only that takes an absolute time.
  const long outcome = ::syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected,
                                 timeout, nullptr, FUTEX_BITSET_MATCH_ANY);
  const int error = outcome == 0 ? 0 : errno;
  errno = saved_errno;
  switch (error) {
    case 0:
    case EINTR:
      return futex_result::woken;
    case ETIMEDOUT:
      return futex_result::timed_out;
    case EAGAIN:
      return futex_result::changed;
    default:
      contract_failure("futex_wait: the kernel refused the word");
  }
}

int futex_wake(const std::atomic<std::uint32_t>& word, int count) noexcept {
  const int saved_errno = errno;
  const long woken = ::syscall(SYS_futex, &word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count);
  errno = saved_errno;
  return woken < 0 ? 0 : static_cast<int>(woken);
}

}  // namespace cede::base
