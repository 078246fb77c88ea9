// Plain POSIX threads with a policy and a CPU each, started together and joined.
#pragma once

#include <functional>
#include <vector>

#include "measure/bare/kinds.hpp"
#include "measure/bare/timing.hpp"

namespace cede::measure::bare {

struct thread_part {
  int cpu;
  std::function<void()> body;
};

/// Runs all parts at the same time, each in a thread of that kind. The time from the start of the
/// first to the end of the last; an error if one of them cannot be created: then none has run.
[[nodiscard]] std::expected<nanoseconds, std::string> run_threads(
    const thread_kind& what, const std::vector<thread_part>& parts);

/// As run_threads needs them, for threads that a measurement makes itself.
class thread_attributes {
 public:
  thread_attributes(const thread_kind& what, int cpu);
  ~thread_attributes();
  thread_attributes(const thread_attributes&) = delete;
  thread_attributes& operator=(const thread_attributes&) = delete;
  [[nodiscard]] const pthread_attr_t* get() const noexcept { return &attributes_; }

 private:
  pthread_attr_t attributes_;
};

/// Completes "not available: ..." for an errno of pthread_create.
[[nodiscard]] std::string cannot_create(int error_number);

}  // namespace cede::measure::bare
