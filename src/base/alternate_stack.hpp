// The stack that signal handlers run on, one a thread: a fiber's own may be too small for a signal
// frame (2.5 to 12 KiB with wide registers), and after an overflow there is none left at all.
#pragma once

#include <cstddef>
#include <system_error>

namespace cede::base::signals {

// Gives the calling thread such a stack, with a guard page below, while it lives; ends on the same
// thread. A thread that has one already keeps that.
class alternate_stack {
 public:
  alternate_stack() noexcept;
  ~alternate_stack();
  alternate_stack(const alternate_stack&) = delete;
  alternate_stack& operator=(const alternate_stack&) = delete;

  // Why the thread has none; empty when all is well.
  [[nodiscard]] std::error_code error() const noexcept { return error_; }

 private:
  std::byte* mapping_ = nullptr;  // null: not ours
  std::size_t mapping_size_ = 0;
  std::error_code error_;
};

}  // namespace cede::base::signals
