// Question: what does a fiber that only computes lose because it is interrupted?
// Metric: loss_percent, how much longer it takes than a thread that nobody interrupts takes for the
// same work, as the median over pairs that are measured right after each other, each time another
// one first; the quartiles beside it. us_each is that time divided by the preemptions. Refuted if
// the loss is above 1 % at a slice of 1 ms, or above 0.5 % at 10 ms.
//
// Others live on the worker, but sleep: nobody has to be let in, so the fiber is looked at once a
// slice and left alone. `one_cpu` is for a process that may use one CPU only, so that the thread
// which looks takes its time there too. What it costs to be interrupted is bm_preempt_and_return in
// context/preempt_benchmark.cpp, and loss_to_signals_alone what any such signal costs a thread.
#include <benchmark/benchmark.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

#include <algorithm>
#include <atomic>
#include <cede/cede.hpp>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <functional>
#include <thread>
#include <vector>

#include "sched/scheduler.hpp"

namespace {

using namespace std::chrono_literals;
using milliseconds = std::chrono::duration<double, std::milli>;

// Each step needs the one before. The result depends on every one of them.
std::uint64_t compute(std::uint64_t steps) {
  std::uint64_t state = 1;
  for (std::uint64_t i = 0; i < steps; ++i)
    state = state * 6364136223846793005U + 1442695040888963407U;
  return state;
}

std::uint64_t steps_that_take(cede::clock::duration time) {
  constexpr std::uint64_t trial = 10'000'000;
  const auto begin = cede::clock::now();
  benchmark::DoNotOptimize(compute(trial));
  return trial * static_cast<std::uint64_t>(time.count()) /
         static_cast<std::uint64_t>((cede::clock::now() - begin).count());
}

class one_cpu_only {
 public:
  explicit one_cpu_only(bool wanted) : wanted_(wanted) {
    if (!wanted_) return;
    ::sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu)
      if (CPU_ISSET(cpu, &before_)) CPU_SET(cpu, &one);
    ::sched_setaffinity(0, sizeof one, &one);
  }
  ~one_cpu_only() {
    if (wanted_) ::sched_setaffinity(0, sizeof before_, &before_);
  }
  one_cpu_only(const one_cpu_only&) = delete;
  one_cpu_only& operator=(const one_cpu_only&) = delete;

 private:
  const bool wanted_;
  cpu_set_t before_{};
};

struct run_of_work {
  double ms = 0;
  double cpu_ms = 0;  // of the process
  std::uint64_t result = 0;
  std::uint64_t preemptions = 0;
};

double cpu_ms() noexcept {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e3 + static_cast<double>(used.tv_nsec) / 1e6;
}

run_of_work measured(std::uint64_t steps, const std::function<std::uint64_t()>& preemptions) {
  const std::uint64_t before = preemptions();
  const double cpu_before = cpu_ms();
  const auto begin = cede::clock::now();
  const std::uint64_t result = compute(steps);
  const milliseconds took = cede::clock::now() - begin;
  return {took.count(), cpu_ms() - cpu_before, result, preemptions() - before};
}

// A runtime with one worker, on which somebody else lives too.
class workplace {
 public:
  explicit workplace(std::chrono::microseconds slice)
      : runtime_(cede::runtime::start({.workers = 1, .slice = slice}).value()),
        sleeper_(runtime_.spawn(cede::preemptive, [this] { static_cast<void>(over_.acquire()); })
                     .value()) {
    runtime_.run([this] { scheduler_ = cede::sched::scheduler::current(); });
  }
  ~workplace() { over_.release(); }
  workplace(const workplace&) = delete;
  workplace& operator=(const workplace&) = delete;

  // It first computes for a while, until it is known as one that does. So does the thread.
  run_of_work by_fiber(std::uint64_t steps, std::uint64_t first) {
    run_of_work done;
    auto fiber = runtime_
                     .spawn(cede::preemptive,
                            [&] {
                              benchmark::DoNotOptimize(compute(first));
                              done = measured(steps, [this] { return preemptions(); });
                            })
                     .value();
    static_cast<void>(fiber.join());
    return done;
  }

 private:
  std::uint64_t preemptions() const noexcept {
    const auto* const policy = scheduler_->workers().front()->known_fair();
    return policy != nullptr ? policy->expirations() : 0;
  }

  cede::semaphore over_{0};
  cede::runtime runtime_;
  cede::fiber sleeper_;
  cede::sched::scheduler* scheduler_ = nullptr;
};

double at_part(std::vector<double>& all, double part) {
  const auto which = all.begin() + static_cast<std::ptrdiff_t>(part * double(all.size() - 1));
  std::ranges::nth_element(all, which);
  return *which;
}

// How much longer one way takes than the other.
class comparison {
 public:
  void add(const run_of_work& disturbed, const run_of_work& alone) {
    losses_.push_back(100 * (disturbed.ms / alone.ms - 1));
    cpu_losses_.push_back(100 * (disturbed.cpu_ms / alone.cpu_ms - 1));
    lost_ms_ += disturbed.cpu_ms - alone.cpu_ms;
    disturbed_ms_ += disturbed.ms;
    times_ += disturbed.preemptions;
  }
  [[nodiscard]] bool often_enough(std::chrono::microseconds slice) const {
    return static_cast<double>(times_) > 0.8 * 1000 * disturbed_ms_ / double(slice.count());
  }
  void report(benchmark::State& state) {
    state.counters["loss_percent"] = at_part(losses_, 0.5);
    state.counters["lower_quartile"] = at_part(losses_, 0.25);
    state.counters["upper_quartile"] = at_part(losses_, 0.75);
    state.counters["cpu_percent"] = at_part(cpu_losses_, 0.5);
    if (times_ > losses_.size()) state.counters["us_each"] = 1000 * lost_ms_ / double(times_);
    state.counters["times"] = double(times_);
  }

 private:
  std::vector<double> losses_;
  std::vector<double> cpu_losses_;
  double lost_ms_ = 0;
  double disturbed_ms_ = 0;
  std::uint64_t times_ = 0;
};

// `disturbed` and `alone` do the same work and are taken in pairs.
template <class Disturbed>
void compare(benchmark::State& state, std::chrono::microseconds slice, bool each_slice,
             Disturbed disturbed) {
  const std::uint64_t steps = steps_that_take(std::max<cede::clock::duration>(20ms, 5 * slice));
  const std::uint64_t first = steps_that_take(3 * slice);
  comparison all;
  bool disturbed_first = false;
  for (auto _ : state) {
    run_of_work one;
    disturbed_first = !disturbed_first;
    if (disturbed_first) one = disturbed(steps, first);
    benchmark::DoNotOptimize(compute(first));
    const run_of_work alone = measured(steps, [] { return std::uint64_t{0}; });
    if (!disturbed_first) one = disturbed(steps, first);
    if (one.result != alone.result) return state.SkipWithError("a wrong result");
    all.add(one, alone);
    state.SetIterationTime(one.ms / 1000);
  }
  if (each_slice && !all.often_enough(slice))
    return state.SkipWithError("it was hardly interrupted");
  all.report(state);
}

void loss_of_one_that_computes(benchmark::State& state) {
  if (const char* const obstacle = cede::obstacle_to_preemptive())
    return state.SkipWithError(obstacle);
  const std::chrono::microseconds slice(state.range(0));
  const one_cpu_only pinned(state.range(1) != 0);
  workplace place(slice);
  compare(state, slice, false, [&place](std::uint64_t steps, std::uint64_t first) {
    return place.by_fiber(steps, first);
  });
}
BENCHMARK(loss_of_one_that_computes)
    ->ArgNames({"slice_us", "one_cpu"})
    ->ArgsProduct({{1'000, 10'000}, {0, 1}})
    ->Iterations(60)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

// What of that is the machine's: a thread that another one, which sleeps in between, sends a signal
// as often. In a virtual machine to wake up and to signal takes some 10 us from who computes.
void loss_to_signals_alone(benchmark::State& state) {
  const std::chrono::microseconds slice(state.range(0));
  const one_cpu_only pinned(state.range(1) != 0);
  static std::atomic<std::uint64_t> received;
  struct sigaction before{};
  struct sigaction counting{};
  counting.sa_handler = [](int) { received.fetch_add(1, std::memory_order_relaxed); };
  counting.sa_flags = SA_RESTART;
  ::sigaction(SIGUSR2, &counting, &before);
  compare(state, slice, true, [slice](std::uint64_t steps, std::uint64_t first) {
    std::atomic<bool> over{false};
    std::thread sender([&over, slice, to = ::pthread_self()] {
      ::prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
      while (!over) {
        std::this_thread::sleep_for(slice);
        ::pthread_kill(to, SIGUSR2);
      }
    });
    benchmark::DoNotOptimize(compute(first));
    const run_of_work done = measured(steps, [] { return received.load(); });
    over = true;
    sender.join();
    return done;
  });
  ::sigaction(SIGUSR2, &before, nullptr);
}
BENCHMARK(loss_to_signals_alone)
    ->ArgNames({"slice_us", "one_cpu"})
    ->ArgsProduct({{1'000, 10'000}, {0, 1}})
    ->Iterations(60)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
