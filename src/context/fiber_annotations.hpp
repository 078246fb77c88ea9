// What AddressSanitizer, LeakSanitizer and ThreadSanitizer must be told about a stack that is not a
// thread's. Only in builds with one of them.
//
//  - ASan keeps the bounds of the current stack and, to detect use after return, a fake stack for
//    each; both change in two halves, before and after the switch. The first arrival from a thread
//    is how that thread's own bounds become known.
//  - LSan looks for pointers in globals and on the stack that it believes the thread is on, so
//    every other stack is made a root: a live fiber's, and a thread's while a fiber runs on it.
//    A pointer that only a fake frame holds (detect_stack_use_after_return=1) is not found while
//    its context is parked: look for leaks when fibers are over, or without that option.
//  - TSan has a shadow call stack and a vector clock for each fiber. A switch synchronises, as it
//    does in truth: both sides run on one thread, one after the other.
#pragma once

#include <cstddef>

#include "base/sanitizers.hpp"
#include "context/stack_slot.hpp"

#if CEDE_ASAN
#include <sanitizer/common_interface_defs.h>
#elif CEDE_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace cede::context {

class fiber_annotations {
 public:
  fiber_annotations() noexcept;  // of the calling thread
  ~fiber_annotations();
  fiber_annotations(const fiber_annotations&) = delete;
  fiber_annotations& operator=(const fiber_annotations&) = delete;

  void start(const stack_slot& stack) noexcept;
  void destroy() noexcept;

  // Always inline: TSan's instrumentation at the end of a function pops the current fiber's shadow
  // call stack, which after the annotation is already the other one's.
  [[gnu::always_inline]] inline void leaving(fiber_annotations& to) noexcept;
  [[gnu::always_inline]] inline void leaving_for_ever(fiber_annotations& to) noexcept;
  void arrived() noexcept;

 private:
#if CEDE_ASAN
  void add_root() noexcept;
  void drop_root() noexcept;

  const void* bottom_ = nullptr;
  std::size_t size_ = 0;
  void* fake_stack_ = nullptr;
  fiber_annotations* previous_ = nullptr;  // who switched here last
  bool rooted_ = false;
#endif
#if CEDE_TSAN
  void* tsan_fiber_ = nullptr;
  bool own_tsan_fiber_ = false;
#endif
};

#if CEDE_ASAN

inline void fiber_annotations::leaving(fiber_annotations& to) noexcept {
  to.previous_ = this;
  __sanitizer_start_switch_fiber(&fake_stack_, to.bottom_, to.size_);
}

inline void fiber_annotations::leaving_for_ever(fiber_annotations& to) noexcept {
  to.previous_ = this;
  __sanitizer_start_switch_fiber(nullptr, to.bottom_, to.size_);
}

#elif CEDE_TSAN

inline void fiber_annotations::leaving(fiber_annotations& to) noexcept {
  __tsan_switch_to_fiber(to.tsan_fiber_, 0);
}

inline void fiber_annotations::leaving_for_ever(fiber_annotations& to) noexcept { leaving(to); }

#endif

}  // namespace cede::context
