#include "measure/report/hog_plots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "measure/report/lookup.hpp"
#include "measure/report/quantity.hpp"

namespace cede::measure::report {
namespace {

// --- handlers that hog -------------------------------------------------------------------------

std::string count_of_hogs(unsigned hogs) {
  return hogs == 1 ? "1 hog" : fmt::format("{} hogs", grouped(hogs));
}

const hog_outcome* with_hogs(const subject& one, unsigned hogs) {
  const auto found = std::ranges::find(one.hogs, hogs, &hog_outcome::hogs);
  return found == one.hogs.end() ? nullptr : &*found;
}

series series_of(const std::vector<const subject*>& all, std::string name, unsigned hogs,
                 const figure hog_outcome::* member) {
  series made{.name = std::move(name), .values = {}};
  for (const subject* const one : all) {
    const hog_outcome* const it = with_hogs(*one, hogs);
    made.values.push_back(it != nullptr          ? it->*member
                          : one->missing_because ? missing(*one->missing_because)
                                                 : missing("not measured"));
  }
  return made;
}

class hog_plotter {
 public:
  explicit hog_plotter(const results& run) : all_(everyone(run)) {
    for (const subject* const one : all_)
      for (const hog_outcome& it : one->hogs) counts_.insert(it.hogs);
  }

  // A bar for each server and number of hogs, and one for how it was before the first.
  plot made(plot it, const figure hog_outcome::* during,
            const figure hog_outcome::* before = nullptr) const {
    it.category_title = "server";
    for (const subject* const one : all_)
      it.categories.push_back(
          {.name = one->title, .is = one->is, .missing_because = one->missing_because});
    if (before != nullptr && !counts_.empty())
      it.all.push_back(series_of(all_, "before", *counts_.begin(), before));
    for (const unsigned hogs : counts_)
      it.all.push_back(series_of(all_, count_of_hogs(hogs), hogs, during));
    return it;
  }

 private:
  const std::vector<const subject*> all_;
  std::set<unsigned> counts_;
};

// "Beside 10 hogs preemptive fibers keep 95 %, OS threads 64 %."
std::string lead_of_kept(const results& run) {
  const subject* const fiber = find_named(run.kinds, "preemptive");
  const subject* const thread = find_named(run.kinds, "os-thread");
  if (fiber == nullptr || thread == nullptr || fiber->hogs.empty() || thread->hogs.empty())
    return {};
  const hog_outcome& ours = fiber->hogs.back();
  const hog_outcome& theirs = thread->hogs.back();
  if (ours.hogs != theirs.hogs || !ours.kept.available() || !theirs.kept.available()) return {};
  return fmt::format("Beside {} {} keep {} of their throughput, {} {}.", count_of_hogs(ours.hogs),
                     fiber->title, quantity(ours.kept.median, "%"), thread->title,
                     quantity(theirs.kept.median, "%"));
}

// --- time slices -------------------------------------------------------------------------------

class slice_plotter {
 public:
  explicit slice_plotter(const results& run) : all_(everyone(run)) {
    for (const subject* const one : all_)
      for (const slice_point& at : one->slices) lengths_.insert(at.slice);
  }

  plot made(plot it,
            const std::vector<std::pair<const char*, const figure slice_point::*>>& parts) const {
    it.drawn_as = form::lines;
    it.category_title = "slice";
    it.place_unit = "us";
    for (const double slice : lengths_)
      it.categories.push_back({.name = quantity(slice, "us"), .place = slice});
    for (const subject* const one : all_) {
      if (one->slices.empty()) continue;
      for (const auto& [name, member] : parts) it.all.push_back(line(*one, name, member));
    }
    return it;
  }

 private:
  series line(const subject& one, std::string_view name, const figure slice_point::* member) const {
    series made{.name = one.title, .values = {}, .is = one.is};
    if (!name.empty()) made.name = fmt::format("{}, {}", one.title, name);
    for (const double slice : lengths_) {
      const auto found = std::ranges::find(one.slices, slice, &slice_point::slice);
      made.values.push_back(found != one.slices.end() ? (*found).*member : missing("not measured"));
    }
    return made;
  }

  const std::vector<const subject*> all_;
  std::set<double> lengths_;
};

// "Slices of 500 us leave 99 % of the work that slices of 50 ms do."
std::string lead_of_work(const results& run) {
  for (const subject* const one : everyone(run)) {
    if (one->slices.size() < 2) continue;
    const slice_point& shortest = one->slices.front();
    const slice_point& longest = one->slices.back();
    if (!shortest.work_per_second.available() || !longest.work_per_second.available() ||
        longest.work_per_second.median <= 0)
      continue;
    return fmt::format("Slices of {} leave {:.1f} % of the work that is done with slices of {}.",
                       quantity(shortest.slice, "us"),
                       100 * shortest.work_per_second.median / longest.work_per_second.median,
                       quantity(longest.slice, "us"));
  }
  return {};
}

}  // namespace

section hogs_section(const results& run) {
  section made{"hogs",
               "What handlers that never yield do to the rest",
               "Some connections make their handlers compute without a pause; the others, on the "
               "same CPU, go on sending messages.",
               {}};
  const hog_plotter by(run);
  made.plots = {
      by.made({.id = "hog-kept",
               .title = "Throughput that the others keep",
               .lead = lead_of_kept(run),
               .unit = "%"},
              &hog_outcome::kept),
      by.made(
          {.id = "hog-messages", .title = "Messages a second of the others", .unit = "messages/s"},
          &hog_outcome::messages_during, &hog_outcome::messages_before),
      by.made({.id = "hog-p99", .title = "Latency of the others, p99", .unit = "us"},
              &hog_outcome::p99_during, &hog_outcome::p99_before),
      by.made({.id = "hog-starved",
               .title = "Starved connections",
               .note = "Those whose message waited for 80 % of the hogs' time or more.",
               .unit = "connections"},
              &hog_outcome::starved),
      by.made({.id = "hog-share",
               .title = "The CPU time that the hogs got",
               .note = "Of all together. A fair share of one among N connections with work to do "
                       "is 1/N; what the others leave idle comes on top.",
               .unit = "%"},
              &hog_outcome::hog_share)};
  return made;
}

section slices_section(const results& run) {
  section made{
      "slices",
      "How long a time slice should be",
      "Four handlers compute without a pause, and short requests come beside them at a "
      "fixed rate. Those that compute are interrupted when their slice is over, and before: "
      "in a gap between requests they get 50 us, then twice that and so on.",
      {}};
  const slice_plotter by(run);
  made.plots = {
      by.made(
          {.id = "slice-work",
           .title = "Work that is done",
           .lead = lead_of_work(run),
           .note = "By the four together. A unit is 512 multiplications, each of which needs the "
                   "one before.",
           .unit = "units/s"},
          {{"", &slice_point::work_per_second}}),
      by.made({.id = "slice-preemptions",
               .title = "Preemptions a second",
               .note = "Most are in gaps between requests, where a turn is shorter than a slice.",
               .unit = "preemptions/s"},
              {{"", &slice_point::preemptions_per_second}}),
      by.made({.id = "slice-latency", .title = "How long a short request takes", .unit = "us"},
              {{"p50", &slice_point::latency_p50}, {"p99", &slice_point::latency_p99}})};
  return made;
}

}  // namespace cede::measure::report
