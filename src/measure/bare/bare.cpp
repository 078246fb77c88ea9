#include "measure/bare/bare.hpp"

#include <algorithm>
#include <list>
#include <vector>

#include "measure/bare/cede_costs.hpp"
#include "measure/bare/refill.hpp"
#include "measure/bare/sampler.hpp"
#include "measure/bare/thread_costs.hpp"

namespace cede::measure::bare {
namespace {

constexpr std::uint64_t batch = 64;

// Costs point into `rows`, which therefore is a list.
class bare_table {
 public:
  explicit bare_table(cpu_pair cpus) : cpus_(cpus) {
    for (const cede_kind& one : cede_kinds()) add(one);
    for (const thread_kind& one : thread_kinds()) add(one);
  }

  std::vector<report::bare_costs> take(const effort& how) {
    take_all(costs_, how);
    std::vector<report::bare_costs> rows(rows_.begin(), rows_.end());
    for (report::bare_costs& row : rows) explain(row);
    return rows;
  }

 private:
  void add(const cede_kind& one) {
    auto& row = rows_.emplace_back();
    row = {.name = one.name, .title = one.title, .is = one.is};
    const int cpu = cpus_.first;
    if (one.what == kind::cooperative)
      costs_.push_back({&row.switch_one_way, [cpu](std::uint64_t rounds) {
                          return switch_between_fibers(cpu, rounds);
                        }});
    else if (one.what == kind::preemptive)
      costs_.push_back({&row.switch_one_way,
                        [cpu](std::uint64_t rounds) { return switch_with_own_tls(cpu, rounds); }});
    else
      row.switch_one_way = report::missing("the kind has no switch without a scheduler", "ns");
    costs_.push_back(
        {&row.yield, [one, cpu](std::uint64_t rounds) { return yield_between(one, cpu, rounds); }});
    costs_.push_back({&row.spawn_join, [one, cpu](std::uint64_t rounds) {
                        return spawn_and_join(one, cpu, 1, rounds);
                      }});
    costs_.push_back({&row.spawn_join_batch, [one, cpu](std::uint64_t rounds) {
                        return spawn_and_join(one, cpu, batch,
                                              std::max(rounds / batch, rounds_least));
                      }});
    costs_.push_back({&row.wake_same_cpu, [one, cpu](std::uint64_t rounds) {
                        return wake_between(one, {cpu, cpu}, rounds);
                      }});
    add_wake_other(
        row, [one, cpus = cpus_](std::uint64_t rounds) { return wake_between(one, cpus, rounds); });
  }

  void add(const thread_kind& one) {
    auto& row = rows_.emplace_back();
    row = {.name = one.name, .title = one.title, .is = report::nature::thread};
    const int cpu = cpus_.first;
    costs_.push_back({&row.switch_one_way, [one, cpu](std::uint64_t rounds) {
                        return switch_between_threads(one, cpu, rounds);
                      }});
    costs_.push_back({&row.yield, [one, cpu](std::uint64_t rounds) {
                        return yield_between_threads(one, cpu, rounds);
                      }});
    costs_.push_back({&row.spawn_join, [one, cpu](std::uint64_t rounds) {
                        return create_and_join(one, cpu, 1, rounds);
                      }});
    costs_.push_back({&row.spawn_join_batch, [one, cpu](std::uint64_t rounds) {
                        return create_and_join(one, cpu, batch,
                                               std::max(rounds / batch, rounds_least));
                      }});
    costs_.push_back({&row.wake_same_cpu, [one, cpu](std::uint64_t rounds) {
                        return wake_between_threads(one, {cpu, cpu}, rounds);
                      }});
    add_wake_other(row, [one, cpus = cpus_](std::uint64_t rounds) {
      return wake_between_threads(one, cpus, rounds);
    });
  }

  void add_wake_other(report::bare_costs& row, measurement take) {
    if (cpus_.distinct())
      costs_.push_back({&row.wake_other_cpu, std::move(take)});
    else
      row.wake_other_cpu = report::missing("this process may use one CPU only", "ns");
  }

  // A kind of which nothing can be measured has one reason, not six.
  static void explain(report::bare_costs& row) {
    if (row.yield.available() || row.spawn_join.available()) return;
    row.missing_because = row.spawn_join.missing_because;
  }

  static constexpr std::uint64_t rounds_least = 1;
  const cpu_pair cpus_;
  std::list<report::bare_costs> rows_;
  std::vector<cost> costs_;
};

std::vector<std::uint64_t> working_sets(depth how_deep) {
  const std::uint64_t factor = how_deep == depth::quick ? 4 : 2;
  std::vector<std::uint64_t> sizes;
  for (std::uint64_t bytes = 4096; bytes <= 4'194'304; bytes *= factor) sizes.push_back(bytes);
  return sizes;
}

effort effort_of(depth how_deep) {
  using namespace std::chrono_literals;
  return how_deep == depth::quick ? effort{.repeats = 3, .least = 3ms}
                                  : effort{.repeats = 5, .least = 10ms};
}

}  // namespace

std::expected<report::bare_results, std::string> measure(depth how_deep) {
  try {
    const cpu_pair cpus = usable_pair();
    report::bare_results found;
    found.bare = bare_table(cpus).take(effort_of(how_deep));
    found.refill = measure_refill({working_sets(how_deep), effort_of(how_deep)}, cpus.first);
    return found;
  } catch (const wrong_answer& error) {
    return std::unexpected(error.what());
  }
}

}  // namespace cede::measure::bare
