#include "cli/server_kinds.hpp"

#include <algorithm>
#include <vector>

#include "cli/option_values.hpp"

namespace cede::cli {
namespace {

using measure::report::nature;

constexpr server_kind kinds[] = {
    {echo_kind::cooperative, "cooperative", "cooperative fibers", nature::fiber},
    {echo_kind::preemptive, "preemptive", "preemptive fibers", nature::fiber},
    {echo_kind::os_thread, "os-thread", "OS threads", nature::thread},
    {echo_kind::os_thread_fifo, "os-thread-fifo", "OS threads, SCHED_FIFO", nature::thread},
};

}  // namespace

std::span<const server_kind> server_kinds() noexcept { return kinds; }

const server_kind& about(echo_kind kind) noexcept {
  return *std::ranges::find(kinds, kind, &server_kind::value);
}

const server_kind& parse_server_kind(std::string_view option, std::string_view text) {
  const auto found = std::ranges::find(kinds, text, &server_kind::name);
  if (found != std::end(kinds)) return *found;
  std::vector<std::string_view> names;
  for (const server_kind& kind : kinds) names.push_back(kind.name);
  refuse_word(option, text, names);
}

}  // namespace cede::cli
