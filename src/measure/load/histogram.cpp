#include "measure/load/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace cede::measure::load {

// Values below two octaves have a bucket each. Above, the exponent says how many low bits the
// bucket ignores, and the bits left are always in [octave, 2 * octave), so the index never jumps.
std::size_t histogram::bucket_of(std::uint64_t value) noexcept {
  if (value < 2 * octave) return static_cast<std::size_t>(value);
  const auto exponent = static_cast<unsigned>(std::bit_width(value)) - (octave_bits + 1);
  return exponent * octave + static_cast<std::size_t>(value >> exponent);
}

std::uint64_t histogram::upper_edge(std::size_t bucket) noexcept {
  if (bucket < 2 * octave) return bucket;
  const std::size_t exponent = bucket / octave - 1;
  const std::uint64_t kept_bits = bucket - exponent * octave;
  return ((kept_bits + 1) << exponent) - 1;
}

void histogram::record(std::uint64_t value) noexcept {
  ++counts_[bucket_of(value)];
  ++count_;
  max_ = std::max(max_, value);
  sum_ += static_cast<double>(value);
}

void histogram::record_alike(std::uint64_t least, std::uint64_t most,
                             std::uint64_t count) noexcept {
  counts_[bucket_of(most)] += count;
  count_ += count;
  max_ = std::max(max_, most);
  sum_ += (static_cast<double>(least) + static_cast<double>(most)) / 2 * static_cast<double>(count);
}

void histogram::add(const histogram& other) noexcept {
  for (std::size_t bucket = 0; bucket < buckets; ++bucket) counts_[bucket] += other.counts_[bucket];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
}

histogram::contents histogram::unpacked() const {
  contents all{.buckets = {}, .max = max_, .sum = sum_};
  for (std::size_t bucket = 0; bucket < buckets; ++bucket)
    if (counts_[bucket] != 0) all.buckets.emplace_back(bucket, counts_[bucket]);
  return all;
}

std::optional<histogram> histogram::packed(const contents& from) {
  histogram result;
  for (const auto& [bucket, count] : from.buckets) {
    if (bucket >= buckets) return std::nullopt;
    result.counts_[bucket] += count;
    result.count_ += count;
  }
  result.max_ = from.max;
  result.sum_ = from.sum;
  return result;
}

double histogram::mean() const noexcept {
  return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

std::uint64_t histogram::quantile(double fraction) const noexcept {
  if (count_ == 0) return 0;
  const auto wanted = std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(std::ceil(fraction * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
    seen += counts_[bucket];
    if (seen >= wanted) return std::min(upper_edge(bucket), max_);
  }
  return max_;
}

}  // namespace cede::measure::load
