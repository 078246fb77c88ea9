#include "measure/load/server_probe.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "measure/load/proc_fields.hpp"

namespace cede::measure::load {
namespace {

constexpr std::uint64_t kernel_stack_bytes = 16 * 1024;
constexpr std::uint64_t kib = 1024;

std::unexpected<failure> cannot_look(int pid, std::string_view why) {
  return fail(fmt::format(
      "--server-pid {}: {}; give the pid of the running server, and run as its user or as root",
      pid, why));
}

outcome<std::string> read_proc(int pid, const char* file) {
  const std::string path = fmt::format("/proc/{}/{}", pid, file);
  std::ifstream stream(path);
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (text.empty()) return cannot_look(pid, "cannot read " + path);
  return text;
}

double per_connection(std::uint64_t before, std::uint64_t after, std::uint32_t connections) {
  if (connections == 0) return 0;
  return (static_cast<double>(after) - static_cast<double>(before)) / connections;
}

}  // namespace

outcome<server_probe> server_probe::attach(int pid) {
  clockid_t cpu_clock{};
  if (const int error = clock_getcpuclockid(pid, &cpu_clock))
    return cannot_look(pid, strerror(error));
  const server_probe probe(pid, cpu_clock);
  if (auto readable = probe.memory(); !readable) return std::unexpected(readable.error());
  return probe;
}

// The process's CPU clock and not the sum over /proc/PID/task: threads that have ended count too.
outcome<std::chrono::nanoseconds> server_probe::cpu_time() const {
  timespec used{};
  if (clock_gettime(cpu_clock_, &used) != 0) return cannot_look(pid_, "the server has ended");
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

outcome<memory_sample> server_probe::memory() const {
  const auto status = read_proc(pid_, "status");
  if (!status) return std::unexpected(status.error());
  const auto rollup = read_proc(pid_, "smaps_rollup");
  if (!rollup) return std::unexpected(rollup.error());
  const auto pss = proc_field(*rollup, "Pss");
  const auto page_tables = proc_field(*status, "VmPTE");
  const auto resident = proc_field(*status, "VmRSS");
  const auto threads = proc_field(*status, "Threads");
  if (!pss || !page_tables || !resident || !threads)
    return cannot_look(pid_, "the kernel does not tell Pss, VmPTE, VmRSS and Threads");
  return memory_sample{*pss * kib, *page_tables * kib, *resident * kib, *threads};
}

double memory_growth::user_per_connection() const noexcept {
  return per_connection(before.user, after.user, connections);
}

double memory_growth::page_tables_per_connection() const noexcept {
  return per_connection(before.page_tables, after.page_tables, connections);
}

double memory_growth::kernel_stack_per_connection() const noexcept {
  return per_connection(before.threads * kernel_stack_bytes, after.threads * kernel_stack_bytes,
                        connections);
}

}  // namespace cede::measure::load
