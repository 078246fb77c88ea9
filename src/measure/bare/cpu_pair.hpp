// Which CPUs the measurements use, and staying on them.
#pragma once

#include <sched.h>

namespace cede::measure::bare {

/// Two CPUs that this process may use; the same one twice where there is no other.
struct cpu_pair {
  int first = 0;
  int second = 0;
  [[nodiscard]] bool distinct() const noexcept { return first != second; }
};

[[nodiscard]] cpu_pair usable_pair() noexcept;

/// Keeps the calling thread, and threads that it starts meanwhile, on these CPUs while it lives.
class pinned {
 public:
  explicit pinned(int cpu) noexcept : pinned(cpu_pair{cpu, cpu}) {}
  explicit pinned(cpu_pair cpus) noexcept;
  ~pinned();
  pinned(const pinned&) = delete;
  pinned& operator=(const pinned&) = delete;

 private:
  cpu_set_t before_;
};

/// Moves the kernel's thread that runs this code, a worker's if a fiber calls, for good.
void move_to_cpu(int cpu) noexcept;

}  // namespace cede::measure::bare
