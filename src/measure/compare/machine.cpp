#include "measure/compare/machine.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <gnu/libc-version.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <ctime>

#include "measure/compare/proc_file.hpp"

namespace cede::measure::compare {
namespace {

std::string trimmed(std::string text) {
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  text.erase(0, std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  return text;
}

// "model name : AMD EPYC"; processors that are no x86 do not say it.
std::string cpu_model() {
  const std::string text = read_file("/proc/cpuinfo").value_or("");
  const std::size_t at = text.find("model name");
  if (at == text.npos) return "unknown processor";
  const std::size_t from = text.find(':', at) + 1;
  return trimmed(text.substr(from, text.find('\n', from) - from));
}

std::string kernel() {
  utsname name{};
  if (::uname(&name) != 0) return "unknown kernel";
  return fmt::format("{} {}", name.sysname, name.release);
}

std::string compiler() {
#if defined(__clang__)
  const std::string name = "clang " __clang_version__;
#else
  const std::string name = "g++ " __VERSION__;
#endif
#if defined(__OPTIMIZE__)
  return trimmed(name) + ", optimised";
#else
  return trimmed(name) + ", not optimised";
#endif
}

std::string now_in_utc() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

std::uint64_t bytes(int name) {
  const long value = ::sysconf(name);
  return value > 0 ? static_cast<std::uint64_t>(value) : 0;
}

std::string limit(__rlimit_resource_t which) {
  rlimit found{};
  if (::getrlimit(which, &found) != 0 || found.rlim_cur == RLIM_INFINITY) return "unlimited";
  return fmt::to_string(found.rlim_cur);
}

std::vector<report::named_text> limits() {
  std::vector<report::named_text> list{{"open files", limit(RLIMIT_NOFILE)},
                                       {"threads of the user", limit(RLIMIT_NPROC)},
                                       {"stack of a thread, bytes", limit(RLIMIT_STACK)}};
  static constexpr const char* settings[] = {
      "/proc/sys/kernel/threads-max",
      "/proc/sys/vm/max_map_count",
      "/proc/sys/net/core/somaxconn",
      "/proc/sys/kernel/sched_rt_runtime_us",
      "/proc/sys/net/ipv4/ip_local_port_range",
      "/sys/kernel/mm/transparent_hugepage/enabled",
      "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"};
  for (const char* const path : settings)
    if (const auto text = read_file(path)) list.push_back({path, trimmed(*text)});
  return list;
}

}  // namespace

std::vector<unsigned> usable_cpus() {
  cpu_set_t usable{};
  std::vector<unsigned> list;
  if (::sched_getaffinity(0, sizeof usable, &usable) != 0) return {0};
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &usable)) list.push_back(cpu);
  return list;
}

report::machine_facts facts_of_this_machine(std::string cede_version) {
  report::machine_facts facts;
  facts.cpu_model = cpu_model();
  facts.cpus = static_cast<unsigned>(usable_cpus().size());
  facts.cpus_online = static_cast<unsigned>(bytes(_SC_NPROCESSORS_ONLN));
  facts.page_bytes = bytes(_SC_PAGESIZE);
  facts.memory_bytes = bytes(_SC_PHYS_PAGES) * facts.page_bytes;
  facts.l1d_bytes = bytes(_SC_LEVEL1_DCACHE_SIZE);
  facts.l2_bytes = bytes(_SC_LEVEL2_CACHE_SIZE);
  facts.l3_bytes = bytes(_SC_LEVEL3_CACHE_SIZE);
  facts.kernel = kernel();
  facts.libc = fmt::format("glibc {}", ::gnu_get_libc_version());
  facts.compiler = compiler();
  facts.cede_version = std::move(cede_version);
  facts.date = now_in_utc();
  facts.limits = limits();
  return facts;
}

}  // namespace cede::measure::compare
