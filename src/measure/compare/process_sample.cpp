#include "measure/compare/process_sample.hpp"

#include <dirent.h>
#include <fmt/format.h>

#include <cstring>
#include <ctime>
#include <memory>

#include "measure/compare/proc_file.hpp"
#include "measure/load/proc_fields.hpp"

namespace cede::measure::compare {
namespace {

constexpr std::uint64_t kib = 1024;

struct folder_closer {
  void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};
using open_folder = std::unique_ptr<DIR, folder_closer>;

}  // namespace

outcome<process_memory> memory_of(pid_t process) {
  const auto status = read_file(fmt::format("/proc/{}/status", process));
  if (!status) return std::unexpected(status.error());
  const auto rollup = read_file(fmt::format("/proc/{}/smaps_rollup", process));
  if (!rollup) return std::unexpected(rollup.error());
  const auto pss = load::proc_field(*rollup, "Pss");
  const auto page_tables = load::proc_field(*status, "VmPTE");
  const auto threads = load::proc_field(*status, "Threads");
  if (!pss || !page_tables || !threads)
    return fail(fmt::format("/proc/{} does not tell Pss, VmPTE and Threads", process));
  return process_memory{*pss * kib, *page_tables * kib, *threads};
}

outcome<kernel_switches> switches_of_process(pid_t process) {
  const std::string path = fmt::format("/proc/{}/task", process);
  const open_folder folder(::opendir(path.c_str()));
  if (!folder) return fail(fmt::format("{} cannot be read: {}", path, std::strerror(errno)));
  kernel_switches sum;
  std::string text;
  while (const dirent* entry = ::readdir(folder.get())) {
    if (entry->d_name[0] == '.') continue;
    const std::string file = fmt::format("{}/status", entry->d_name);
    if (!read_file_at(::dirfd(folder.get()), file.c_str(), text)) continue;
    if (const auto one = switches_of(text)) {
      sum.voluntary += one->voluntary;
      sum.involuntary += one->involuntary;
    }
  }
  return sum;
}

outcome<std::uint64_t> descriptors_of(pid_t process) {
  const std::string path = fmt::format("/proc/{}/fd", process);
  const open_folder folder(::opendir(path.c_str()));
  if (!folder) return fail(fmt::format("{} cannot be read: {}", path, std::strerror(errno)));
  std::uint64_t count = 0;
  while (const dirent* entry = ::readdir(folder.get()))
    if (entry->d_name[0] != '.') ++count;
  return count;
}

outcome<std::chrono::nanoseconds> cpu_time_of(pid_t process) {
  clockid_t clock{};
  timespec used{};
  if (::clock_getcpuclockid(process, &clock) != 0 || ::clock_gettime(clock, &used) != 0)
    return fail(fmt::format("process {} has ended", process));
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

}  // namespace cede::measure::compare
