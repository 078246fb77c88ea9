// Why a runnable waits. Every park names one; it is what reports, `cede top` and backtraces show.
#pragma once

#include <cstdint>
#include <string_view>

namespace cede::sched {

enum class wait_reason : std::uint8_t {
  none,  // running or ready
  sleep,
  join,
  scope_join,
  mutex,
  condition_variable,
  semaphore,
  event,
  latch,
  blocking_call,
  readable,
  writable,
  accept,
  connect,
  descriptors,  // accept found no free file descriptor and backs off
  close,
  completion,
  static_initializer,
};

/// The words for it, as in "fiber 'a' waits: mutex".
constexpr std::string_view to_string(wait_reason reason) noexcept {
  switch (reason) {
    case wait_reason::none:
      return "not waiting";
    case wait_reason::sleep:
      return "sleep";
    case wait_reason::join:
      return "join";
    case wait_reason::scope_join:
      return "scope join";
    case wait_reason::mutex:
      return "mutex";
    case wait_reason::condition_variable:
      return "condition variable";
    case wait_reason::semaphore:
      return "semaphore";
    case wait_reason::event:
      return "event";
    case wait_reason::latch:
      return "latch";
    case wait_reason::blocking_call:
      return "blocking call";
    case wait_reason::readable:
      return "readable";
    case wait_reason::writable:
      return "writable";
    case wait_reason::accept:
      return "accept";
    case wait_reason::connect:
      return "connect";
    case wait_reason::descriptors:
      return "free file descriptor";
    case wait_reason::close:
      return "close";
    case wait_reason::completion:
      return "completion";
    case wait_reason::static_initializer:
      return "static initializer";
  }
  return "unknown";
}

}  // namespace cede::sched
