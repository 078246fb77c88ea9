#include "measure/load/process_part.hpp"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "measure/load/part.hpp"

namespace cede::measure::load {

namespace {

// How the process begins: with its socket in place, and signals to stop blocked.
class beginning {
 public:
  explicit beginning(int socket) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_adddup2(&actions_, socket, part_descriptor);
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setsigmask(&attributes_, &blocked);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK);
  }
  beginning(const beginning&) = delete;
  beginning& operator=(const beginning&) = delete;
  ~beginning() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  const posix_spawn_file_actions_t* actions() const noexcept { return &actions_; }
  const posix_spawnattr_t* attributes() const noexcept { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

}  // namespace

outcome<pid_t> start_process(const std::string& program, int socket) {
  const beginning how(socket);
  std::string name = "cede";
  std::string verb = "load";
  std::string what = "part";
  std::array<char*, 4> words{name.data(), verb.data(), what.data(), nullptr};
  pid_t process = 0;
  const int error = posix_spawn(&process, program.c_str(), how.actions(), how.attributes(),
                                words.data(), environ);
  if (error != 0)
    return fail(fmt::format("cannot start a further process of {}: {}", program, strerror(error)));
  return process;
}

void end_process(pid_t process) noexcept {
  while (waitpid(process, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::string how_it_ended(pid_t process) {
  int status = 0;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status))
    return fmt::format(
        "process {} of the load was ended by signal {} ({}); run it again, or ask for "
        "fewer connections if memory is short",
        process, WTERMSIG(status), strsignal(WTERMSIG(status)));
  return fmt::format("process {} of the load ended with code {}", process, WEXITSTATUS(status));
}

outcome<> run_process_part() {
  int type = 0;
  socklen_t length = sizeof type;
  if (getsockopt(part_descriptor, SOL_SOCKET, SO_TYPE, &type, &length) != 0 || type != SOCK_STREAM)
    return fail("'cede load part' is for 'cede load' alone: use echo, idle or churn");
  part(channel(io::owned_fd(part_descriptor))).serve();
  return {};
}

}  // namespace cede::measure::load
