// `cede serve echo --stats`: figures about the server, for whoever holds the other end of its
// stdin.
#pragma once

#include "cli/echo_service.hpp"

namespace cede::cli {

/// Reads lines from stdin and answers each with one line on stdout, a JSON object:
///     {"at_us":1000000,"switches":12345,"preemptions":0,"connections":1000,"bytes":64000,
///      "hog_units":0,"hog_ran_us":0}
/// `switches` are those to a fiber that the workers have made so far, in user space, `preemptions`
/// how often they took one off because its time was over; connections and bytes count those that
/// have ended, the work of hogs (spin.hpp) counts as it is done, and `at_us` is the time. Returns
/// at the end of stdin, or when it is cancelled. Requires: a cooperative fiber. Blocks: the fiber.
void answer_stats(const echo_totals& totals);

}  // namespace cede::cli
