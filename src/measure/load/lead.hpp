// What the runs have in common: a team whose parts share the connections, and the phases that an
// onlooker hears of.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "measure/load/conversation.hpp"
#include "measure/load/plan.hpp"
#include "measure/load/server_probe.hpp"
#include "measure/load/team.hpp"
#include "measure/load/watch.hpp"

namespace cede::measure::load {

class lead {
 public:
  lead(const target_plan& plan, const watch& onlooker)
      : plan_(plan), onlooker_(onlooker), team_(onlooker) {}

  /// Starts the parts, and attaches to the server's process where the plan names it. `hogs` more
  /// connections belong to a part of their own, which the calls below leave alone.
  outcome<> start(std::uint32_t hogs, std::chrono::nanoseconds hog_limit);

  /// Time that the phases still to come will take, as far as it is planned.
  void plan_ahead(std::chrono::nanoseconds time) noexcept { ahead_ = time; }

  /// Opens the plan's connections `from` to `to` - 1; their numbers begin at `base`.
  outcome<> open(std::uint32_t from, std::uint32_t to, greeting first, std::uint32_t base);
  outcome<> exchange();
  outcome<> close(closing style);
  /// Lets time pass, which counts as planned.
  outcome<> rest(phase at, std::chrono::nanoseconds time);

  /// Gives every part a measurement; it goes on while the calls below wait.
  outcome<> begin_measuring(const timetable& when, double rate);
  outcome<> wait_until(phase at, std::chrono::nanoseconds instant);
  /// Sets the hogs to work, and waits until the last has been answered: from when to when. Where a
  /// stop was asked for, nothing that counts.
  outcome<message::settled> wait_for_hogs();
  outcome<> tell_hogs_over(const message::hogs_over& over);
  /// Waits for the end of the measurement, and stops it where that was asked for.
  outcome<loop_tally> end_measuring();

  /// Whether the run is to end early.
  bool stopped() const noexcept { return team_.stop_asked(); }
  /// Connections that are open.
  std::uint32_t connections() const;
  const std::optional<server_probe>& probe() const noexcept { return probe_; }
  std::uint32_t parts() const noexcept { return static_cast<std::uint32_t>(shares_.size()); }

  /// For a run that counts something else than connections.
  void report_storms(std::uint64_t done, std::uint64_t of) { storms_ = {done, of}; }

 private:
  struct counted {
    std::uint64_t done = 0;
    std::uint64_t of = 0;
  };

  outcome<> finish(phase at, std::uint64_t of);
  void report(phase at, double fraction, counted what) const;

  const target_plan& plan_;
  const watch& onlooker_;
  team team_;
  std::vector<std::uint32_t> shares_;
  std::optional<std::size_t> hog_part_;
  std::optional<server_probe> probe_;
  std::chrono::nanoseconds ahead_{};
  counted storms_;
};

}  // namespace cede::measure::load
