#include "measure/load/lead.hpp"

#include <algorithm>
#include <variant>

namespace cede::measure::load {
namespace {

using std::chrono::nanoseconds;

double part_of(double done, double whole) { return whole <= 0 ? 1 : std::min(1.0, done / whole); }

}  // namespace

outcome<> lead::start(std::uint32_t hogs, nanoseconds hog_limit) {
  if (plan_.server_pid != 0) {
    auto attached = server_probe::attach(plan_.server_pid);
    if (!attached) return std::unexpected(attached.error());
    probe_ = *attached;
  }
  const auto parts = parts_needed(plan_.connections, hogs, plan_.processes);
  if (!parts) return std::unexpected(parts.error());
  connection_plan each = plan_;
  each.connect_limit = std::max(1U, plan_.connect_limit / *parts);
  for (std::uint32_t i = 0; i < *parts; ++i) {
    shares_.push_back(plan_.connections / *parts + (i < plan_.connections % *parts ? 1 : 0));
    if (auto added = team_.add(each, *parts > 1 ? plan_.program : ""); !added) return added;
  }
  if (hogs > 0) {
    connection_plan hogging = plan_;
    hogging.behave = connection_plan::temper::hogging;
    hogging.connect_limit = hogs;
    hogging.timeout = hog_limit;
    hog_part_ = team_.size();
    if (auto added = team_.add(hogging, ""); !added) return added;
  }
  if (auto ready = finish(phase::opening, 0); !ready) return ready;
  if (!hog_part_) return {};
  if (auto told = team_.tell(*hog_part_, message::open{plan_.connections, hogs, false}); !told)
    return told;
  return finish(phase::opening, 0);
}

void lead::report(phase at, double fraction, counted what) const {
  if (!onlooker_.progressed) return;
  if (storms_.of != 0) what = storms_;
  onlooker_.progressed(
      {.at = at, .fraction = fraction, .afterwards = ahead_, .done = what.done, .of = what.of});
}

// Waits until every part has done what it was told; ends them early where that was asked for.
outcome<> lead::finish(phase at, std::uint64_t of) {
  const auto heard = team_.listen(
      nanoseconds::max(), [this] { return !team_.at_work(); },
      [&](std::uint64_t done) {
        report(at, part_of(static_cast<double>(done), static_cast<double>(of)), {done, of});
      });
  if (!heard) return heard;
  return team_.stop();
}

outcome<> lead::open(std::uint32_t from, std::uint32_t to, greeting first, std::uint32_t base) {
  std::uint32_t begin = 0;
  for (std::size_t i = 0; i < shares_.size(); begin += shares_[i++]) {
    const std::uint32_t least = std::max(from, begin);
    const std::uint32_t most = std::min(to, begin + shares_[i]);
    if (least >= most) continue;
    const message::open what{base + begin, most - least, first == greeting::exchanged};
    if (auto told = team_.tell(i, what); !told) return told;
  }
  return finish(phase::opening, plan_.connections);
}

outcome<> lead::exchange() {
  for (std::size_t i = 0; i < shares_.size(); ++i)
    if (auto told = team_.tell(i, message::exchange{}); !told) return told;
  return finish(phase::exchanging, plan_.connections);
}

outcome<> lead::close(closing style) {
  for (std::size_t i = 0; i < shares_.size(); ++i)
    if (auto told = team_.tell(i, message::close{style == closing::reset}); !told) return told;
  return finish(phase::closing, 0);
}

outcome<> lead::wait_until(phase at, nanoseconds instant) {
  const nanoseconds began = monotonic_now();
  const auto length = static_cast<double>((instant - began).count());
  return team_.listen(
      instant, [] { return false; },
      [&](std::uint64_t) {
        report(at, part_of(static_cast<double>((monotonic_now() - began).count()), length), {});
      });
}

outcome<> lead::rest(phase at, nanoseconds time) {
  ahead_ -= std::min(time, ahead_);
  return wait_until(at, monotonic_now() + time);
}

outcome<> lead::begin_measuring(const timetable& when, double rate) {
  const auto all = static_cast<double>(plan_.connections);
  for (std::size_t i = 0; i < shares_.size(); ++i) {
    const message::measure what{
        .when = when,
        .rate = rate * shares_[i] / all,
        .offset = static_cast<double>(i) / static_cast<double>(shares_.size())};
    if (auto told = team_.tell(i, what); !told) return told;
  }
  return {};
}

outcome<message::settled> lead::wait_for_hogs() {
  if (auto told = team_.tell(*hog_part_, message::exchange{}); !told)
    return std::unexpected(told.error());
  const auto heard = team_.listen(
      nanoseconds::max(), [this] { return !team_.at_work(*hog_part_); },
      [this](std::uint64_t) { report(phase::hogged, -1, {}); });
  if (!heard) return std::unexpected(heard.error());
  const auto* done = std::get_if<message::settled>(&team_.answer(*hog_part_));
  return done != nullptr ? *done : message::settled{};
}

outcome<> lead::tell_hogs_over(const message::hogs_over& over) {
  for (std::size_t i = 0; i < shares_.size(); ++i)
    if (auto told = team_.tell(i, over); !told) return told;
  return {};
}

outcome<loop_tally> lead::end_measuring() {
  if (auto finished = finish(phase::draining, 0); !finished)
    return std::unexpected(finished.error());
  loop_tally sum;
  for (std::size_t i = 0; i < shares_.size(); ++i)
    if (const auto* measured = std::get_if<message::measured>(&team_.answer(i)))
      sum.add(measured->tally);
  return sum;
}

std::uint32_t lead::connections() const {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < shares_.size(); ++i)
    if (const auto* settled = std::get_if<message::settled>(&team_.answer(i)))
      sum += settled->connections;
  return sum;
}

}  // namespace cede::measure::load
