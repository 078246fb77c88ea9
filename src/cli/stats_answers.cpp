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

std::uint64_t switches_so_far() noexcept {
  std::uint64_t sum = 0;
  for (const auto& worker : sched::scheduler::current()->workers()) sum += worker->switches();
  return sum;
}

result<> answer(const echo_totals& totals) {
  return print(fmt::format(R"({{"switches":{},"connections":{},"bytes":{}}})"
                           "\n",
                           switches_so_far(), totals.connections.load(), totals.bytes.load()));
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
