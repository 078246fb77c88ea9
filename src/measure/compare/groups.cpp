#include "measure/compare/groups.hpp"

namespace cede::measure::compare {

std::vector<std::vector<std::size_t>> groups_of(const std::vector<report::nature>& all,
                                                std::uint64_t connections,
                                                const machine_limits& limits) {
  std::vector<std::vector<std::size_t>> groups;
  std::vector<report::nature> within;
  for (std::size_t next = 0; next < all.size(); ++next) {
    within.push_back(all[next]);
    if (!groups.empty() && fit_together(within, connections, limits)) {
      groups.back().push_back(next);
      continue;
    }
    within = {all.front(), all[next]};
    const bool beside = next > 0 && fit_together(within, connections, limits);
    if (!beside) within = {all[next]};
    groups.push_back(beside ? std::vector<std::size_t>{0, next} : std::vector<std::size_t>{next});
  }
  return groups;
}

}  // namespace cede::measure::compare
