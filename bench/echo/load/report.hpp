// Results as text for people (at most 80 columns) or as one JSON object for scripts.
#pragma once

#include <string>

#include "churn_run.hpp"
#include "echo_run.hpp"
#include "idle_run.hpp"

namespace bench::load {

enum class report_format { text, json };

std::string render(const target_plan& plan, const echo_report& report, report_format format);
std::string render(const target_plan& plan, const idle_report& report, report_format format);
std::string render(const target_plan& plan, const churn_report& report, report_format format);

}  // namespace bench::load
