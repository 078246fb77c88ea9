// What a fiber costs by itself: yield through the scheduler, spawn + join, a wake-up, and the same
// of OS threads where that is the question.
#include <benchmark/benchmark.h>
#include <pthread.h>

#include <cede/cede.hpp>
#include <thread>
#include <vector>

namespace {

// Question: what does handing the CPU to another ready fiber cost, through the scheduler? Refuted
// by more than 12 ns. Fibers that run the same code, as a server's do.
void yield_among_fibers(benchmark::State& state) {
  const auto count = static_cast<int>(state.range(0));
  constexpr int turns = 1000;
  cede::run({.workers = 1}, [&] {
    for (auto _ : state) {
      cede::scope all;
      for (int i = 0; i < count; ++i)
        all.spawn([] {
          for (int turn = 0; turn < turns; ++turn) cede::this_fiber::yield();
        });
    }
  });
  state.SetItemsProcessed(state.iterations() * count * turns);
}
BENCHMARK(yield_among_fibers)->Arg(2)->Arg(16);

// The same between two that yield at different places: the processor's return predictor then
// guesses wrong at each switch.
void yield_between_different_code(benchmark::State& state) {
  cede::run({.workers = 1}, [&] {
    bool over = false;
    auto other = cede::spawn([&over] {
                   while (!over) cede::this_fiber::yield();
                 }).value();
    for (auto _ : state) cede::this_fiber::yield();
    over = true;
    static_cast<void>(other.join());
  });
  // Each iteration is a switch there and one back.
  state.SetItemsProcessed(2 * state.iterations());
}
BENCHMARK(yield_between_different_code);

// Question: spawn + join of fibers in batches, a fiber? Refuted by more than 150 ns.
void spawn_and_join(benchmark::State& state) {
  const auto batch = static_cast<std::size_t>(state.range(0));
  cede::run({.workers = 1}, [&] {
    std::vector<cede::fiber> fibers;
    fibers.reserve(batch);
    for (auto _ : state) {
      for (std::size_t i = 0; i < batch; ++i) fibers.push_back(cede::spawn([] {}).value());
      for (auto& f : fibers) static_cast<void>(f.join());
      fibers.clear();
    }
  });
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(spawn_and_join)->Arg(10)->Arg(100)->Arg(1000);

void spawn_into_a_scope(benchmark::State& state) {
  const auto batch = static_cast<std::size_t>(state.range(0));
  cede::run({.workers = 1}, [&] {
    for (auto _ : state) {
      cede::scope all;
      for (std::size_t i = 0; i < batch; ++i) all.spawn([] {});
    }
  });
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(spawn_into_a_scope)->Arg(100)->Arg(1000);

void pthread_create_and_join(benchmark::State& state) {
  for (auto _ : state) std::thread([] {}).join();
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(pthread_create_and_join);

// Two fibers of one worker hand a semaphore's unit to and fro.
void wake_the_other_fiber(benchmark::State& state) {
  cede::run({.workers = 1}, [&] {
    cede::semaphore ping(0);
    cede::semaphore pong(0);
    bool over = false;
    auto other = cede::spawn([&] {
                   while (ping.acquire() && !over) pong.release();
                 }).value();
    for (auto _ : state) {
      ping.release();
      static_cast<void>(pong.acquire());
    }
    over = true;
    ping.release();
    static_cast<void>(other.join());
  });
  state.SetItemsProcessed(2 * state.iterations());
}
BENCHMARK(wake_the_other_fiber);

}  // namespace
