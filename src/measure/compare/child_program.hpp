// What happens in a new process between fork and exec. All memory is allocated before: the parent
// may have threads, and then the child may call async-signal-safe functions only.
#pragma once

#include <sched.h>

#include <array>
#include <string>
#include <vector>

namespace cede::measure::compare {

class child_program {
 public:
  /// `streams` become stdin, stdout and stderr. Requires: `command` outlives this.
  child_program(const std::vector<std::string>& command, const std::vector<unsigned>& cpus,
                const std::array<int, 3>& streams, int trouble);

  /// In the child: does not return. If something fails, errno is written to `trouble`.
  [[noreturn]] void become() const noexcept;

 private:
  [[noreturn]] void give_up(int error) const noexcept;

  std::vector<char*> words_;
  cpu_set_t cpus_{};
  bool pinned_;
  std::array<int, 3> streams_;
  int trouble_;
  int parent_;
};

}  // namespace cede::measure::compare
