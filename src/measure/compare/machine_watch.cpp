#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "measure/compare/machine.hpp"
#include "measure/compare/proc_file.hpp"

namespace cede::measure::compare {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double cpu_seconds(int whose) {
  rusage used{};
  ::getrusage(whose, &used);
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double in_seconds(std::uint64_t ticks) {
  return static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

machine_watch::moment machine_watch::now() {
  moment result{.at = std::chrono::steady_clock::now(), .all = {}};
  if (const auto stat = read_file("/proc/stat"))
    result.all = cpu_ticks_of(*stat).value_or(cpu_ticks{});
  result.ours = cpu_seconds(RUSAGE_SELF) + cpu_seconds(RUSAGE_CHILDREN);
  return result;
}

machine_watch::machine_watch(std::chrono::milliseconds look) : begin_(now()) {
  std::this_thread::sleep_for(look);
  const moment before = std::exchange(begin_, now());
  const machine_use use = between(before, begin_);
  busy_before_ = use.others_seconds / (std::max(use.seconds, 1e-9) * use.cpus);
}

machine_use machine_watch::between(const moment& begin, const moment& end) {
  machine_use use;
  use.cpus = static_cast<unsigned>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  use.seconds = std::chrono::duration<double>(end.at - begin.at).count();
  const double busy = in_seconds(end.all.busy - begin.all.busy);
  use.others_seconds = std::max(0.0, busy - (end.ours - begin.ours));
  use.stolen_seconds = in_seconds(end.all.stolen - begin.all.stolen);
  return use;
}

machine_use machine_watch::so_far() const {
  machine_use use = between(begin_, now());
  use.busy_before = busy_before_;
  return use;
}

std::vector<report::warning> warnings_about(const machine_use& use) {
  constexpr double much_before = 0.1;
  constexpr double much_others = 0.05;
  constexpr double much_stolen = 0.02;
  const double capacity = std::max(use.seconds, 1e-9) * use.cpus;
  std::vector<report::warning> warnings;
  const auto warn = [&warnings](std::string text) {
    warnings.push_back({"machine", std::move(text)});
  };
  if (use.busy_before > much_before)
    warn(fmt::format("other processes used {:.0f} % of the CPUs just before the first measurement",
                     100 * use.busy_before));
  if (use.others_seconds > much_others * capacity)
    warn(
        fmt::format("other processes used {:.0f} % of the CPUs meanwhile; figures of time are "
                    "worth less",
                    100 * use.others_seconds / capacity));
  if (use.stolen_seconds > much_stolen * capacity)
    warn(fmt::format("the host gave {:.0f} % of the CPU time to other guests (steal)",
                     100 * use.stolen_seconds / capacity));
  return warnings;
}

}  // namespace cede::measure::compare
