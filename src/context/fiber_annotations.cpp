#include "context/fiber_annotations.hpp"

#if CEDE_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#endif

namespace cede::context {

#if CEDE_ASAN

fiber_annotations::fiber_annotations() noexcept = default;

fiber_annotations::~fiber_annotations() { drop_root(); }

void fiber_annotations::start(const stack_slot& stack) noexcept {
  bottom_ = stack.bottom;
  size_ = stack.usable();
  add_root();
}

// The frames that switch_final left are still poisoned, and the stack's owner may write there.
void fiber_annotations::destroy() noexcept {
  drop_root();
  __asan_unpoison_memory_region(bottom_, size_);
  bottom_ = nullptr;
  size_ = 0;
  fake_stack_ = nullptr;
}

void fiber_annotations::arrived() noexcept {
  const void* bottom = nullptr;
  std::size_t size = 0;
  __sanitizer_finish_switch_fiber(fake_stack_, &bottom, &size);
  if (previous_->size_ != 0) return;
  previous_->bottom_ = bottom;
  previous_->size_ = size;
  previous_->add_root();
}

void fiber_annotations::add_root() noexcept {
  __lsan_register_root_region(bottom_, size_);
  rooted_ = true;
}

void fiber_annotations::drop_root() noexcept {
  if (rooted_) __lsan_unregister_root_region(bottom_, size_);
  rooted_ = false;
}

#elif CEDE_TSAN

fiber_annotations::fiber_annotations() noexcept : tsan_fiber_(__tsan_get_current_fiber()) {}

fiber_annotations::~fiber_annotations() = default;

void fiber_annotations::start(const stack_slot&) noexcept {
  tsan_fiber_ = __tsan_create_fiber(0);
  own_tsan_fiber_ = true;
}

void fiber_annotations::destroy() noexcept {
  if (own_tsan_fiber_) __tsan_destroy_fiber(tsan_fiber_);
  tsan_fiber_ = nullptr;
  own_tsan_fiber_ = false;
}

void fiber_annotations::arrived() noexcept {}

#endif

}  // namespace cede::context
