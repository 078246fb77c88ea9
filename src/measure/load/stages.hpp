// Points of a run at which nothing is under way, for whoever wants to look at the server there.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "measure/load/failure.hpp"

namespace cede::measure::load {

enum class stage : std::uint8_t {
  first_opened,  ///< so many connections that what a server sets up once is there
  opened,        ///< all connections
  exchanged,     ///< a message on each
  measured,      ///< the load is over, every message answered, the connections still open
};

[[nodiscard]] constexpr std::string_view name_of(stage reached) noexcept {
  switch (reached) {
    case stage::first_opened:
      return "first-opened";
    case stage::opened:
      return "opened";
    case stage::exchanged:
      return "exchanged";
    case stage::measured:
      break;
  }
  return "measured";
}

/// Called at each stage; the run goes on when it returns. May be empty.
using stage_watcher = std::function<outcome<>(stage)>;

}  // namespace cede::measure::load
