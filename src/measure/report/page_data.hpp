// What the page's script draws from.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "measure/report/plots.hpp"

namespace cede::measure::report {

/// The plots as JSON that is safe within a script element: it holds no "<".
[[nodiscard]] std::string page_data(const std::vector<section>& all);

/// The text with "us" written with the sign for micro where it is the unit of a number.
[[nodiscard]] std::string with_micro(std::string text);

/// As `quantity`, with that sign.
[[nodiscard]] std::string page_quantity(double value, std::string_view unit);

}  // namespace cede::measure::report
