#include "measure/report/answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "measure/report/lookup.hpp"
#include "measure/report/quantity.hpp"

namespace cede::measure::report {
namespace {

std::string shown(const figure& it) { return quantity(it.median, it.unit); }

bool apart(const figure& one, const figure& other) {
  return one.high < other.low || other.high < one.low;
}

phrase strong(std::string text) { return {std::move(text), true}; }

// --- what an idle connection costs -------------------------------------------------------------

struct owner {
  std::string_view name;
  const figure memory_by_owner::* member;
};
constexpr std::array<owner, 5> owners{{{"user memory", &memory_by_owner::user},
                                       {"page tables", &memory_by_owner::page_tables},
                                       {"kernel stack", &memory_by_owner::kernel_stack},
                                       {"other kernel objects", &memory_by_owner::slab},
                                       {"the socket", &memory_by_owner::socket}}};

// "16.0 KiB of kernel stack, 7.1 KiB of other kernel objects and 4.0 KiB of page tables": where the
// dearer one's surplus lies, the greatest part first, down to a tenth of it.
std::string surplus(const memory_by_owner& dear, const memory_by_owner& cheap) {
  std::vector<std::pair<double, std::string_view>> parts;
  for (const owner& one : owners) {
    const figure& more = dear.*one.member;
    const figure& less = cheap.*one.member;
    if (more.available() && less.available())
      parts.emplace_back(more.median - less.median, one.name);
  }
  std::ranges::sort(parts, std::ranges::greater());
  const double tenth = (dear.total.median - cheap.total.median) / 10;
  std::erase_if(parts, [&](const auto& part) { return part.first <= std::max(tenth, 0.0); });
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += i + 1 == parts.size() ? " and " : ", ";
    text += fmt::format("{} of {}", quantity(parts[i].first, "B"), parts[i].second);
  }
  return text;
}

std::vector<phrase> about_idle(const results& run) {
  const auto pair = loaded_pair(run);
  if (!pair) return {{"What an idle connection costs was not measured: " + pair.error() + "."}};
  const memory_by_owner& fiber = pair->fiber->idle;
  const memory_by_owner& thread = pair->thread->idle;
  if (const figure* const gap = first_missing({&fiber.total, &thread.total}))
    return {{fmt::format("What an idle connection costs was not measured: {}.",
                         *gap->missing_because)}};
  const bool fiber_wins = fiber.total.median <= thread.total.median;
  std::vector<phrase> all{{"As an OS thread an idle connection costs "},
                          strong(shown(thread.total)),
                          {", as a cooperative fiber "},
                          strong(shown(fiber.total)),
                          {fmt::format(" (at {} connections)", grouped(pair->connections))}};
  const std::string where = fiber_wins ? surplus(thread, fiber) : surplus(fiber, thread);
  if (!apart(fiber.total, thread.total))
    all.push_back({": within the spread they cost the same."});
  else if (where.empty())
    all.push_back({fiber_wins ? "." : ": here the thread wins."});
  else
    all.push_back(
        {fmt::format(": {} needs {} more.",
                     fiber_wins ? "the thread" : "the thread wins, for the fiber", where)});
  return all;
}

// --- what a switch costs -----------------------------------------------------------------------

// Not lost in the noise: no sample is further from the median than a factor of two.
bool steady(const figure& it) {
  return it.available() && it.low > it.median / 2 && it.high < it.median * 2;
}

// The largest working set at which both are known and steady.
std::string about_caches(const results& run) {
  const refill_curve* const fiber = find_named(run.refill, "cooperative");
  const refill_curve* const thread = find_named(run.refill, "pthread");
  if (fiber == nullptr || thread == nullptr) return {};
  std::string text;
  for (std::size_t i = 0; i < std::min(fiber->points.size(), thread->points.size()); ++i) {
    const figure& mine = fiber->points[i].per_switch;
    const figure& theirs = thread->points[i].per_switch;
    const std::uint64_t bytes = fiber->points[i].working_set;
    if (bytes != thread->points[i].working_set || !steady(mine) || !steady(theirs)) continue;
    text = fmt::format("; where each touches {} in between, cold caches make that {} and {}",
                       quantity(static_cast<double>(bytes), "B"), shown(mine), shown(theirs));
  }
  return text;
}

std::vector<phrase> about_switch(const results& run) {
  const bare_costs* const fiber = find_named(run.bare, "cooperative");
  const bare_costs* const thread = find_named(run.bare, "pthread");
  if (run.bare.empty())
    return {{"What a switch costs was not measured: the bare costs were left out (--no-bare)."}};
  if (fiber == nullptr || thread == nullptr) return {{"What a switch costs was not measured."}};
  if (const figure* const gap = first_missing({&fiber->switch_one_way, &thread->switch_one_way}))
    return {{fmt::format("What a switch costs was not measured: {}.", *gap->missing_because)}};
  const double ratio = thread->switch_one_way.median / fiber->switch_one_way.median;
  std::vector<phrase> all{{"A switch between fibers costs "}, strong(shown(fiber->switch_one_way))};
  if (fiber->yield.available())
    all.push_back({fmt::format(" ({} through the scheduler)", shown(fiber->yield))});
  all.push_back({", one between threads, which goes through the kernel, "});
  all.push_back(strong(shown(thread->switch_one_way)));
  if (ratio >= 1)
    all.push_back({fmt::format(", {} as much", times(ratio))});
  else
    all.push_back({": here threads win"});
  all.push_back({about_caches(run) + "."});
  return all;
}

// --- what a hog does ---------------------------------------------------------------------------

const hog_outcome* one_hog(const subject* it) {
  if (it == nullptr || it->missing_because) return nullptr;
  const auto found = std::ranges::find(it->hogs, 1U, &hog_outcome::hogs);
  return found == it->hogs.end() ? nullptr : &*found;
}

// "starves 100 of 100 other connections" or "leaves all 100 others answered, 96 % of ...".
std::string effect(const hog_outcome& it) {
  if (it.starved.available() && it.starved.median > 0)
    return fmt::format("starves {} of {} other connections", rounded(it.starved.median), it.others);
  if (it.kept.available())
    return fmt::format("leaves the {} others {:.0f} % of their throughput", it.others,
                       it.kept.median);
  return fmt::format("has an effect that was not measured ({})",
                     it.kept.missing_because.value_or("no throughput before it"));
}

double kept(const hog_outcome& it) { return it.kept.available() ? it.kept.median : 0; }

std::vector<phrase> about_hog(const results& run) {
  const hog_outcome* const fiber = one_hog(find_named(run.kinds, "cooperative"));
  const hog_outcome* const thread = one_hog(find_named(run.kinds, "os-thread"));
  const hog_outcome* const preempted = one_hog(find_named(run.kinds, "preemptive"));
  if (fiber == nullptr && thread == nullptr)
    return {{"What a handler that never yields does to the rest was not measured."}};
  std::vector<phrase> all{{"A handler that never yields "}};
  if (fiber != nullptr) {
    all.push_back(strong(effect(*fiber)));
    all.push_back({" on its worker if they are cooperative fibers"});
  }
  if (preempted != nullptr) {
    all.push_back({fiber != nullptr ? ", " : ""});
    all.push_back(strong(effect(*preempted)));
    all.push_back({" if they are preemptive fibers"});
  }
  if (thread != nullptr) {
    all.push_back({fiber != nullptr || preempted != nullptr ? ", and " : ""});
    all.push_back(strong(effect(*thread)));
    all.push_back({" if they are OS threads"});
    const double best =
        std::max(fiber != nullptr ? kept(*fiber) : 0, preempted != nullptr ? kept(*preempted) : 0);
    if (kept(*thread) > best * 1.05) all.push_back({": here threads win"});
  }
  all.push_back({"."});
  return all;
}

}  // namespace

std::string sentence::text() const {
  std::string whole;
  for (const phrase& part : phrases) whole += part.text;
  return whole;
}

std::vector<sentence> answers(const results& run) {
  return {{"An idle connection", about_idle(run)},
          {"A switch", about_switch(run)},
          {"A handler that never yields", about_hog(run)}};
}

std::string verdict(const figure& fiber, const figure& thread, better which, const figure& paired) {
  if (!fiber.available() || !thread.available()) return {};
  if (!apart(fiber, thread)) return "No difference between fibers and threads beyond the spread.";
  const bool fiber_wins = (fiber.median < thread.median) == (which == better::less);
  const auto [low, high] = std::minmax(fiber.median, thread.median);
  double times_more = low > 0 ? high / low : 0;
  if (paired.available() && paired.median > 0)
    times_more = thread.median > fiber.median ? paired.median : 1 / paired.median;
  const std::string ratio =
      times_more > 0 ? fmt::format(", a factor of {}", factor(times_more)) : std::string();
  return fiber_wins
             ? fmt::format("Fibers: {} against threads' {}{}.", shown(fiber), shown(thread), ratio)
             : fmt::format("Threads win: {} against fibers' {}{}.", shown(thread), shown(fiber),
                           ratio);
}

}  // namespace cede::measure::report
