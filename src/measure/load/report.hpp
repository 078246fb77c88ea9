// Results as text for people (at most 80 columns) or as one JSON object for scripts.
#pragma once

#include <string>

#include "measure/load/churn_run.hpp"
#include "measure/load/echo_run.hpp"
#include "measure/load/idle_run.hpp"

namespace cede::measure::load {

std::string to_text(const echo_report& report);
std::string to_text(const idle_report& report);
std::string to_text(const churn_report& report);

/// One object on one line. Times are in the unit that a name ends with.
std::string to_json_text(const target_plan& plan, const echo_report& report);
std::string to_json_text(const target_plan& plan, const idle_report& report);
std::string to_json_text(const target_plan& plan, const churn_report& report);

}  // namespace cede::measure::load
