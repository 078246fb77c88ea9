#include "measure/bare/working_set.hpp"

#include <algorithm>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

namespace cede::measure::bare {

working_set::working_set(std::size_t most)
    : room_(std::make_unique<line[]>(std::max<std::size_t>(most / sizeof(line), 1))) {}

void working_set::resize(std::size_t bytes) noexcept {
  lines_ = std::max<std::size_t>(bytes / sizeof(line), 1);
  // Sattolo's algorithm: one cycle through all lines (Inf. Proc. Letters 22, 1986).
  std::vector<std::size_t> order(lines_);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::minstd_rand random(static_cast<std::minstd_rand::result_type>(lines_));
  for (std::size_t i = lines_; i-- > 1;)
    std::swap(order[i], order[std::uniform_int_distribution<std::size_t>(0, i - 1)(random)]);
  for (std::size_t i = 0; i < lines_; ++i) room_[i] = {&room_[order[i]], 0};
}

bool working_set::written_exactly(std::uint64_t times) const noexcept {
  return std::all_of(room_.get(), room_.get() + lines_,
                     [&](const line& one) { return one.written == times; });
}

}  // namespace cede::measure::bare
