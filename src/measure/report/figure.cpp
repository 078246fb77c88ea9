#include "measure/report/figure.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace cede::measure::report {
namespace {

double median_of(std::vector<double> sorted) {
  const auto middle = sorted.size() / 2;
  return sorted.size() % 2 != 0 ? sorted[middle]
                                : std::midpoint(sorted[middle - 1], sorted[middle]);
}

}  // namespace

double figure::spread() const noexcept {
  if (!available() || median == 0) return 0;
  return (high - low) / 2 / std::abs(median);
}

figure summarize(std::vector<double> samples, std::string_view unit) {
  if (samples.empty()) return missing("not measured", unit);
  if (!std::ranges::all_of(samples, [](double sample) { return std::isfinite(sample); }))
    return missing("a sample was not a finite number", unit);
  std::vector<double> sorted = samples;
  std::ranges::sort(sorted);
  figure result{.low = sorted.front(), .high = sorted.back(), .unit = std::string(unit)};
  result.median = median_of(std::move(sorted));
  result.samples = std::move(samples);
  result.missing_because.reset();
  return result;
}

figure exact(double value, std::string_view unit) { return summarize({value}, unit); }

figure missing(std::string why, std::string_view unit) {
  return {.unit = std::string(unit), .missing_because = std::move(why)};
}

}  // namespace cede::measure::report
