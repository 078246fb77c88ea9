#include "measure/load/descriptor_limit.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>

namespace cede::measure::load {
namespace {

// Standard streams, epoll, files under /proc, and what the process inherited.
constexpr rlim_t descriptors_besides_connections = 32;

}  // namespace

outcome<> reserve_descriptors(std::uint32_t connections) {
  const rlim_t needed = connections + descriptors_besides_connections;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return fail_with("getrlimit", errno);
  const rlimit wanted{std::max(limit.rlim_max, needed), std::max(limit.rlim_max, needed)};
  if (setrlimit(RLIMIT_NOFILE, &wanted) == 0) return {};
  limit.rlim_cur = limit.rlim_max;
  if (limit.rlim_max >= needed) {
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0) return {};
    return fail_with("setrlimit(RLIMIT_NOFILE)", errno);
  }
  return fail(fmt::format(
      "--connections {} needs {} descriptors but RLIMIT_NOFILE allows {} (hard limit); raise it "
      "(ulimit -Hn {}, or LimitNOFILE= of the service) or ask for fewer",
      connections, needed, limit.rlim_max, needed));
}

}  // namespace cede::measure::load
