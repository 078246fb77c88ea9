// Statics of functions, `static T x = f()`, where f waits.
//
// Compiled code calls these three functions of the C++ ABI around the initialiser. The C++
// library's make whoever comes meanwhile wait in a futex: a cooperative fiber would hold up its
// worker, for ever if the fiber that initialises lives there. So the library brings its own, which
// do the same but for cooperative fibers: those give way, and look again.
//
// Actors: the initialiser; those who come meanwhile, fibers and threads; code of libraries that are
// bound to the C++ library's functions instead, and may share a guard with ours (inline functions).
//
// States of a guard's first four bytes, which are libstdc++'s own:
//   0                  nobody has begun
//   begun              somebody initialises
//   begun + awaited    and somebody waits in the futex
//   done               for good; compiled code asks no more, it looks at the first byte
// Rules:
//  1. Whoever changes 0 to `begun` initialises, and then changes it to `done` or, if the
//     initialiser throws, to 0, and wakes all if `awaited` was set.
//  2. `done` is a release, and is read with acquire.
//  3. Fibers look at the word at intervals. They stand in no list, so it does not matter which
//     functions the initialiser is bound to; nor to the C++ library who else waits.
//  4. Threads wait in the futex, and preemptive fibers: a kick gets those out for a slice. So does
//     a cooperative fiber where it must not give way: in a region, or in a signal's handler.
#include <cxxabi.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <bit>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdint>

#include "base/sanitizers.hpp"
#include "context/no_preempt.hpp"
#include "sched/fiber.hpp"
#include "sched/kernel_carrier.hpp"
#include "sched/parking.hpp"
#include "sched/worker.hpp"

// ThreadSanitizer has its own; other C++ libraries have other words.
#if defined(__GLIBCXX__) && !CEDE_TSAN

namespace cede::sched {
namespace {

static_assert(std::endian::native == std::endian::little, "compiled code looks at the first byte");
constexpr std::uint32_t done = 1;
constexpr std::uint32_t begun = 1U << 8;
constexpr std::uint32_t awaited = 1U << 16;

constexpr auto first_pause = std::chrono::microseconds(50);
constexpr auto longest_pause = std::chrono::milliseconds(1);

std::atomic_ref<std::uint32_t> word_of(__cxxabiv1::__guard* guard) noexcept {
  return std::atomic_ref(*reinterpret_cast<std::uint32_t*>(guard));
}

// Not private to the process, as libstdc++ does not say so either.
void futex(__cxxabiv1::__guard* guard, int operation, std::uint32_t value) noexcept {
  const int kept = errno;
  ::syscall(SYS_futex, guard, operation, value, nullptr, nullptr, 0);
  errno = kept;
}

// The control flow on this stack is the fiber, and neither the worker's loop nor a handler.
bool may_give_way() noexcept {
  if (current_runnable == nullptr || !worker::carries_caller()) return false;
  const auto& self = static_cast<const fiber&>(*current_runnable);
  if (self.is_preemptive() || context::open_regions() != 1) return false;
  const auto* const here = static_cast<const std::byte*>(__builtin_frame_address(0));
  return here >= self.stack().bottom && here < self.stack().top;
}

void wait_as_fiber(std::atomic_ref<std::uint32_t> word) noexcept {
  yield();
  for (clock::duration pause = first_pause; (word.load(std::memory_order_relaxed) & begun) != 0;
       pause = std::min<clock::duration>(pause * 2, longest_pause))
    static_cast<void>(park_until(wait_reason::static_initializer, pause, cancellation::ignored));
}

void wait_as_thread(__cxxabiv1::__guard* guard, std::uint32_t seen) noexcept {
  if (word_of(guard).compare_exchange_strong(seen, begun | awaited, std::memory_order_relaxed) ||
      seen == (begun | awaited))
    futex(guard, FUTEX_WAIT, begun | awaited);
}

void leave(__cxxabiv1::__guard* guard, std::uint32_t now) noexcept {
  if ((word_of(guard).exchange(now, std::memory_order_acq_rel) & awaited) != 0)
    futex(guard, FUTEX_WAKE, INT_MAX);
}

int acquire(__cxxabiv1::__guard* guard) noexcept {
  const auto word = word_of(guard);
  for (;;) {
    std::uint32_t seen = 0;
    if (word.compare_exchange_strong(seen, begun, std::memory_order_acq_rel,
                                     std::memory_order_acquire))
      return 1;
    if (seen == done) return 0;
    if (may_give_way())
      wait_as_fiber(word);
    else
      wait_as_thread(guard, seen);
  }
}

}  // namespace
}  // namespace cede::sched

extern "C" {

[[gnu::visibility("default")]] int __cxxabiv1::__cxa_guard_acquire(__guard* guard) {
  return cede::sched::acquire(guard);
}

[[gnu::visibility("default")]] void __cxxabiv1::__cxa_guard_release(__guard* guard) noexcept {
  cede::sched::leave(guard, cede::sched::done);
}

[[gnu::visibility("default")]] void __cxxabiv1::__cxa_guard_abort(__guard* guard) noexcept {
  cede::sched::leave(guard, 0);
}

}  // extern "C"

#endif
