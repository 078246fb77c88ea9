#include "context/overflow.hpp"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/backtrace.hpp"
#include "base/line_buffer.hpp"
#include "base/signals.hpp"
#include "context/registers.hpp"
#include "context/stack.hpp"
#include "context/thread_stack.hpp"

namespace cede::context {

namespace {

// Written before the handler is in place, read in it.
std::atomic<stack_pool*> watched_pool = nullptr;
std::atomic<slot_name> name_source = nullptr;
std::atomic<base::signals::fault_handler> previous_handler = nullptr;

// A stray pointer into some guard is not an overflow: an overflowing stack pointer is in its own
// slot, or just below it after one large frame.
bool runs_on(const stack_fault& fault, const ucontext_t& interrupted) noexcept {
  const auto top = reinterpret_cast<std::uintptr_t>(fault.slot.top);
  const std::uintptr_t sp = stack_pointer(interrupted);
  return sp <= top && sp + 2 * fault.slot_bytes > top;
}

[[noreturn]] void report(std::string_view who, std::size_t stack_bytes,
                         const void* context) noexcept {
  base::line_buffer<256> text;
  text.append("cede: ")
      .append(who)
      .append(" overflowed its ")
      .append(stack_bytes / 1024)
      .append(" KiB stack");
  base::write_fully(STDERR_FILENO, text.line());
  std::array<void*, 32> frames;
  const std::size_t count = base::backtrace::capture_from(context, frames);
  base::backtrace::print(STDERR_FILENO, std::span(frames).first(count));
  std::abort();
}

[[noreturn]] void report_fiber(const stack_fault& fault, const void* context) noexcept {
  std::array<char, 128> name{};
  name_source.load()(fault.slot, name.data(), name.size());
  base::line_buffer<160> who;
  who.append("fiber '").append(name.data()).append("'");
  report(who.view(), fault.slot_bytes, context);
}

[[noreturn]] void report_thread(const thread_stack& stack, const void* context) noexcept {
  std::array<char, 128> who{};
  stack.describe(who.data(), who.size());
  report(who.data(), stack.bytes(), context);
}

// Returns if it is none.
void report_overflow(const void* address, const void* context) noexcept {
  const auto& interrupted = *static_cast<const ucontext_t*>(context);
  const auto fault = watched_pool.load()->find_fault(address);
  if (fault && runs_on(*fault, interrupted)) report_fiber(*fault, context);
  const thread_stack* const own = thread_stack::current();
  if (own != nullptr &&
      own->is_overflow(stack_pointer(interrupted), reinterpret_cast<std::uintptr_t>(address)))
    report_thread(*own, context);
}

bool on_fault(int number, siginfo_t* info, void* context) noexcept {
  if (info->si_code > 0) report_overflow(info->si_addr, context);  // not sent by kill or sigqueue
  const base::signals::fault_handler before = previous_handler.load();
  return before != nullptr && before(number, info, context);
}

}  // namespace

void install_overflow_reporter(slot_name name_of) noexcept {
  name_source.store(name_of);
  watched_pool.store(&stack_pool::instance());
  const auto before = base::signals::set_fault_handler(&on_fault);
  if (before != &on_fault) previous_handler.store(before);
}

}  // namespace cede::context
