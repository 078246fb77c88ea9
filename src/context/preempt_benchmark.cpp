// Question: what does it cost to take a fiber off its processor and to go on with it?
// Metric: us for one preemption, from the kick to the interrupted instruction, signal included, of
// which kick_alone is the same without diversion; and us for one look at what a thread does.
// Refuted if a preemption takes more than 2.5 us, or if it adds more than 1 us to its signal.
#include <benchmark/benchmark.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/alternate_stack.hpp"
#include "base/signals.hpp"
#include "context/fiber_context.hpp"
#include "context/no_preempt.hpp"
#include "context/preempt.hpp"
#include "context/thread_activity.hpp"

namespace {

namespace context = cede::context;
namespace signals = cede::base::signals;

constexpr std::size_t stack_bytes = 64 * 1024;

// A fiber that kicks itself for ever: the signal arrives before the system call returns, so that
// the time from kick to kick is that of one preemption and one system call.
struct victim {
  std::unique_ptr<std::byte[]> stack = std::make_unique<std::byte[]>(stack_bytes);
  context::fiber_context outside;
  context::fiber_context fiber;
  sigset_t mask{};
  std::uint64_t preempted = 0;
  std::uint64_t refused = 0;

  victim() { pthread_sigmask(SIG_SETMASK, nullptr, &mask); }
  context::stack_slot slot() const {
    return {.bottom = stack.get(), .top = stack.get() + stack_bytes};
  }
};
victim* present = nullptr;

const pid_t own_number = gettid();  // benchmarks run on the main thread

void kick_me() noexcept {
  static const pid_t process = getpid();
  static const int number = signals::kick_signal();
  syscall(SYS_tgkill, process, own_number, number);
}

void divert_present(void* interrupted, void (*entry)(void*)) noexcept {
  const context::stack_slot slot = present->slot();
  const auto outcome = context::divert(*static_cast<ucontext_t*>(interrupted),
                                       {slot.bottom, slot.top}, present->mask, entry, present);
  if (outcome != context::diversion::done) ++present->refused;
}

void report(benchmark::State& state, const victim& one) {
  if (one.refused != 0 || one.preempted != static_cast<std::uint64_t>(state.iterations()))
    state.SkipWithError("a kick was not answered");
}

// There and back on the same stack.
void bm_preempt_and_return(benchmark::State& state) {
  if (const char* const obstacle = context::obstacle_to_preemption())
    return state.SkipWithError(obstacle);
  victim one;
  present = &one;
  signals::set_kick_handler([](void* interrupted) noexcept {
    divert_present(interrupted,
                   [](void* argument) { ++static_cast<victim*>(argument)->preempted; });
  });
  struct run {
    benchmark::State& state;
    victim& one;
  } body{state, one};
  one.fiber.start_on(
      one.slot(),
      [](void* argument) {
        auto& [running, self] = *static_cast<run*>(argument);
        context::arrived(self.fiber);
        for (auto _ : running) kick_me();
        context::switch_final(self.fiber, self.outside);
      },
      &body);
  const signals::alternate_stack handler_stack;
  context::switch_to(one.outside, one.fiber);
  signals::set_kick_handler(nullptr);
  one.fiber.destroy();
  report(state, one);
}
BENCHMARK(bm_preempt_and_return);

// The preempted fiber parks and is gone on with, as a scheduler does it.
void bm_preempt_and_switch(benchmark::State& state) {
  if (const char* const obstacle = context::obstacle_to_preemption())
    return state.SkipWithError(obstacle);
  victim one;
  present = &one;
  signals::set_kick_handler([](void* interrupted) noexcept {
    divert_present(interrupted, [](void* argument) {
      auto& self = *static_cast<victim*>(argument);
      ++self.preempted;
      context::switch_to(self.fiber, self.outside);
    });
  });
  one.fiber.start_on(
      one.slot(),
      [](void* argument) {
        context::arrived(static_cast<victim*>(argument)->fiber);
        for (;;) kick_me();
      },
      &one);
  {
    const signals::alternate_stack handler_stack;
    for (auto _ : state) context::switch_to(one.outside, one.fiber);
  }
  signals::set_kick_handler(nullptr);
  one.fiber.destroy();
  report(state, one);
}
BENCHMARK(bm_preempt_and_switch);

void bm_kick_alone(benchmark::State& state) {
  signals::set_kick_handler(nullptr);
  const signals::alternate_stack handler_stack;
  for (auto _ : state) kick_me();
}
BENCHMARK(bm_kick_alone);

void bm_send_nothing(benchmark::State& state) {
  const pid_t process = getpid();
  for (auto _ : state) syscall(SYS_tgkill, process, own_number, 0);
}
BENCHMARK(bm_send_nothing);

void bm_no_preempt_region(benchmark::State& state) {
  for (auto _ : state) {
    const context::no_preempt_region region;
    benchmark::ClobberMemory();
  }
}
BENCHMARK(bm_no_preempt_region);

void bm_look_at_thread(benchmark::State& state) {
  const context::activity_probe probe(own_number);
  for (auto _ : state) benchmark::DoNotOptimize(probe.look());
}
BENCHMARK(bm_look_at_thread);

}  // namespace
