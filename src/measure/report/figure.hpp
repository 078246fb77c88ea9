// A measured number with its spread, or the reason why there is none.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cede::measure::report {

/// What was measured several times. One that nobody has filled in says "not measured", so nothing
/// is ever shown as zero by mistake.
struct figure {
  double median = 0;
  double low = 0;   ///< the least sample
  double high = 0;  ///< the greatest
  std::string unit = {};
  std::vector<double> samples = {};  ///< in the order in which they were taken
  /// Why there is no number; the numbers mean nothing then.
  std::optional<std::string> missing_because = "not measured";

  [[nodiscard]] bool available() const noexcept { return !missing_because.has_value(); }

  /// Half of the range between least and greatest, as a part of the median; 0 without numbers.
  [[nodiscard]] double spread() const noexcept;

  friend bool operator==(const figure&, const figure&) = default;
};

/// The median and range of samples. No samples, or one that is not finite, make a missing figure
/// that says so.
[[nodiscard]] figure summarize(std::vector<double> samples, std::string_view unit);

/// One number that cannot vary, such as a limit.
[[nodiscard]] figure exact(double value, std::string_view unit);

/// `why` completes "not available: ...": "SCHED_FIFO is not permitted".
[[nodiscard]] figure missing(std::string why, std::string_view unit = {});

}  // namespace cede::measure::report
