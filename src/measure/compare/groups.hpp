// Which servers can live at the same time, with all their connections open.
#pragma once

#include <cstdint>
#include <vector>

#include "measure/compare/limits.hpp"

namespace cede::measure::compare {

/// The contestants, by their index in `all`, in groups as few as this machine allows. The first of
/// all is in each group, so that the others can be compared with it; one for which there is no room
/// beside it stands alone.
[[nodiscard]] std::vector<std::vector<std::size_t>> groups_of(
    const std::vector<report::nature>& all, std::uint64_t connections,
    const machine_limits& limits);

}  // namespace cede::measure::compare
