// Preemption: takes a control flow off its processor at any instruction, from a signal's handler.
//
// The handler does not switch: it would take its alternate stack, and the kernel's record of it,
// along to whichever thread goes on with the fiber. It makes the interrupted thread call a function
// instead. `divert` writes what was interrupted into a frame on the interrupted stack and points
// the signal's context at a trampoline (<arch>/preempt.S). Once the handler has returned, the
// trampoline saves the extended registers beside the frame and calls `entry` as an ordinary
// function: it may park, and may return on another thread. Then everything is put back and the
// interrupted instruction goes on, none the wiser. errno too is as it was.
//
// Actors: the handler and the interrupted control flow, on the same thread, one after the other. No
// state is shared; a frame belongs to the stack that it lies on.
// Rules:
// 1. Below the interrupted stack pointer the red zone is left alone; nothing outside `stack` is
//    written, and what has no room is refused.
// 2. What a frame cannot keep is not interrupted: a stack that is not the fiber's, a signal mask
//    that is not the worker's, registers outside of the saved set that are in use (AMX tiles).
// 3. The trampoline may itself be interrupted by any signal, on any stack, at any instruction; all
//    it needs lies at or above its stack pointer. It is not diverted a second time all the same.
// 4. Not kept apart, as the thread has them and not the control flow: PKRU, the alternate stack,
//    and of course everything that the kernel keeps for a thread.
// 5. Whether the fiber wants to be interrupted is not asked here: see no_preempt.hpp.
#pragma once

#include <signal.h>
#include <ucontext.h>

#include <cstddef>
#include <cstdint>

namespace cede::context {

enum class diversion : std::uint8_t {
  done,
  no_room,         // the stack ends too near: room_for_preemption()
  other_stack,     // the stack pointer is not in `stack`: a handler, or a context of somebody else
  changed_mask,    // the code blocks or unblocks signals for the moment
  kept_registers,  // registers that are not saved are in use
  in_progress,     // interrupted in the trampoline
  unsupported,     // see obstacle_to_preemption()
};

struct preemptible_stack {
  const std::byte* bottom = nullptr;
  const std::byte* top = nullptr;
};

// To be called in the handler of an asynchronous signal that runs on another stack, with what the
// handler got: makes entry(argument) be called where `interrupted` was, after the handler's return.
// `entry` finds an ordinary call: stack aligned, direction flag clear, standard floating-point
// control, and the interrupted signal mask. It must not throw, and has `entry_allowance` bytes of
// stack at least.
// `usual_mask`: what pthread_sigmask reports on every worker while it runs fibers.
// Anything but `done` leaves `interrupted` and the stack as they were. Async-signal-safe; 0.1 us.
// Requires: obstacle_to_preemption() was asked once, outside handlers, and is nullptr.
diversion divert(ucontext_t& interrupted, preemptible_stack stack, const sigset_t& usual_mask,
                 void (*entry)(void* argument), void* argument) noexcept;

// Bytes below an interrupted stack pointer that a preemption takes: the red zone, the frame and
// entry_allowance. 3 to 8 KiB, by the processor's registers. 0 where preemption is not possible.
std::size_t room_for_preemption() noexcept;

inline constexpr std::size_t entry_allowance = 4096;

// What stands against preemption in this process and what to do, as one line, or nullptr if all is
// well. Looks once; not for signal handlers.
const char* obstacle_to_preemption() noexcept;

}  // namespace cede::context
