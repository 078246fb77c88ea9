#include "base/backtrace.hpp"

#include <unwind.h>

#include <cstdint>

namespace cede::base::backtrace {
namespace {

struct collection {
  std::span<void*> frames;
  std::size_t count = 0;
  std::size_t skip = 0;      // innermost frames not wanted
  bool interrupted = false;  // leave out everything up to the signal frame
};

_Unwind_Reason_Code collect(_Unwind_Context* context, void* argument) noexcept {
  collection& into = *static_cast<collection*>(argument);
  // Set for the frame that a signal interrupted: its address is the next instruction, not the one
  // behind a call.
  int before_instruction = 0;
  const std::uintptr_t address = _Unwind_GetIPInfo(context, &before_instruction);
  if (into.interrupted) {
    if (before_instruction == 0) return _URC_NO_REASON;
    into.interrupted = false;
  }
  if (into.skip > 0) {
    --into.skip;
    return _URC_NO_REASON;
  }
  if (address == 0 || into.count == into.frames.size()) return _URC_END_OF_STACK;
  const std::uintptr_t inside = before_instruction != 0 ? address : address - 1;
  into.frames[into.count++] = reinterpret_cast<void*>(inside);
  return _URC_NO_REASON;
}

}  // namespace

[[gnu::noinline]] std::size_t capture(std::span<void*> frames) noexcept {
  collection into{.frames = frames, .skip = 1};
  _Unwind_Backtrace(collect, &into);
  return into.count;
}

// The signal frame says which frame was interrupted, on every architecture alike, so the registers
// in the context need not be read.
[[gnu::noinline]] std::size_t capture_from([[maybe_unused]] const void* context,
                                           std::span<void*> frames) noexcept {
  collection into{.frames = frames, .interrupted = true};
  _Unwind_Backtrace(collect, &into);
  return into.count;
}

}  // namespace cede::base::backtrace
