#include "cli/standard_streams.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <initializer_list>

namespace cede::cli {

void occupy_standard_streams() noexcept {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // The least that is free is this one: those below are taken. Without /dev/null nothing helps.
    const int wrong_way = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;
    static_cast<void>(::open("/dev/null", wrong_way));  // NOLINT: stays open in children, too
  }
}

}  // namespace cede::cli
