// Question: what does a deadline cost a call that mostly ends before it: arm and disarm a timer,
// among many that are armed?
// Metric: ns for one pair. Refuted by more than 15 ns at 100,000 armed, where a heap takes 44
// to 51.
#include <benchmark/benchmark.h>

#include <cede/clock.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "sched/timing_wheel.hpp"

namespace {

using cede::clock;
using cede::sched::timer;
using cede::sched::timing_wheel;

// From a millisecond to about a minute ahead, as deadlines of connections are; the same each time.
class delays {
 public:
  std::chrono::nanoseconds next() noexcept {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return std::chrono::milliseconds(1 + (state_ >> 48));
  }

 private:
  std::uint64_t state_ = 1;
};

void ignore(timer&) noexcept {}

// Each call has a new deadline, in another slot and perhaps on another level.
void arm_and_disarm(benchmark::State& state) {
  const auto armed = static_cast<std::size_t>(state.range(0));
  const clock::time_point start{};
  timing_wheel wheel(start);
  const auto timers = std::make_unique<timer[]>(armed);
  delays ahead;
  for (std::size_t i = 0; i < armed; ++i) {
    timers[i].fire = &ignore;
    timers[i].when = start + ahead.next();
    wheel.arm(timers[i]);
  }
  std::size_t at = 0;
  for (auto _ : state) {
    timer& one = timers[at];
    wheel.disarm(one);
    one.when = start + ahead.next();
    wheel.arm(one);
    if (++at == armed) at = 0;
  }
  if (wheel.armed() != armed) state.SkipWithError("a timer was lost");
  for (std::size_t i = 0; i < armed; ++i) wheel.disarm(timers[i]);
}
BENCHMARK(arm_and_disarm)->Name("timer/cancel_and_arm")->Arg(1)->Arg(1'000)->Arg(100'000);

// A timer's whole way: armed, cascaded inwards, fired.
void fire(benchmark::State& state) {
  constexpr std::size_t batch = 10'000;
  static std::size_t fired;
  const auto timers = std::make_unique<timer[]>(batch);
  clock::time_point now{};
  timing_wheel wheel(now);
  for (auto _ : state) {
    fired = 0;
    delays ahead;
    for (std::size_t i = 0; i < batch; ++i) {
      timers[i].fire = [](timer&) noexcept { ++fired; };
      timers[i].when = now + ahead.next();
      wheel.arm(timers[i]);
    }
    now += std::chrono::minutes(2);
    wheel.advance(now);
    if (fired != batch) return state.SkipWithError("not every timer has fired");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch));
}
BENCHMARK(fire)->Name("timer/arm_and_fire");

}  // namespace
