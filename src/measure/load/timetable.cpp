#include "measure/load/timetable.hpp"

namespace cede::measure::load {

std::optional<window> timetable::arriving(instant at) const noexcept {
  const auto which = running(at);
  if (which == window::during && (at < during_from || at >= during_to)) return std::nullopt;
  return which;
}

std::optional<window> timetable::running(instant at) const noexcept {
  if (at < from || at >= end) return std::nullopt;
  if (at < to) return window::before;
  return at < hogs_over ? window::during : window::after;
}

std::optional<window> timetable::attributed(pacing how, instant due,
                                            instant answered) const noexcept {
  const instant counts = how == pacing::open_loop ? due : answered;
  if (hogs && answered >= during_from && due < during_to) return window::during;
  return arriving(counts);
}

timetable::instant timetable::next_boundary(instant at) const noexcept {
  for (const instant boundary : {from, to, hogs_over, end})
    if (boundary > at) return boundary;
  return never;
}

}  // namespace cede::measure::load
