// Question: what does the mutex cost against std::mutex, free and contended by OS threads?
// Metric: real time of one lock and unlock, over all threads together.
// What would refute us: more than 6 ns for a pair that nobody disputes; contended by 2 to 4
// threads, a median above std::mutex's in the same run (run with --benchmark_repetitions=5 or more
// and
// --benchmark_enable_random_interleaving=true, as neighbours' noise exceeds the difference).
#include <benchmark/benchmark.h>

#include <cede/mutex.hpp>
#include <mutex>

namespace {

// What a holder and a caller do meanwhile, in dependent multiplications of about a nanosecond.
void work(std::int64_t rounds, std::uint64_t& value) {
  for (std::int64_t i = 0; i < rounds; ++i) {
    value = value * 6364136223846793005u + 1;
    benchmark::DoNotOptimize(value);
  }
}

template <class Mutex>
void uncontended(benchmark::State& state) {
  Mutex guard;
  for (auto _ : state) {
    guard.lock();
    benchmark::ClobberMemory();
    guard.unlock();
  }
}

template <class Mutex>
void try_and_unlock(benchmark::State& state) {
  Mutex guard;
  for (auto _ : state) {
    if (!guard.try_lock()) return state.SkipWithError("a free mutex was not taken");
    guard.unlock();
  }
}

// Arguments: work inside and outside of the lock.
template <class Mutex>
struct contended {
  static inline Mutex guard;
  static inline std::uint64_t inside = 0;
  static inline std::int64_t passed = 0;

  static void run(benchmark::State& state) {
    if (state.thread_index() == 0) passed = 0;  // the threads start together, after this
    std::uint64_t outside = 0;
    for (auto _ : state) {
      guard.lock();
      ++passed;
      work(state.range(0), inside);
      guard.unlock();
      work(state.range(1), outside);
    }
    state.SetItemsProcessed(state.iterations());
    // The threads have all ended their loops before any of them gets here.
    const auto expected = static_cast<std::int64_t>(state.iterations()) * state.threads();
    if (passed != expected) state.SkipWithError("the mutex let two in at once");
  }
};

void with_threads(benchmark::internal::Benchmark* b) {
  b->ArgNames({"inside", "outside"})->Args({5, 20})->Args({50, 50})->Args({500, 500});
  b->Threads(2)->Threads(3)->Threads(4)->UseRealTime();
}

BENCHMARK(uncontended<std::mutex>)->Name("mutex/uncontended/std");
BENCHMARK(uncontended<cede::mutex>)->Name("mutex/uncontended/cede");
BENCHMARK(try_and_unlock<std::mutex>)->Name("mutex/try/std");
BENCHMARK(try_and_unlock<cede::mutex>)->Name("mutex/try/cede");
BENCHMARK(contended<std::mutex>::run)->Name("mutex/contended/std")->Apply(with_threads);
BENCHMARK(contended<cede::mutex>::run)->Name("mutex/contended/cede")->Apply(with_threads);

}  // namespace
