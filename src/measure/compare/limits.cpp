#include "measure/compare/limits.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "measure/compare/proc_file.hpp"
#include "measure/compare/proc_text.hpp"
#include "measure/load/proc_fields.hpp"

namespace cede::measure::compare {
namespace {

// Descriptors, threads and mappings that a server has besides its connections.
constexpr std::uint64_t besides = 64;
// What a connection takes at most, both ends and the kernel's part: measured, and then some.
constexpr std::uint64_t bytes_of_a_thread = 64 * 1024;
constexpr std::uint64_t bytes_of_others = 32 * 1024;

// The number in a file that has nothing else, or "max".
std::optional<std::uint64_t> only_number(const std::string& path) {
  const auto text = read_file(path);
  std::uint64_t value = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc{})
    return std::nullopt;
  return value;
}

std::uint64_t soft_limit(__rlimit_resource_t which) {
  rlimit limit{};
  if (::getrlimit(which, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return ~0ULL;
  return limit.rlim_cur;
}

// The control group of this process: its path stands after "0::" (cgroup v2) or "pids:" (v1).
std::optional<std::uint64_t> threads_of_group() {
  const auto groups = read_file("/proc/self/cgroup");
  if (!groups) return std::nullopt;
  const auto path_after = [&groups](std::string_view mark) -> std::string {
    const std::size_t at = groups->find(mark);
    if (at == std::string::npos) return {};
    const std::size_t from = at + mark.size();
    return groups->substr(from, groups->find('\n', from) - from);
  };
  if (const std::string path = path_after(":pids:"); !path.empty())
    if (auto most = only_number("/sys/fs/cgroup/pids" + path + "/pids.max")) return most;
  return only_number("/sys/fs/cgroup" + path_after("0::") + "/pids.max");
}

void lower(machine_limits& limits, std::optional<std::uint64_t> threads, const char* by) {
  if (!threads || *threads >= limits.threads) return;
  limits.threads = *threads;
  limits.threads_by = by;
}

}  // namespace

machine_limits limits_here() {
  machine_limits limits{.open_files = soft_limit(RLIMIT_NOFILE)};
  lower(limits, only_number("/proc/sys/kernel/threads-max"), "kernel.threads-max");
  lower(limits, only_number("/proc/sys/kernel/pid_max"), "kernel.pid_max");
  lower(limits, threads_of_group(), "pids.max of the control group");
  if (::geteuid() != 0) lower(limits, soft_limit(RLIMIT_NPROC), "'ulimit -u'");
  limits.mappings = only_number("/proc/sys/vm/max_map_count").value_or(limits.mappings);
  if (const auto meminfo = read_file("/proc/meminfo"))
    if (const auto available = load::proc_field(*meminfo, "MemAvailable"))
      limits.memory_bytes = *available * 1024;
  return limits;
}

std::optional<std::string> too_many_for_all(std::uint64_t connections,
                                            const machine_limits& limits) {
  if (connections + besides > limits.open_files)
    return fmt::format(
        "{} connections need {} open files, and the limit of a process is {}: use fewer, or raise "
        "it with 'ulimit -n'",
        connections, connections + besides, limits.open_files);
  if (connections * bytes_of_others > limits.memory_bytes)
    return fmt::format("{} connections need some {} MiB of memory, and {} are available: use fewer",
                       connections, connections * bytes_of_others >> 20, limits.memory_bytes >> 20);
  return std::nullopt;
}

std::optional<std::string> too_many_for(report::nature kind, std::uint64_t connections,
                                        const machine_limits& limits) {
  if (kind != report::nature::thread) return std::nullopt;
  if (connections + besides > limits.threads)
    return fmt::format("{} threads are more than {} allows, {}", connections, limits.threads_by,
                       limits.threads);
  // A thread's stack and its guard are two mappings.
  if (2 * (connections + besides) > limits.mappings)
    return fmt::format("the stacks of {} threads are more mappings than vm.max_map_count, {}",
                       connections, limits.mappings);
  if (connections * bytes_of_a_thread > limits.memory_bytes)
    return fmt::format("{} threads need some {} MiB of memory, and {} are available", connections,
                       connections * bytes_of_a_thread >> 20, limits.memory_bytes >> 20);
  return std::nullopt;
}

bool fit_together(const std::vector<report::nature>& all, std::uint64_t connections,
                  const machine_limits& limits) {
  std::uint64_t threads = 0;
  std::uint64_t bytes = 0;
  for (const report::nature one : all) {
    const bool thread = one == report::nature::thread;
    threads += besides + (thread ? connections : 0);
    bytes += connections * (thread ? bytes_of_a_thread : bytes_of_others);
  }
  return threads <= limits.threads && bytes <= limits.memory_bytes;
}

}  // namespace cede::measure::compare
