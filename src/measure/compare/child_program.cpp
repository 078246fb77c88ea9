#include "measure/compare/child_program.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace cede::measure::compare {

child_program::child_program(const std::vector<std::string>& command,
                             const std::vector<unsigned>& cpus, const std::array<int, 3>& streams,
                             int trouble)
    : pinned_(!cpus.empty()), streams_(streams), trouble_(trouble), parent_(::getpid()) {
  // exec takes its words as they were given to main, and does not write to them.
  for (const std::string& word : command) words_.push_back(const_cast<char*>(word.c_str()));
  words_.push_back(nullptr);
  CPU_ZERO(&cpus_);
  for (const unsigned cpu : cpus) CPU_SET(cpu, &cpus_);
}

void child_program::give_up(int error) const noexcept {
  static_cast<void>(::write(trouble_, &error, sizeof error));
  ::_exit(127);
}

void child_program::become() const noexcept {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent_) ::_exit(127);  // it had gone before we asked
  ::setpgid(0, 0);
  if (pinned_ && ::sched_setaffinity(0, sizeof cpus_, &cpus_) != 0) give_up(errno);
  for (int stream = 0; stream < 3; ++stream)
    if (::dup2(streams_[static_cast<std::size_t>(stream)], stream) < 0) give_up(errno);
  sigset_t none{};
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execvp(words_.front(), words_.data());
  give_up(errno);
}

}  // namespace cede::measure::compare
