// Files that are part of the program (cmake/embed.cmake), for pages that need nothing from outside.
#pragma once

#include <string_view>

namespace cede::measure::report {

[[nodiscard]] std::string_view chart_js() noexcept;     ///< Debian's libjs-chart.js
[[nodiscard]] std::string_view page_script() noexcept;  ///< page/script.js
[[nodiscard]] std::string_view page_style() noexcept;   ///< page/style.css

}  // namespace cede::measure::report
