#include "context/thread_stack.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/auxv.h>

#include <algorithm>
#include <utility>

#include "context/stack.hpp"

namespace cede::context {
namespace {

constinit thread_local const thread_stack* here = nullptr;

// Room for the frames of two signals and for the report, as in base/alternate_stack.cpp.
std::size_t alternate_bytes() noexcept {
  constexpr std::size_t usual = std::size_t{64} << 10;
  return std::max<std::size_t>(usual, 4 * ::getauxval(AT_MINSIGSTKSZ));
}

stack_t present() noexcept {
  stack_t now{};
  ::sigaltstack(nullptr, &now);
  return now;
}

}  // namespace

thread_stack::thread_stack(std::size_t bytes, description who) noexcept
    : bytes_(bytes), describe_(who) {
  here = this;
  if ((present().ss_flags & SS_DISABLE) == 0) return;
  const auto slot = stack_pool::instance().allocate(alternate_bytes());
  if (!slot) return;
  alternate_ = *slot;
  const stack_t own{.ss_sp = slot->bottom, .ss_flags = 0, .ss_size = slot->usable()};
  ::sigaltstack(&own, nullptr);
}

thread_stack::~thread_stack() {
  here = nullptr;
  if (!alternate_) return;
  if (present().ss_sp == alternate_.bottom) {  // and not one that the user's code has set
    const stack_t none{.ss_sp = nullptr, .ss_flags = SS_DISABLE, .ss_size = 0};
    ::sigaltstack(&none, nullptr);
  }
  stack_pool::instance().release(alternate_);
}

const thread_stack* thread_stack::current() noexcept { return here; }

// Between stack pointer and base all is mapped until the guard is reached; the C library may have
// given the thread an old stack that is up to four times larger than asked for. What lies below the
// stack pointer is not the stack's, but for a red zone.
bool thread_stack::is_overflow(std::uintptr_t stack_pointer,
                               std::uintptr_t address) const noexcept {
  constexpr std::uintptr_t red_zone = 256;
  constexpr std::uintptr_t largest_frame = std::uintptr_t{64} << 20;
  const auto base = reinterpret_cast<std::uintptr_t>(this);
  return address + red_zone >= stack_pointer && address < base && stack_pointer < base &&
         stack_pointer + 4 * bytes_ + largest_frame > base;
}

std::size_t default_thread_stack() noexcept {
  pthread_attr_t usual;
  std::size_t bytes = 0;
  ::pthread_attr_init(&usual);
  ::pthread_attr_getstacksize(&usual, &bytes);
  ::pthread_attr_destroy(&usual);
  return bytes;
}

}  // namespace cede::context
