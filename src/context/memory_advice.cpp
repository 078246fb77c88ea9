#include "context/memory_advice.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>

#include "base/sys.hpp"

namespace cede::context {

namespace {

// process_madvise takes any advice for the own process since Linux 6.14 or so; before that EINVAL.
std::atomic<bool> vectored_works = true;

std::size_t total(std::span<const iovec> ranges) noexcept {
  std::size_t bytes = 0;
  for (const iovec& range : ranges) bytes += range.iov_len;
  return bytes;
}

// The descriptor is opened for each batch: one that is kept would be the parent's after a fork.
bool advise_vectored(std::span<const iovec> ranges, int advice) noexcept {
  if (base::sys::injected_fault(base::sys::call::madvise).error != 0) return false;
  const long self = syscall(SYS_pidfd_open, getpid(), 0);
  if (self < 0) return false;
  const long done = syscall(SYS_process_madvise, self, ranges.data(), ranges.size(), advice, 0);
  ::close(static_cast<int>(self));
  return done >= 0 && static_cast<std::size_t>(done) == total(ranges);
}

}  // namespace

result<> advise_all(std::span<const iovec> ranges, int advice) noexcept {
  // Relaxed: a hint, either answer is right.
  const bool vectored = ranges.size() > 1 && vectored_works.load(std::memory_order_relaxed);
  if (vectored && advise_vectored(ranges, advice)) return {};
  for (const iovec& range : ranges)
    if (auto done = base::sys::madvise(range.iov_base, range.iov_len, advice); !done) return done;
  if (vectored) vectored_works.store(false, std::memory_order_relaxed);
  return {};
}

// Blocks the signals of a set read from there: none, as fresh pages are zero.
bool is_inaccessible(const void* address) noexcept {
  constexpr std::size_t kernel_sigset_bytes = 8;
  return syscall(SYS_rt_sigprocmask, SIG_BLOCK, address, nullptr, kernel_sigset_bytes) != 0 &&
         errno == EFAULT;
}

}  // namespace cede::context
