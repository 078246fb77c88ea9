// How many CPUs this process may keep busy.
#pragma once

#include <optional>
#include <string_view>

namespace cede::base {

// The CPUs of the affinity mask, and no more than the control group's quota pays for, rounded up;
// at least 1. Reads /proc and /sys each time: ask once.
[[nodiscard]] unsigned usable_cpus();

namespace cpus {

// "max 100000" -> nothing; "150000 100000" -> 2. What cannot be read limits nothing.
[[nodiscard]] std::optional<unsigned> parse_cpu_max(std::string_view text);

// cpu.cfs_quota_us and cpu.cfs_period_us of version 1; a negative quota limits nothing.
[[nodiscard]] std::optional<unsigned> parse_cfs(std::string_view quota, std::string_view period);

// Where a process lies in the hierarchy of version 2 ("" as controller) or of the version 1
// controller, by the text of /proc/self/cgroup: "/a/b" from "4:cpu,cpuacct:/a/b".
[[nodiscard]] std::optional<std::string_view> find_group(std::string_view proc_cgroup,
                                                         std::string_view controller);

// The tightest quota from `group` up to the root of the hierarchy, with files below `root`
// (normally "/sys/fs/cgroup") and `proc_cgroup` the text of /proc/self/cgroup.
[[nodiscard]] std::optional<unsigned> quota_below(std::string_view root,
                                                  std::string_view proc_cgroup);

}  // namespace cpus
}  // namespace cede::base
