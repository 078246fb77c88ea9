/// \file
/// Until when an operation may take.
///
/// Every call that can wait takes a `cede::deadline` last, so all of these work:
///
///     stream.read_some(buffer);                            // no limit
///     stream.read_some(buffer, 50ms);                      // 50 ms from now
///     const cede::deadline limit = 2s;                     // one limit for several calls
///     stream.read_exact(head, limit);
///     stream.read_some(buffer, cede::clock::now() + 1s);   // an instant
#pragma once

#include <cede/clock.hpp>
#include <chrono>
#include <compare>
#include <concepts>
#include <limits>
#include <ratio>

namespace cede {

/// An instant of `cede::clock`, or never. A duration counts from the moment of conversion; a
/// negative one is already over, one too long to be an instant is never.
class deadline {
 public:
  /// Never.
  constexpr deadline() noexcept = default;

  /// At `instant`; `time_point::max()` is never.
  constexpr deadline(clock::time_point instant) noexcept : when_(instant) {}

  /// `time` from now.
  template <class Rep, class Period>
  deadline(std::chrono::duration<Rep, Period> time) noexcept
      : when_(after(saturated_nanoseconds(time))) {}

  [[nodiscard]] constexpr clock::time_point when() const noexcept { return when_; }
  [[nodiscard]] constexpr bool is_never() const noexcept {
    return when_ == clock::time_point::max();
  }

  /// Whether the instant has come. Reads the clock unless the deadline is never.
  [[nodiscard]] bool expired() const noexcept { return !is_never() && clock::now() >= when_; }

  [[nodiscard]] static constexpr deadline earlier(deadline a, deadline b) noexcept {
    return a.when_ < b.when_ ? a : b;
  }

  friend constexpr auto operator<=>(deadline, deadline) noexcept = default;

 private:
  static constexpr clock::rep longest = std::numeric_limits<clock::rep>::max();
  static constexpr clock::rep shortest = std::numeric_limits<clock::rep>::min();

  template <class Rep, class Period>
  static constexpr clock::rep saturated_nanoseconds(std::chrono::duration<Rep, Period> time) {
    using scale = std::ratio_divide<Period, std::nano>;
    if constexpr (std::integral<Rep> && scale::den == 1) {
      clock::rep nanoseconds = 0;
      if (!__builtin_mul_overflow(time.count(), scale::num, &nanoseconds)) return nanoseconds;
      return time.count() < Rep{0} ? shortest : longest;
    } else {
      const auto exact = std::chrono::duration<long double, std::nano>(time).count();
      if (exact >= static_cast<long double>(longest)) return longest;
      // Written so that not-a-number counts as over, which shows, and not as a wait without end.
      if (!(exact > static_cast<long double>(shortest))) return shortest;
      return static_cast<clock::rep>(exact);
    }
  }

  static clock::time_point after(clock::rep nanoseconds) noexcept {
    if (nanoseconds == longest) return clock::time_point::max();
    clock::rep instant = 0;
    if (__builtin_add_overflow(clock::now().time_since_epoch().count(), nanoseconds, &instant)) {
      instant = nanoseconds < 0 ? shortest : longest;
    }
    return clock::time_point(clock::duration(instant));
  }

  clock::time_point when_ = clock::time_point::max();
};

/// The deadline that does not come.
inline constexpr deadline never{};

static_assert(sizeof(deadline) == 8);

}  // namespace cede
