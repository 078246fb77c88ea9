#include "measure/compare/comparison.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>

#include "measure/compare/assemble.hpp"
#include "measure/compare/bare_costs.hpp"
#include "measure/compare/groups.hpp"
#include "measure/compare/limits.hpp"
#include "measure/compare/machine.hpp"
#include "measure/compare/server.hpp"

namespace cede::measure::compare {
namespace {

constexpr unsigned price_rounds = 3;

void move_to(const std::vector<unsigned>& cpus) {
  cpu_set_t set{};
  CPU_ZERO(&set);
  for (const unsigned cpu : cpus) CPU_SET(cpu, &set);
  // Where that is forbidden we disturb the server a little: no reason not to measure.
  static_cast<void>(::sched_setaffinity(0, sizeof set, &set));
}

std::string name_of(const trial& what, const contestant& who) {
  switch (what.what) {
    case experiment::memory:
      return fmt::format("{}, memory of {} connections", who.name, what.connections);
    case experiment::load:
      return fmt::format("all by turns, load on {} connections", what.connections);
    case experiment::hogs:
      return fmt::format("{}, {} that never yield{}", who.name,
                         what.hogs == 1 ? "a handler" : fmt::format("{} handlers", what.hogs),
                         what.hogs == 1 ? "s" : "");
    case experiment::slices:
      return fmt::format("{}, slices of {} us", who.name, what.slice.count());
    case experiment::churn:
      break;
  }
  return fmt::format("{}, connections that come and go", who.name);
}

class contest {
 public:
  contest(const comparison& what, const ground& where, progress& shown)
      : what_(what), where_(where), shown_(shown) {
    for (const auto* const list : {&what.kinds, &what.peers})
      for (const contestant& who : *list) all_.push_back({.who = who});
  }

  outcome<report::results> run();

 private:
  outcome<> try_each();
  void find_limits();
  outcome<> find_prices();
  outcome<> run_all(const std::vector<trial>& trials);
  outcome<> run_one(const trial& what, findings& of);
  outcome<> weigh(const trial& what, findings& of);
  outcome<> load(const trial& what);
  outcome<> load(std::uint64_t connections, const std::vector<std::size_t>& group, bool first,
                 const std::vector<findings*>& there);
  outcome<> hog(const trial& what, findings& of);
  outcome<> slice(const trial& what, findings& of);
  report::results result() const;
  report::run_plan plan() const;

  // Those that can run here, in the numbering of the trials.
  std::vector<findings*> able() {
    std::vector<findings*> list;
    for (findings& one : all_)
      if (!one.missing_because) list.push_back(&one);
    return list;
  }

  // Those of them that take slices.
  std::vector<std::size_t> preempted() {
    std::vector<std::size_t> list;
    const auto all = able();
    for (std::size_t at = 0; at < all.size(); ++at)
      if (all[at]->who.takes_slices) list.push_back(at);
    return list;
  }

  const comparison& what_;
  const ground& where_;
  progress& shown_;
  machine_watch watch_;
  std::vector<findings> all_;
  kernel_prices prices_;  // of the present round
  std::size_t priced_rounds_ = 0;
  bool slabs_by_cache_ = true;
  report::bare_results bare_;
};

// A missing privilege shows here, and is no failure of the comparison.
outcome<> contest::try_each() {
  for (findings& one : all_) {
    auto running = server::start(one.who, where_.server_cpus, std::nullopt, where_.stop);
    if (!running && running.error().why == cause::unsupported)
      one.missing_because = running.error().line;
    else if (!running)
      return std::unexpected(running.error());
    else if (auto ended = running->end(); !ended)
      return ended;
  }
  if (able().empty())
    return fail(fmt::format("none of them can run here; '{}': {}", all_.front().who.name,
                            *all_.front().missing_because));
  return {};
}

void contest::find_limits() {
  const machine_limits limits = limits_here();
  for (findings& one : all_)
    for (const std::uint64_t connections : what_.how.connections)
      if (const auto why = too_many_for(one.who.is, connections, limits))
        one.missing_at[connections] = *why;
}

// Anew in each round: what the kernel allocates for a connection depends on how many have been
// there before, by some 200 bytes.
outcome<> contest::find_prices() {
  const auto stack = kernel_stack_bytes();
  if (!stack) return std::unexpected(stack.error());
  std::vector<kernel_prices> found;
  const std::uint64_t most = std::ranges::max(what_.how.connections);
  for (unsigned round = 0; round < price_rounds; ++round) {
    const auto bare = measure_bare_connections(most, where_);
    if (!bare) return std::unexpected(bare.error());
    slabs_by_cache_ = slabs_by_cache_ && bare->growth.by_cache;
    found.push_back(prices_from(*bare, *stack));
  }
  const auto median = [&found](double kernel_prices::* which) {
    std::ranges::sort(found, {}, which);
    return found[found.size() / 2].*which;
  };
  prices_ = {.socket = median(&kernel_prices::socket),
             .others = median(&kernel_prices::others),
             .thread_stack = *stack};
  ++priced_rounds_;
  return {};
}

outcome<> contest::weigh(const trial& what, findings& of) {
  const auto sample = measure_memory(of.who, what.connections, where_);
  if (!sample) return std::unexpected(sample.error());
  point_samples& point = of.samples.at[what.connections];
  if (point.idle.size() >= priced_rounds_)
    if (auto found = find_prices(); !found) return found;
  point.idle.push_back(idle_bytes(*sample, prices_));
  point.after_messages.push_back(bytes_after_messages(*sample, prices_));
  return {};
}

outcome<> contest::load(const trial& what) {
  std::vector<findings*> there;
  std::vector<report::nature> natures;
  for (findings* const one : able())
    if (!one->missing_at.contains(what.connections)) {
      there.push_back(one);
      natures.push_back(one->who.is);
    }
  bool first = true;
  for (const auto& group : groups_of(natures, what.connections, limits_here())) {
    if (auto loaded = load(what.connections, group, first, there); !loaded) return loaded;
    first = false;
  }
  return {};
}

// The first of all is in every group, and its own figures are those of the first group.
outcome<> contest::load(std::uint64_t connections, const std::vector<std::size_t>& group,
                        bool first, const std::vector<findings*>& there) {
  std::vector<const contestant*> who;
  for (const std::size_t one : group) who.push_back(&there[one]->who);
  auto trials = measure_load(who, shape_of(what_.how, connections), where_);
  if (!trials) return std::unexpected(trials.error());
  const bool beside_it = group.front() == 0;
  for (std::size_t at = beside_it && !first ? 1 : 0; at < group.size(); ++at) {
    findings& of = *there[group[at]];
    point_samples& point = of.samples.at[connections];
    if (!beside_it)
      for (turn& one : (*trials)[at].closed.turns) one.rate_ratio = one.cpu_ratio = {};
    point.closed.push_back(std::move((*trials)[at].closed));
    if ((*trials)[at].paced) point.paced.push_back(*(*trials)[at].paced);
  }
  return {};
}

outcome<> contest::hog(const trial& what, findings& of) {
  const hog_shape shape = hogs_of(what_.how, what.hogs);
  const bool in_turn = one_after_another(of.samples.hogs[1], shape.others);
  const auto sample = measure_hogs(of.who, shape, in_turn, where_);
  if (!sample) return std::unexpected(sample.error());
  of.samples.hogs[what.hogs].push_back(*sample);
  return {};
}

outcome<> contest::slice(const trial& what, findings& of) {
  const auto sample = measure_slice(of.who, slice_of(what_.how, what.slice), where_);
  if (!sample) return std::unexpected(sample.error());
  of.samples.slices[what.slice].push_back(*sample);
  return {};
}

outcome<> contest::run_one(const trial& what, findings& of) {
  switch (what.what) {
    case experiment::memory:
      return weigh(what, of);
    case experiment::load:
      return load(what);
    case experiment::hogs:
      return hog(what, of);
    case experiment::slices:
      return slice(what, of);
    case experiment::churn:
      break;
  }
  const auto sample = measure_churn(of.who, what_.how.churn, where_);
  if (!sample) return std::unexpected(sample.error());
  of.samples.churn.push_back(*sample);
  return {};
}

outcome<> contest::run_all(const std::vector<trial>& trials) {
  const std::vector<findings*> contestants = able();
  for (const trial& what : trials) {
    if (where_.stop.come()) return interruption::failed();
    findings& of = *contestants[what.contestant];
    shown_.begin(name_of(what, of.who), expected_seconds(what, what_.how));
    const bool alone = what.what != experiment::load;
    if (alone && of.missing_at.contains(what.connections)) continue;
    if (auto ran = run_one(what, of); !ran) {
      if (ran.error().why == cause::interrupted || !alone) return ran;
      return fail(fmt::format("{}: {}", name_of(what, of.who), ran.error().line));
    }
  }
  return {};
}

outcome<report::results> contest::run() {
  if (auto tried = try_each(); !tried) return std::unexpected(tried.error());
  find_limits();
  const std::vector<trial> trials = plan_trials(what_.how, able().size(), preempted());
  const double bare_seconds = expected_bare_seconds(what_.bare);
  double seconds = bare_seconds;
  for (const trial& one : trials) seconds += expected_seconds(one, what_.how);
  const bool with_bare = what_.bare != comparison::bare_costs::none;
  shown_.expect(trials.size() + (with_bare ? 1 : 0), seconds);
  if (auto ran = run_all(trials); !ran) return std::unexpected(ran.error());
  if (with_bare) {
    shown_.begin("bare costs, without connections", bare_seconds);
    auto bare = measure_bare_costs(what_.bare, where_);
    if (!bare) return std::unexpected(bare.error());
    bare_ = std::move(*bare);
  }
  return result();
}

report::run_plan contest::plan() const {
  return {.command = what_.command,
          .quick = what_.quick,
          .connections = what_.how.connections,
          .seconds = std::chrono::duration<double>(what_.how.duration).count(),
          .repeats = what_.how.rounds,
          .workers = static_cast<unsigned>(where_.server_cpus.size()),
          .server_cpus = where_.server_cpus,
          .client_cpus = where_.client_cpus};
}

report::results contest::result() const {
  const machine_use use = watch_.so_far();
  report::results all{.machine = facts_of_this_machine(what_.cede_version),
                      .plan = plan(),
                      .bare = bare_.bare,
                      .refill = bare_.refill,
                      .warnings = warnings_about(use)};
  all.machine.cpus = static_cast<unsigned>(
      where_.shared() ? 1 : where_.server_cpus.size() + where_.client_cpus.size());
  if (where_.shared())
    all.warnings.push_back({"machine",
                            "there is one CPU only: server and client share it, and figures of "
                            "time are those of both"});
  if (!slabs_by_cache_)
    all.warnings.push_back({"machine",
                            "/proc/slabinfo may be read by root only: what the kernel holds is "
                            "taken from the sum of all slabs and is less exact"});
  for (std::size_t at = 0; at < all_.size(); ++at) {
    const findings& one = all_[at];
    (at < what_.kinds.size() ? all.kinds : all.peers).push_back(subject_of(one, what_.how));
    const auto warnings = warnings_about(one);
    all.warnings.insert(all.warnings.end(), warnings.begin(), warnings.end());
  }
  all.peers.insert(all.peers.end(), what_.absent_peers.begin(), what_.absent_peers.end());
  all.warnings.insert(all.warnings.end(), bare_.warnings.begin(), bare_.warnings.end());
  all.seconds_taken = use.seconds;
  return all;
}

}  // namespace

outcome<report::results> run(const comparison& what, const ground& where, progress& shown) {
  move_to(where.client_cpus);
  return contest(what, where, shown).run();
}

ground ground_here(std::string program, const interruption& stop) {
  const std::vector<unsigned> cpus = usable_cpus();
  const std::vector<unsigned> first(cpus.begin(), cpus.begin() + 1);
  const std::vector<unsigned> others(cpus.begin() + 1, cpus.end());
  return {std::move(program), first, others.empty() ? first : others, stop};
}

}  // namespace cede::measure::compare
