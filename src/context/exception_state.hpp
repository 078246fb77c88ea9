// The C++ runtime's record of exceptions in flight. It is per OS thread, but belongs to the control
// flow: a fiber that parks inside a catch block would otherwise leave its exception on top of the
// next fiber's, and that one's end of catch would free the wrong object.
//
// `exception_state` has the layout of the Itanium C++ ABI's __cxa_eh_globals (section 2.2.2), which
// both libstdc++ and libc++abi use on the architectures supported here.
#pragma once

#include <cstdint>

namespace cede::context {

struct exception_state {
  void* caught = nullptr;
  unsigned uncaught = 0;

  // 0 if empty; so that a switch has one branch for all that may have to be handed over.
  std::uintptr_t bits() const noexcept {
    return reinterpret_cast<std::uintptr_t>(caught) | std::uintptr_t{uncaught};
  }
  bool empty() const noexcept { return bits() == 0; }
};

// The calling thread's, valid until the thread ends.
exception_state* thread_exception_state() noexcept;

// Moves `live` to `from` and `to` to `live`, which leaves `to` empty.
void exchange_exception_state(exception_state& live, exception_state& from,
                              exception_state& to) noexcept;

}  // namespace cede::context
