// How many parts a run needs, from the limit of open descriptors: met before the first connection
// and not in the middle.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>

#include "measure/load/team.hpp"

namespace cede::measure::load {
namespace {

// Standard streams, epoll, files under /proc, and what the process inherited.
constexpr rlim_t descriptors_besides_connections = 32;

// Raises the soft limit to the hard one, and the hard one too where the process may.
outcome<rlim_t> raise_limit(rlim_t needed) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return fail_with("getrlimit(RLIMIT_NOFILE)", errno);
  if (limit.rlim_max < needed) {
    const rlimit wanted{needed, needed};
    if (setrlimit(RLIMIT_NOFILE, &wanted) == 0) return needed;
  }
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return fail_with("setrlimit(RLIMIT_NOFILE)", errno);
  return limit.rlim_max;
}

std::uint32_t share(std::uint32_t connections, std::uint32_t parts) {
  return (connections + parts - 1) / parts;
}

}  // namespace

outcome<std::uint32_t> parts_needed(std::uint32_t connections, std::uint32_t hogs,
                                    std::uint32_t wanted) {
  const std::uint32_t most_in_one = share(connections, std::max(wanted, 1U));
  const rlim_t besides = descriptors_besides_connections + hogs;
  const auto limit = raise_limit(most_in_one + besides);
  if (!limit) return std::unexpected(limit.error());
  if (*limit <= besides)
    return fail(
        fmt::format("RLIMIT_NOFILE allows {} descriptors (hard limit), too few "
                    "for any connection; raise it (ulimit -Hn, or LimitNOFILE= of the service)",
                    *limit));
  const auto room = static_cast<std::uint32_t>(std::min<rlim_t>(*limit - besides, connections));
  const std::uint32_t least = share(connections, room);
  if (wanted == 0) return least;
  if (wanted > connections)
    return fail(fmt::format("--processes {} is more than --connections {}: use at most {}", wanted,
                            connections, connections));
  if (wanted < least)
    return fail(fmt::format(
        "--processes {} would need {} descriptors each but RLIMIT_NOFILE allows {} (hard limit); "
        "use "
        "--processes {} or auto, or raise the limit (ulimit -Hn, or LimitNOFILE= of the service)",
        wanted, most_in_one + besides, *limit, least));
  return wanted;
}

}  // namespace cede::measure::load
