#include "measure/bare/refill.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cede/this_fiber.hpp>
#include <optional>
#include <utility>

#include "measure/bare/cede_pair.hpp"
#include "measure/bare/handover.hpp"
#include "measure/bare/thread_group.hpp"
#include "measure/bare/working_set.hpp"

namespace cede::measure::bare {
namespace {

// A sample is the median of so many tries, so that an interrupt in one of them is no result.
constexpr std::size_t tries = 3;

struct both_sets {
  working_set left;
  working_set right;

  void resize(std::size_t bytes) noexcept {
    left.resize(bytes);
    right.resize(bytes);
  }
  void require_written(std::uint64_t times_left, std::uint64_t times_right) const {
    if (!left.written_exactly(times_left) || !right.written_exactly(times_right))
      throw wrong_answer("working sets: a line was not written as often as it was due");
  }
};

// Time of 2 * rounds visits of a set, each followed by a switch. Before it each set is visited
// once.
using alternation =
    std::function<std::expected<nanoseconds, std::string>(both_sets& sets, std::uint64_t rounds)>;

template <class Switch>
std::function<void()> side(working_set& mine, std::uint64_t rounds, Switch to_the_other) {
  return [&mine, rounds, to_the_other] {
    for (std::uint64_t i = 0; i < rounds; ++i) {
      mine.touch();
      to_the_other();
    }
  };
}

alternation by_fibers(cede_kind what, int cpu) {
  return [what, cpu](both_sets& sets, std::uint64_t rounds) {
    const auto yield = [] { this_fiber::yield(); };
    return run_on_one_cpu(
        what, cpu,
        {.left = side(sets.left, rounds, yield), .right = side(sets.right, rounds, yield)});
  };
}

alternation by_threads(thread_kind what, int cpu) {
  return [what, cpu](both_sets& sets, std::uint64_t rounds) {
    turn turns;
    const auto left = side(sets.left, rounds, [&] { turns.hand_over(0); });
    const auto right = [&] {
      for (std::uint64_t i = 0; i < rounds; ++i) {
        turns.wait_for(1);
        sets.right.touch();
        turns.pass_on(1);
      }
    };
    return run_threads(what, {{cpu, left}, {cpu, right}});
  };
}

struct contender {
  report::refill_curve curve;
  alternation alternate;
};

std::vector<contender> contenders(int cpu) {
  std::vector<contender> all;
  for (const cede_kind& one : cede_kinds()) {
    if (one.is_thread()) continue;  // plain threads show the same without cede
    all.push_back(
        {{.name = one.name, .title = one.title + "s", .is = one.is}, by_fibers(one, cpu)});
  }
  for (const thread_kind& one : thread_kinds())
    all.push_back({{.name = one.name,
                    .title = one.policy == SCHED_FIFO ? "pthreads, SCHED_FIFO" : "pthreads",
                    .is = report::nature::thread},
                   by_threads(one, cpu)});
  return all;
}

// What is measured at one size of the working sets.
class at_one_size {
 public:
  at_one_size(both_sets& sets, std::uint64_t bytes, const effort& how) : sets_(sets) {
    sets_.resize(bytes);
    touch_alone();  // the first time faults pages in
    const double once = touch_alone().count();
    const double least = nanoseconds(how.least).count() / tries / 2;
    rounds_ = static_cast<std::uint64_t>(std::clamp(least / std::max(once, 1.0), 2.0, 1e6));
  }

  nanoseconds touch_alone() {
    const auto visits = std::max<std::uint64_t>(rounds_, 1);
    const auto begin = steady::now();
    for (std::uint64_t i = 0; i < visits; ++i) sets_.left.touch();
    const auto end = steady::now();
    alone_ += visits;
    return nanoseconds(end - begin) / static_cast<double>(visits);
  }

  std::expected<nanoseconds, std::string> touch_in_turns(const alternation& alternate) {
    const auto elapsed = alternate(sets_, rounds_);
    if (!elapsed) return elapsed;
    in_turns_ += rounds_;
    sets_.require_written(alone_ + in_turns_, in_turns_);
    return *elapsed / static_cast<double>(2 * rounds_);
  }

 private:
  both_sets& sets_;
  std::uint64_t rounds_ = 0;
  // Visits so far: of the left set alone, and of each of the two.
  std::uint64_t alone_ = 0;
  std::uint64_t in_turns_ = 0;
};

double middle(std::array<double, tries> all) {
  std::ranges::sort(all);
  return all[tries / 2];
}

// A range that reaches down to nothing says no more than that it was not seen beside the touching.
report::figure settled(std::vector<double> samples, double touch) {
  report::figure result = report::summarize(std::move(samples), "ns");
  if (!result.available() || result.low > 0) return result;
  return report::missing(
      fmt::format("lost in the noise: from {:.0f} to {:.0f} ns beside {:.0f} ns of touching",
                  result.low, result.high, touch),
      "ns");
}

// One sample: both, right after each other, `tries` times.
std::optional<std::pair<double, double>> sample(at_one_size& here, contender& one) {
  std::array<double, tries> alone{};
  std::array<double, tries> in_turns{};
  for (std::size_t i = 0; i < tries; ++i) {
    alone[i] = here.touch_alone().count();
    const auto each = here.touch_in_turns(one.alternate);
    if (!each) {
      one.curve.missing_because = each.error();
      return std::nullopt;
    }
    in_turns[i] = each->count();
  }
  return std::pair(middle(alone), middle(in_turns));
}

void measure_size(std::vector<contender>& all, both_sets& sets, std::uint64_t bytes,
                  const effort& how) {
  at_one_size here(sets, bytes, how);
  std::vector<double> touch;
  std::vector<std::vector<double>> switches(all.size());
  for (unsigned turn = 0; turn < how.repeats; ++turn)
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].curve.missing_because) continue;
      const auto taken = sample(here, all[i]);
      if (!taken) continue;
      touch.push_back(taken->first);
      switches[i].push_back(taken->second - taken->first);
    }
  const report::figure alone = report::summarize(std::move(touch), "ns");
  for (std::size_t i = 0; i < all.size(); ++i)
    if (!all[i].curve.missing_because)
      all[i].curve.points.push_back({.working_set = bytes,
                                     .per_switch = settled(std::move(switches[i]), alone.median),
                                     .touch = alone});
}

}  // namespace

std::vector<report::refill_curve> measure_refill(const refill_plan& plan, int cpu) {
  const pinned here(cpu);
  std::vector<contender> all = contenders(cpu);
  if (!plan.working_sets.empty()) {
    const std::uint64_t most = std::ranges::max(plan.working_sets);
    both_sets sets{working_set(most), working_set(most)};
    for (const std::uint64_t bytes : plan.working_sets) measure_size(all, sets, bytes, plan.how);
  }
  std::vector<report::refill_curve> curves;
  for (contender& one : all) curves.push_back(std::move(one.curve));
  return curves;
}

}  // namespace cede::measure::bare
