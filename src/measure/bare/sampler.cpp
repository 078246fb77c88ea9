#include "measure/bare/sampler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace cede::measure::bare {
namespace {

class series {
 public:
  series(const cost& what, const effort& how) : into_(what.into), take_(what.take) {
    const auto rounds = enough_rounds(take_, how.least);
    if (rounds)
      rounds_ = *rounds;
    else
      obstacle_ = rounds.error();
  }

  void sample() {
    if (!obstacle_.empty()) return;
    if (const attempt taken = take_(rounds_))
      samples_.push_back(taken->each());
    else
      obstacle_ = taken.error();
  }

  void settle() {
    *into_ = obstacle_.empty() ? report::summarize(std::move(samples_), "ns")
                               : report::missing(std::move(obstacle_), "ns");
  }

 private:
  report::figure* into_;
  const measurement& take_;
  std::uint64_t rounds_ = 0;
  std::vector<double> samples_;
  std::string obstacle_;
};

}  // namespace

void require_count(const char* what, std::uint64_t found, std::uint64_t wanted) {
  if (found != wanted)
    throw wrong_answer(fmt::format("{}: {} were counted where {} were due", what, found, wanted));
}

std::expected<std::uint64_t, std::string> enough_rounds(const measurement& take,
                                                        std::chrono::microseconds least) {
  constexpr std::uint64_t most = std::uint64_t{1} << 28;
  for (std::uint64_t rounds = 16;;) {
    const attempt taken = take(rounds);
    if (!taken) return std::unexpected(taken.error());
    if (taken->elapsed >= least || rounds >= most) return rounds;
    const double wanted = nanoseconds(least) / std::max(taken->elapsed, nanoseconds(1));
    rounds *= static_cast<std::uint64_t>(std::clamp(wanted * 1.2, 2.0, 32.0));
  }
}

void take_all(std::span<const cost> costs, const effort& how) {
  std::vector<series> all;
  all.reserve(costs.size());
  for (const cost& one : costs) all.emplace_back(one, how);
  for (unsigned turn = 0; turn < how.repeats; ++turn)
    for (series& one : all) one.sample();
  for (series& one : all) one.settle();
}

}  // namespace cede::measure::bare
