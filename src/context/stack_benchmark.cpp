// Question: what does a stack cost a spawn? Metric: ns for allocate + release.
// Refuted if a worker's cache takes more than 10 ns, or the pool in bulk more than 100 ns a stack.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstring>
#include <vector>

#include "context/stack.hpp"

namespace {

using namespace cede::context;

constexpr std::size_t usual = 64 * 1024;

void bm_stack_cache(benchmark::State& state) {
  stack_pool pool;
  stack_cache cache(pool);
  for (auto _ : state) {
    const stack_slot slot = *cache.allocate(usual);
    benchmark::DoNotOptimize(slot.top);
    cache.release(slot);
  }
}
BENCHMARK(bm_stack_cache);

void bm_stack_pool(benchmark::State& state) {
  stack_pool pool;
  for (auto _ : state) {
    const stack_slot slot = *pool.allocate(usual);
    benchmark::DoNotOptimize(slot.top);
    pool.release(slot);
  }
}
BENCHMARK(bm_stack_pool);

// A batch of fibers that all live at once, as a scope that spawns and joins has.
void bm_stack_cache_batch(benchmark::State& state) {
  const auto live = static_cast<std::size_t>(state.range(0));
  stack_pool pool;
  stack_cache cache(pool);
  std::vector<stack_slot> slots;
  for (auto _ : state) {
    for (std::size_t i = 0; i < live; ++i) slots.push_back(*cache.allocate(usual));
    for (const stack_slot& slot : slots) cache.release(slot);
    slots.clear();
  }
  state.counters["each"] =
      benchmark::Counter(static_cast<double>(live), benchmark::Counter::kIsIterationInvariantRate |
                                                        benchmark::Counter::kInvert);
}
BENCHMARK(bm_stack_cache_batch)->Arg(100)->Arg(1'000)->Arg(10'000);

// The first use of a slot: a share of mprotect and guard, and a page fault.
void bm_stack_first_use(benchmark::State& state) {
  constexpr std::size_t live = 10'000;
  std::vector<stack_slot> slots;
  slots.reserve(live);
  for (auto _ : state) {
    state.PauseTiming();
    {
      stack_pool pool;
      slots.clear();
      state.ResumeTiming();
      for (std::size_t i = 0; i < live; ++i) {
        slots.push_back(*pool.allocate(usual));
        *(slots.back().top - 1) = std::byte{1};
      }
      state.PauseTiming();
    }
    state.ResumeTiming();
  }
  state.counters["each"] =
      benchmark::Counter(static_cast<double>(live), benchmark::Counter::kIsIterationInvariantRate |
                                                        benchmark::Counter::kInvert);
}
BENCHMARK(bm_stack_first_use);

}  // namespace
