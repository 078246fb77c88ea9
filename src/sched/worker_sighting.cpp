// The part of a worker that runs in the kick's handler, on its thread, and the part that the
// monitor's thread reads.
#include <cstdio>

#include "base/backtrace.hpp"
#include "sched/fiber.hpp"
#include "sched/fiber_slab.hpp"
#include "sched/parking.hpp"
#include "sched/worker.hpp"

namespace cede::sched {

bool worker::kicked(ucontext_t& interrupted) noexcept {
  // Acquire pairs with the release in watchdog::ask.
  if (probe_.question.load(std::memory_order_acquire) != 0) answer(interrupted);
  return interrupt_if_due(interrupted);
}

void worker::answer(const ucontext_t& interrupted) noexcept {
  sighting& seen = probe_.seen;
  probe_.question.store(0, std::memory_order_relaxed);
  const bool preemptive = probe_.preemptive_at.load(std::memory_order_relaxed) == switches();
  const runnable* const who = running_ == loop_ || preemptive ? nullptr : current_slot_load();
  seen.cooperative = who != nullptr;
  if (who != nullptr) {
    describe(*who, seen.fiber.data(), seen.fiber.size());
    seen.frame_count = base::backtrace::capture_from(&interrupted, seen.frames);
    seen.waiting = policy_->ready_count() + unstarted_count_.load(std::memory_order_relaxed) +
                   waiting_in_inbox();
  }
  // Release pairs with the acquire in watchdog::look.
  seen.at.store(switches() + 1, std::memory_order_release);
}

// Only this thread takes anything out, and it has been interrupted.
std::size_t worker::waiting_in_inbox() const noexcept {
  constexpr std::size_t most = 100'000;
  std::size_t count = 0;
  for (const runnable* r = inbox_.load(std::memory_order_acquire); r != nullptr && count < most;
       r = r->queue_next)
    ++count;
  return count;
}

// A live object cannot end while it is visited, so its name may be read.
std::string worker::name_of_running() const {
  const runnable* const who = current_slot_load();
  std::array<char, 96> text{};
  all_fibers().for_each_live([&](fiber& f) {
    if (&f == who) describe(f, text.data(), text.size());
  });
  return text[0] != '\0' ? text.data() : "a fiber";
}

}  // namespace cede::sched
