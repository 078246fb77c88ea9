#include "cli/advice.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <cede/endpoint.hpp>
#include <cede/error.hpp>

namespace cede::cli {
namespace {

std::string limit_text(__rlimit_resource_t which) {
  rlimit limit{};
  if (::getrlimit(which, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return "unlimited";
  return std::to_string(limit.rlim_cur);
}

std::string about_address(std::error_code why) {
  if (why == std::errc::address_in_use)
    return "; stop the program that uses it, or choose another --port";
  if (why == std::errc::address_not_available)
    return "; give an address of this machine with --host, or 0.0.0.0 for all";
  if (why == std::errc::permission_denied) return "; choose a --port from 1024 on, or run as root";
  if (why.category() == resolver_category() || why == errc::invalid_argument)
    return "; give --host an address such as 127.0.0.1 or ::1, or a name that resolves";
  return {};
}

std::string about_resource(std::error_code why) {
  if (why == std::errc::too_many_files_open)
    return fmt::format("; the limit is {} open files: raise it with 'ulimit -n'",
                       limit_text(RLIMIT_NOFILE));
  if (why == std::errc::too_many_files_open_in_system)
    return "; raise the limit of the system, sysctl fs.file-max";
  if (why == errc::thread_unavailable)
    return fmt::format(
        "; the limit is {} threads ('ulimit -u'), and a control group (pids.max) or "
        "memory ('ulimit -v') may set a lower one",
        limit_text(RLIMIT_NPROC));
  if (why == errc::stack_unavailable || why == std::errc::not_enough_memory)
    return fmt::format(
        "; the limit is {} bytes of address space ('ulimit -v'), and vm.max_map_count "
        "mappings; a smaller --stack needs less",
        limit_text(RLIMIT_AS));
  if (why == errc::not_permitted)
    return "; SCHED_FIFO needs root, CAP_SYS_NICE or a real-time limit ('ulimit -r 1')";
  return {};
}

}  // namespace

std::string because(std::error_code why) { return why.message() + about_resource(why); }

std::string cannot_listen(std::string_view host, std::uint16_t port, std::error_code why) {
  const std::string advice = about_address(why);
  return fmt::format("cannot listen on {}, port {}: {}", host, port,
                     advice.empty() ? because(why) : why.message() + advice);
}

}  // namespace cede::cli
