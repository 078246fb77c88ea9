// Parts that are processes: how the leader starts and ends one, and what the process itself does.
#pragma once

#include <sys/types.h>

#include <string>

#include "measure/load/failure.hpp"

namespace cede::measure::load {

/// The descriptor by which a part's process hears from its leader.
inline constexpr int part_descriptor = 3;

/// Starts `program load part` with `socket` as its part_descriptor. SIGINT and SIGTERM are blocked
/// in it: a signal to the whole group is the leader's business, and with the leader the part ends.
outcome<pid_t> start_process(const std::string& program, int socket);

/// Waits for its end, which comes when its socket is closed.
void end_process(pid_t process) noexcept;

/// Waits for the end of one that has left by itself, and says how it did.
std::string how_it_ended(pid_t process);

/// What `cede load part` does: a part at part_descriptor, until its leader is gone.
/// Errors: nobody leads.
outcome<> run_process_part();

}  // namespace cede::measure::load
