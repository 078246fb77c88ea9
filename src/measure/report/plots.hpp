// What the page draws: every plot is data that a chart and the table behind it are both made of, so
// that the two cannot differ.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "measure/report/results.hpp"

namespace cede::measure::report {

enum class form : std::uint8_t {
  bars,     ///< one for each category and series, side by side
  stacked,  ///< the series of a category add up
  lines,    ///< categories are places on a logarithmic axis
};

struct category {
  std::string name = {};
  nature is = nature::fiber;
  double place = 0;  ///< lines: on the axis
  /// Why there is nothing to draw for it.
  std::optional<std::string> missing_because = {};
};

struct series {
  std::string name = {};
  std::vector<figure> values = {};  ///< one for each category
  nature is = nature::fiber;        ///< lines: what it is about
};

struct plot {
  std::string id = {};  ///< unique in the page: letters, digits and hyphens
  std::string title = {};
  std::string lead = {};  ///< what the numbers say, in a sentence; may be empty
  std::string note = {};  ///< how to read it; may be empty
  form drawn_as = form::bars;
  std::string unit = {};
  std::string category_title = {};  ///< over the table's first column
  std::string place_unit = {};      ///< lines: of the categories' axis
  std::vector<category> categories = {};
  std::vector<series> all = {};
  /// Stacked: what each category comes to, as measured; may be empty.
  std::vector<figure> totals = {};

  /// Whether magnitudes differ so much that a linear axis would hide the small ones.
  [[nodiscard]] bool logarithmic() const;
};

struct section {
  std::string id = {};
  std::string title = {};
  std::string intro = {};
  std::vector<plot> plots = {};
};

/// Everything that there are figures of, in the order of the page; no empty plots or sections.
[[nodiscard]] std::vector<section> sections(const results& run);

}  // namespace cede::measure::report
