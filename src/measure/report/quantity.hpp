// Numbers for people: three significant digits and a unit of a fitting size.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "measure/report/figure.hpp"

namespace cede::measure::report {

/// "4.62 KiB", "7.40 us", "132,000 messages/s", "0.012 switches/message". Times are given in "ns"
/// or "us", memory in "B".
[[nodiscard]] std::string quantity(double value, std::string_view unit);

/// The same in at most 7 columns: "4.62KiB", "7.40us", "132k", "1e+300".
[[nodiscard]] std::string short_quantity(double value, std::string_view unit);

/// "132,000": three significant digits, no unit.
[[nodiscard]] std::string rounded(double value);

/// Whole numbers with separators: "10,000".
[[nodiscard]] std::string grouped(std::uint64_t value);

/// "2.1", as in "a factor of 2.1".
[[nodiscard]] std::string factor(double ratio);

/// "2.1 times": how many times `larger` holds `smaller`.
[[nodiscard]] std::string times(double ratio);

}  // namespace cede::measure::report
