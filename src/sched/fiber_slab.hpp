// Where the control blocks of all fibers of the process live: one dense slab that is never
// unmapped, so whoever unparks, reports or inspects may always read a block.
#pragma once

#include "base/slab.hpp"
#include "sched/fiber.hpp"

namespace cede::sched {

base::slab<fiber>& all_fibers() noexcept;

}  // namespace cede::sched
