#include "sched/monitor_cpus.hpp"

namespace cede::sched {

void monitor_cpus::begin() noexcept {
  known_ = ::sched_getaffinity(0, sizeof allowed_, &allowed_) == 0;
  now_ = allowed_;
}

void monitor_cpus::keep_off(std::span<const int> taken) noexcept {
  if (!known_) return;
  cpu_set_t wanted = allowed_;
  for (const int cpu : taken)
    if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_CLR(cpu, &wanted);
  if (CPU_COUNT(&wanted) == 0) wanted = allowed_;
  if (CPU_EQUAL(&wanted, &now_)) return;
  if (::sched_setaffinity(0, sizeof wanted, &wanted) == 0) now_ = wanted;
}

}  // namespace cede::sched
