#include "sched/syscall_names.hpp"

#include <sys/syscall.h>

#include <algorithm>
#include <array>

namespace cede::sched {
namespace {

struct entry {
  long number;
  const char* name;
  bool restarts = false;
};

// Only what every architecture has; `poll` for one is `ppoll` on the newer ones.
constexpr std::array table{
    entry{SYS_read, "read"},
    entry{SYS_readv, "readv"},
    entry{SYS_pread64, "pread"},
    entry{SYS_write, "write"},
    entry{SYS_writev, "writev"},
    entry{SYS_pwrite64, "pwrite"},
    entry{SYS_openat, "openat", true},
    entry{SYS_flock, "flock", true},
    entry{SYS_fsync, "fsync", true},
    entry{SYS_fdatasync, "fdatasync", true},
    entry{SYS_wait4, "wait4", true},
    entry{SYS_waitid, "waitid", true},
    entry{SYS_futex, "futex", true},
    entry{SYS_nanosleep, "nanosleep"},
    entry{SYS_clock_nanosleep, "clock_nanosleep"},
    entry{SYS_ppoll, "ppoll"},
    entry{SYS_pselect6, "pselect6"},
    entry{SYS_recvfrom, "recvfrom"},
    entry{SYS_recvmsg, "recvmsg"},
    entry{SYS_sendto, "sendto"},
    entry{SYS_sendmsg, "sendmsg"},
    entry{SYS_accept, "accept"},
    entry{SYS_accept4, "accept4"},
    entry{SYS_connect, "connect"},
#if defined(SYS_poll)
    entry{SYS_poll, "poll"},
#endif
#if defined(SYS_select)
    entry{SYS_select, "select"},
#endif
};

}  // namespace

std::string name_of_syscall(long number) {
  const auto* const found = std::ranges::find(table, number, &entry::number);
  return found != table.end() ? found->name : "number " + std::to_string(number);
}

bool restarts_after_signal(long number) noexcept {
  const auto* const found = std::ranges::find(table, number, &entry::number);
  return found != table.end() && found->restarts;
}

}  // namespace cede::sched
