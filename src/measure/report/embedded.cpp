#include "measure/report/embedded.hpp"

// Made by cede_embed of cmake/embed.cmake.
extern "C" {
extern const char cede_embedded_chart_js[];
extern const char cede_embedded_chart_js_end[];
extern const char cede_embedded_page_script[];
extern const char cede_embedded_page_script_end[];
extern const char cede_embedded_page_style[];
extern const char cede_embedded_page_style_end[];
}

namespace cede::measure::report {

std::string_view chart_js() noexcept {
  return {cede_embedded_chart_js, cede_embedded_chart_js_end};
}

std::string_view page_script() noexcept {
  return {cede_embedded_page_script, cede_embedded_page_script_end};
}

std::string_view page_style() noexcept {
  return {cede_embedded_page_style, cede_embedded_page_style_end};
}

}  // namespace cede::measure::report
