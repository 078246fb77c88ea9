#include "cli/stats_answers.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cede/wait.hpp>

#include "cli/output.hpp"
#include "sched/scheduler.hpp"

namespace cede::cli {
namespace {

std::uint64_t sum_of_workers(std::uint64_t (*count)(const sched::worker&)) {
  std::uint64_t sum = 0;
  for (const auto& worker : sched::scheduler::current()->workers()) sum += count(*worker);
  return sum;
}

std::uint64_t switches(const sched::worker& of) { return of.switches(); }

std::uint64_t preemptions(const sched::worker& of) {
  const sched::fair_policy* const policy = of.known_fair();
  return policy != nullptr ? policy->expirations() : 0;
}

result<> answer(const echo_totals& totals) {
  return print(fmt::format(
      R"({{"at_us":{},"switches":{},"preemptions":{},"connections":{},"bytes":{},"hog_units":{},"hog_ran_us":{}}})"
      "\n",
      clock::now().time_since_epoch() / std::chrono::microseconds(1), sum_of_workers(&switches),
      sum_of_workers(&preemptions), totals.connections.load(), totals.bytes.load(),
      totals.hogs.units.load(), totals.hogs.ran_ns.load() / 1000));
}

}  // namespace

void answer_stats(const echo_totals& totals) {
  std::array<char, 256> asked;
  while (wait_readable(STDIN_FILENO)) {
    const ssize_t n = ::read(STDIN_FILENO, asked.data(), asked.size());
    if (n <= 0) return;
    for (auto lines = std::ranges::count(asked.data(), asked.data() + n, '\n'); lines > 0; --lines)
      if (!answer(totals)) return;
  }
}

}  // namespace cede::cli
