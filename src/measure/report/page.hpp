// report.html: one file that needs nothing from outside.
#pragma once

#include <string>
#include <string_view>

#include "measure/report/results.hpp"

namespace cede::measure::report {

/// The whole page.
[[nodiscard]] std::string page(const results& run);

/// The text with what HTML would take for markup written as entities; for attributes as well.
[[nodiscard]] std::string escaped(std::string_view text);

}  // namespace cede::measure::report
