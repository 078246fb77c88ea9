#include "sched/blocking_syscall.hpp"

#include <cerrno>
#include <ctime>

#include "context/interruptible.hpp"
#include "sched/parking.hpp"

namespace cede::sched {
namespace {

// Announces the call, so that a canceller sends its signal, and outlasts a canceller that is just
// sending it: the signal must not hit what this thread does next, nor find the thread gone.
class announcement {
 public:
  explicit announcement(runnable& self) noexcept : self_(self) {
    // seq_cst, as the look at `cancelled` inside the call must come after it: a canceller sets
    // `cancelled` and then looks for in_syscall, we do the reverse, and one sees the other.
    self_.state.fetch_or(state_bit::in_syscall, std::memory_order_seq_cst);
  }
  ~announcement() {
    std::uint32_t seen = self_.state.fetch_and(~state_bit::in_syscall, std::memory_order_acq_rel);
    // By short sleeps: a spin under SCHED_FIFO would keep a SCHED_OTHER canceller off this CPU.
    while ((seen & state_bit::signalling) != 0) {
      constexpr timespec moment{.tv_sec = 0, .tv_nsec = 20'000};
      ::nanosleep(&moment, nullptr);
      seen = self_.state.load(std::memory_order_acquire);
    }
  }
  announcement(const announcement&) = delete;
  announcement& operator=(const announcement&) = delete;

 private:
  runnable& self_;
};

}  // namespace

result<long> blocking_syscall(long number, long a0, long a1, long a2, long a3) noexcept {
  runnable& self = current();
  const announcement inside(self);
  for (;;) {
    const long got = context::interruptible_syscall(&self.state, state_bit::cancelled, number, a0,
                                                    a1, a2, a3, 0, 0);
    if (got >= 0) return got;
    if (got != -EINTR) return failure_from(static_cast<int>(-got));
    if (self.cancel_requested()) return failure(errc::cancelled);
  }
}

}  // namespace cede::sched
