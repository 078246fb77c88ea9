// Actors: the main fiber, which spawns and joins; the two sides. They meet at `gate_`; a side's
// `span` is its own until it has been joined.
#include "measure/bare/cede_pair.hpp"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cede/latch.hpp>
#include <cede/runtime.hpp>
#include <optional>

namespace cede::measure::bare {
namespace {

// Not gettid(): a fiber with thread-local storage of its own might get a number of its own.
long kernel_thread() noexcept { return ::syscall(SYS_gettid); }

struct span {
  steady::time_point begin;
  steady::time_point end;
  long thread_at_begin = 0;
  long thread_at_end = 0;
};

class pair_run {
 public:
  pair_run(const cede_kind& what, std::optional<cpu_pair> apart) : what_(what), apart_(apart) {}

  std::optional<std::string> operator()(const two_sides& sides) {
    const auto here = placement::same_worker;
    auto left = start(0, here, sides.left);
    if (!left) return cannot_spawn(what_, left.error());
    auto right = start(1, apart_ ? placement::least_loaded : here, sides.right);
    // The left one still waits at the gate; its handle cancels it.
    if (!right) return cannot_spawn(what_, right.error());
    // Until it has started, the right one could still be stolen by this worker when that is idle.
    while (apart_ && !right_has_begun_) ::sched_yield();
    static_cast<void>(left->join());
    static_cast<void>(right->join());
    return std::nullopt;
  }

  nanoseconds elapsed() const {
    return std::max(spans_[0].end, spans_[1].end) - std::min(spans_[0].begin, spans_[1].begin);
  }

  bool stayed_apart() const {
    return spans_[0].thread_at_begin != spans_[1].thread_at_begin &&
           std::ranges::all_of(
               spans_, [](const span& one) { return one.thread_at_begin == one.thread_at_end; });
  }

 private:
  result<fiber> start(std::size_t which, placement where, const std::function<void()>& body) {
    attributes how = what_.how;
    how.where = where;
    return spawn(what_.what, how, [this, which, &body] { run_side(which, body); });
  }

  void run_side(std::size_t which, const std::function<void()>& body) {
    if (which == 1) right_has_begun_ = true;
    if (!gate_.arrive_and_wait()) return;  // the other one could not be spawned
    if (apart_) move_to_cpu(which == 0 ? apart_->first : apart_->second);
    span& mine = spans_[which];
    mine.thread_at_begin = kernel_thread();
    mine.begin = steady::now();
    body();
    mine.end = steady::now();
    mine.thread_at_end = kernel_thread();
  }

  const cede_kind& what_;
  const std::optional<cpu_pair> apart_;
  latch gate_{2};
  std::atomic<bool> right_has_begun_{false};
  std::array<span, 2> spans_{};
};

std::expected<nanoseconds, std::string> run_pair(unsigned workers, pair_run& pair,
                                                 const two_sides& sides) {
  std::optional<std::string> obstacle;
  const int code = run({.workers = workers, .signals = stop_signals::left_alone},
                       [&] { obstacle = pair(sides); });
  if (code != 0) return std::unexpected("no runtime could be started");
  if (obstacle) return std::unexpected(*obstacle);
  return pair.elapsed();
}

}  // namespace

std::expected<nanoseconds, std::string> run_on_one_cpu(const cede_kind& what, int cpu,
                                                       const two_sides& sides) {
  const pinned here(cpu);
  pair_run pair(what, std::nullopt);
  return run_pair(1, pair, sides);
}

std::expected<nanoseconds, std::string> run_on_two_cpus(const cede_kind& what, cpu_pair cpus,
                                                        const two_sides& sides) {
  if (!cpus.distinct()) return std::unexpected("this process may use one CPU only");
  const pinned here(cpus);
  pair_run pair(what, cpus);
  const auto elapsed = run_pair(2, pair, sides);
  if (elapsed && !pair.stayed_apart()) return std::unexpected("both ran on one worker");
  return elapsed;
}

}  // namespace cede::measure::bare
