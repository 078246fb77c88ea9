// Threads for calls that block. A call waits in a queue, a pool thread runs it, and unparks the
// caller. Threads start when calls wait and none is idle, and end after some time without work.
#pragma once

#include <cede/error.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "base/intrusive_list.hpp"
#include "sched/runnable.hpp"

namespace cede::sched {

class blocking_pool {
 public:
  static constexpr std::size_t most_threads = 64;
  static constexpr std::chrono::seconds idle_time{10};

  blocking_pool() = default;
  ~blocking_pool();
  blocking_pool(const blocking_pool&) = delete;
  blocking_pool& operator=(const blocking_pool&) = delete;

  /// Runs `call(argument)` on a pool thread and waits for it; no cancel ends the wait.
  /// Errors: thread_unavailable if the pool is empty and no thread can be started; then `call`
  /// has not run.
  result<> run(void (*call)(void*) noexcept, void* argument);

 private:
  struct job {
    void (*call)(void*) noexcept;
    void* argument;
    runnable& caller;
    job* next = nullptr;
  };

  result<> start_thread() noexcept;
  void serve() noexcept;

  std::mutex lock_;
  std::condition_variable work_;
  std::condition_variable gone_;
  base::intrusive_queue<job, &job::next> jobs_;
  std::size_t threads_ = 0;
  std::size_t idle_ = 0;
  bool closing_ = false;
};

}  // namespace cede::sched
