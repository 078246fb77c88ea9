// Question: what do create and destroy cost when nobody contends? Metric: ns for a pair. Refuted if
// a pair costs more than malloc and free of the same size.
#include <benchmark/benchmark.h>

#include <array>
#include <memory>
#include <mutex>

#include "base/slab.hpp"
#include "base/spinlock.hpp"

namespace {

struct alignas(64) control_block {
  explicit control_block(int number) : value(number) {}
  ~control_block() { benchmark::DoNotOptimize(value); }
  int value;
  std::array<char, 200> rest;
};

void create_and_destroy(benchmark::State& state) {
  cede::base::slab<control_block> blocks;
  for (auto _ : state) {
    control_block* const block = blocks.create(1);
    benchmark::DoNotOptimize(block);
    blocks.destroy(block);
  }
}
BENCHMARK(create_and_destroy);

void new_and_delete(benchmark::State& state) {
  for (auto _ : state) {
    auto block = std::make_unique<control_block>(1);
    benchmark::DoNotOptimize(block.get());
  }
}
BENCHMARK(new_and_delete);

void lock_and_unlock(benchmark::State& state) {
  cede::base::spinlock lock;
  for (auto _ : state) {
    const std::lock_guard guard(lock);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(lock_and_unlock);

}  // namespace
