#include "base/cpus.hpp"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>

namespace cede::base {
namespace {

std::optional<std::string> read_text(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end.ec != std::errc{}) return std::nullopt;
  return number;
}

std::optional<unsigned> rounded_up(std::optional<std::int64_t> quota,
                                   std::optional<std::int64_t> period) {
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  const std::int64_t whole = *quota / *period + (*quota % *period != 0 ? 1 : 0);
  return static_cast<unsigned>(std::min<std::int64_t>(whole, 1 << 20));
}

// std::nullopt limits nothing, so the smaller of those that do.
std::optional<unsigned> tighter(std::optional<unsigned> a, std::optional<unsigned> b) {
  return a && b ? std::min(a, b) : (a ? a : b);
}

// The quota set on one group itself.
std::optional<unsigned> quota_of(const std::string& directory) {
  if (const auto text = read_text(directory + "/cpu.max")) return cpus::parse_cpu_max(*text);
  const auto quota = read_text(directory + "/cpu.cfs_quota_us");
  const auto period = read_text(directory + "/cpu.cfs_period_us");
  return quota && period ? cpus::parse_cfs(*quota, *period) : std::nullopt;
}

std::optional<unsigned> tightest_on_path(const std::string& root, std::string_view group) {
  std::optional<unsigned> limit = quota_of(root);
  while (!group.empty() && group != "/") {
    limit = tighter(limit, quota_of(root + std::string(group)));
    group = group.substr(0, group.rfind('/'));
  }
  return limit;
}

unsigned affinity_count() {
  // The kernel's mask may be longer than cpu_set_t on large machines.
  for (int cpus = CPU_SETSIZE; cpus <= CPU_SETSIZE * 64; cpus *= 2) {
    cpu_set_t* const set = CPU_ALLOC(static_cast<std::size_t>(cpus));
    if (set == nullptr) break;
    const std::size_t size = CPU_ALLOC_SIZE(static_cast<std::size_t>(cpus));
    const bool known = ::sched_getaffinity(0, size, set) == 0;
    const int count = known ? CPU_COUNT_S(size, set) : 0;
    CPU_FREE(set);
    if (known) return static_cast<unsigned>(std::max(count, 1));
  }
  return 1;
}

}  // namespace

std::optional<unsigned> cpus::parse_cpu_max(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  return rounded_up(parse_number(text.substr(0, space)), parse_number(text.substr(space + 1)));
}

std::optional<unsigned> cpus::parse_cfs(std::string_view quota, std::string_view period) {
  return rounded_up(parse_number(quota), parse_number(period));
}

std::optional<std::string_view> cpus::find_group(std::string_view proc_cgroup,
                                                 std::string_view controller) {
  while (!proc_cgroup.empty()) {
    const std::string_view line = proc_cgroup.substr(0, proc_cgroup.find('\n'));
    proc_cgroup.remove_prefix(std::min(line.size() + 1, proc_cgroup.size()));
    const std::size_t first = line.find(':');
    const std::size_t second = first == line.npos ? line.npos : line.find(':', first + 1);
    if (second == line.npos) continue;
    std::string names = ",";  // commas around each name, so that "cpu" is not found in "cpuset"
    names.append(line.substr(first + 1, second - first - 1)).append(",");
    const std::string wanted = "," + std::string(controller) + ",";
    const bool matches = controller.empty() ? names == ",," : names.find(wanted) != names.npos;
    if (matches) return line.substr(second + 1);
  }
  return std::nullopt;
}

std::optional<unsigned> cpus::quota_below(std::string_view root, std::string_view proc_cgroup) {
  const std::string base(root);
  std::optional<unsigned> limit;
  if (const auto group = find_group(proc_cgroup, "")) limit = tightest_on_path(base, *group);
  const auto group = find_group(proc_cgroup, "cpu");
  if (!group) return limit;
  // Where the files of the first version are mounted differs between distributions.
  for (const char* mount : {"/cpu", "/cpu,cpuacct"}) {
    limit = tighter(limit, tightest_on_path(base + mount, *group));
  }
  return limit;
}

unsigned usable_cpus() {
  const auto groups = read_text("/proc/self/cgroup");
  const auto quota = groups ? cpus::quota_below("/sys/fs/cgroup", *groups) : std::nullopt;
  const unsigned allowed = affinity_count();
  return std::clamp(quota.value_or(allowed), 1U, allowed);
}

}  // namespace cede::base
