// Who looks on while a run goes: it hears how far it is, and may end it early. Whoever wants to
// take samples at a moment of quiet uses stages.hpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

namespace cede::measure::load {

enum class phase : std::uint8_t {
  opening,   ///< counted in connections
  settling,  ///< as all others, counted in time
  holding,
  exchanging,  ///< counted in connections
  warming_up,
  measuring,
  hogged,  ///< as long as the hogs take
  recovering,
  draining,
  closing,
};

struct progress {
  phase at = phase::opening;
  /// Of the phase, from 0 to 1; negative if nobody knows.
  double fraction = 0;
  /// What is planned after this phase; how long connecting takes is not in it.
  std::chrono::nanoseconds afterwards{};
  /// Connections or storms; 0 of 0 where time is what counts.
  std::uint64_t done = 0;
  std::uint64_t of = 0;
};

struct watch {
  /// Called at the beginning of each phase and some ten times a second within it.
  std::function<void(const progress&)> progressed = {};
  /// Readable: end the run and report what there is; -1 for none.
  int stop_fd = -1;
};

}  // namespace cede::measure::load
