// The limit of open descriptors, met before the first connection and not in the middle.
#pragma once

#include <cstdint>

#include "measure/load/failure.hpp"

namespace cede::measure::load {

/// Makes room for `connections` sockets: raises the soft RLIMIT_NOFILE to the hard one, and the
/// hard one too where the process may.
/// Errors: a line that names the limit, its value and what to raise.
outcome<> reserve_descriptors(std::uint32_t connections);

}  // namespace cede::measure::load
