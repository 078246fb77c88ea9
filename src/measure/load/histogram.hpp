// Latencies in buckets whose width grows with the value, so that any quantile from nanoseconds to
// hours is known to 1.6 % from a table of fixed size. (The bucket layout of HdrHistogram, with 64
// buckets an octave.)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace cede::measure::load {

class histogram {
 public:
  void record(std::uint64_t value) noexcept;
  /// As if `count` values, evenly spaced from `least` to `most`, had been recorded.
  /// Requires: both fall into one bucket.
  void record_alike(std::uint64_t least, std::uint64_t most, std::uint64_t count) noexcept;

  std::uint64_t count() const noexcept { return count_; }
  /// The largest value recorded, exact; 0 when empty.
  std::uint64_t max() const noexcept { return max_; }
  /// The mean of all values, exact; 0 when empty.
  double mean() const noexcept;
  /// The least bucket edge that at least `fraction` (0 to 1) of the values do not exceed, never
  /// above max(); 0 when empty.
  std::uint64_t quantile(double fraction) const noexcept;

  /// Adds all that `other` holds, as if its values had been recorded here.
  void add(const histogram& other) noexcept;

  /// All that a histogram knows, with the buckets that are not empty.
  struct contents {
    std::vector<std::pair<std::size_t, std::uint64_t>> buckets;
    std::uint64_t max = 0;
    double sum = 0;
  };
  contents unpacked() const;
  /// Nothing if a bucket does not exist.
  static std::optional<histogram> packed(const contents& from);

  static std::size_t bucket_of(std::uint64_t value) noexcept;
  /// The largest value that falls into `bucket`.
  static std::uint64_t upper_edge(std::size_t bucket) noexcept;

 private:
  static constexpr unsigned octave_bits = 6;
  static constexpr std::size_t octave = std::size_t{1} << octave_bits;
  static constexpr std::size_t buckets = (64 - octave_bits + 1) * octave;

  std::array<std::uint64_t, buckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace cede::measure::load
