// Words for reports: who failed, and how.
#pragma once

#include <string>

#include "sched/spawned.hpp"

namespace cede::sched {

/// "fiber 'name'", "fiber 12", "thread".
std::string name_of(const runnable& who);

/// The message of the error or exception.
std::string text_of(const detail::outcome& ended);

}  // namespace cede::sched
