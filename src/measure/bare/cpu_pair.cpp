#include "measure/bare/cpu_pair.hpp"

namespace cede::measure::bare {

cpu_pair usable_pair() noexcept {
  cpu_set_t usable;
  CPU_ZERO(&usable);
  if (::sched_getaffinity(0, sizeof usable, &usable) != 0) return {};
  cpu_pair found{-1, -1};
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &usable)) continue;
    if (found.first < 0) found.first = cpu;
    found.second = cpu;
  }
  return found.first < 0 ? cpu_pair{} : found;
}

pinned::pinned(cpu_pair cpus) noexcept {
  CPU_ZERO(&before_);
  ::sched_getaffinity(0, sizeof before_, &before_);
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(cpus.first, &only);
  CPU_SET(cpus.second, &only);
  ::sched_setaffinity(0, sizeof only, &only);
}

pinned::~pinned() { ::sched_setaffinity(0, sizeof before_, &before_); }

void move_to_cpu(int cpu) noexcept {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(cpu, &only);
  ::sched_setaffinity(0, sizeof only, &only);
}

}  // namespace cede::measure::bare
