// Question: how long does one who waits take to go on once another has woken him?
// Metric: ns for one way of a unit that two hand to and fro by semaphores, both otherwise asleep:
// fibers of one worker (wake_the_other_fiber), of two workers, and OS threads on one CPU and on
// two. Refuted by fibers of two workers that take longer than OS threads on two CPUs in the same
// run.
#include <benchmark/benchmark.h>
#include <sched.h>

#include <cede/cede.hpp>
#include <thread>

namespace {

struct ball {
  cede::semaphore there{0};
  cede::semaphore back{0};
  bool over = false;
};

void return_it(ball& game) {
  while (game.there.acquire() && !game.over) game.back.release();
}

void play(benchmark::State& state, ball& game) {
  for (auto _ : state) {
    game.there.release();
    static_cast<void>(game.back.acquire());
  }
  game.over = true;
  game.there.release();
  state.SetItemsProcessed(2 * state.iterations());
}

// The new fiber goes to the worker with the fewest, which is the other one.
void fibers_of_two_workers(benchmark::State& state) {
  cede::run({.workers = 2}, [&state] {
    ball game;
    auto other = cede::spawn([&game] { return_it(game); }).value();
    play(state, game);
    static_cast<void>(other.join());
  });
}
BENCHMARK(fibers_of_two_workers)->Name("wake/fibers_of_two_workers")->UseRealTime();

// Puts the calling thread on the nth of the CPUs in `allowed`; false if there are not so many.
bool stay_on(const cpu_set_t& allowed, int n) {
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || n-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    return sched_setaffinity(0, sizeof one, &one) == 0;
  }
  return false;
}

void os_threads(benchmark::State& state) {
  cpu_set_t allowed;
  sched_getaffinity(0, sizeof allowed, &allowed);
  const auto cpu_of_other = static_cast<int>(state.range(0)) - 1;
  if (CPU_COUNT(&allowed) <= cpu_of_other) return state.SkipWithError("there is one CPU only");
  ball game;
  stay_on(allowed, 0);
  std::thread other([&] {
    stay_on(allowed, cpu_of_other);
    return_it(game);
  });
  play(state, game);
  other.join();
  sched_setaffinity(0, sizeof allowed, &allowed);
}
BENCHMARK(os_threads)->Name("wake/os_threads")->ArgName("cpus")->Arg(1)->Arg(2)->UseRealTime();

}  // namespace
