#include "measure/bare/kinds.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <optional>

namespace cede::measure::bare {
namespace {

// A kind that this cede may not have yet: it joins as soon as the enumeration knows it.
template <class Kinds>
constexpr std::optional<Kinds> preemptive_of() {
  if constexpr (requires { Kinds::preemptive; })
    return Kinds::preemptive;
  else
    return std::nullopt;
}

}  // namespace

std::vector<cede_kind> cede_kinds() {
  std::vector<cede_kind> all;
  all.push_back({"cooperative", "cooperative fiber", report::nature::fiber, kind::cooperative, {}});
  if (const auto preemptive = preemptive_of<kind>())
    all.push_back({"preemptive", "preemptive fiber", report::nature::fiber, *preemptive, {}});
  all.push_back({"os-thread", "OS thread", report::nature::thread, kind::os_thread, {}});
  all.push_back({"os-thread-fifo",
                 "OS thread, SCHED_FIFO",
                 report::nature::thread,
                 kind::os_thread,
                 {.policy = thread_policy::fifo}});
  return all;
}

std::vector<thread_kind> thread_kinds() {
  return {{"pthread", "pthread", SCHED_OTHER, 0},
          {"pthread-fifo", "pthread, SCHED_FIFO", SCHED_FIFO, 1}};
}

std::string cannot_spawn(const cede_kind& one, std::error_code why) {
  if (why == errc::not_permitted)
    return "SCHED_FIFO is not permitted: it needs root, CAP_SYS_NICE or 'ulimit -r 1'";
  return fmt::format("{} cannot be spawned: {}", one.title, why.message());
}

}  // namespace cede::measure::bare
