// What an OS thread of this process is doing at this moment, as the kernel tells: for who must
// decide whether a worker that does not come back computes, waits in a lock, or is stuck in a
// system call. One read of /proc/self/task/TID/syscall, 1 to 2 us; the thread is not stopped for
// it.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace cede::context {

enum class activity : std::uint8_t {
  unknown,     // no such thread any more, or /proc is not mounted, hidden or without this file
  running,     // on a processor or waiting for one, in the program or in the kernel
  in_futex,    // waits in a lock, a condition or the like: futex and its kin
  in_syscall,  // waits in another system call: `number`
  in_kernel,   // waits in no system call: for a page, most likely
};

struct thread_activity {
  activity what = activity::unknown;
  long number = -1;  // of the system call, for in_futex and in_syscall
};

// Keeps the file open for one thread, so that a look is one system call. Threads: one at a time.
class activity_probe {
 public:
  activity_probe() noexcept = default;
  explicit activity_probe(pid_t thread) noexcept;  // of this process
  ~activity_probe();
  activity_probe(activity_probe&& other) noexcept;
  activity_probe& operator=(activity_probe&& other) noexcept;

  // A thread may go on in the meantime: true at some moment between call and return.
  [[nodiscard]] thread_activity look() const noexcept;

 private:
  int file_ = -1;
};

// The same for a look now and then.
[[nodiscard]] thread_activity activity_of(pid_t thread) noexcept;

// The CPU that a thread of this process runs on, or ran on last; -1: unknown. Some 5 us.
[[nodiscard]] int cpu_of(pid_t thread) noexcept;

}  // namespace cede::context
