/// \file
/// Stretches of code in which a preemptive fiber is not interrupted. Not for users, who have
/// no_preempt.hpp: it protects what the library itself keeps for a thread or a fiber.
//
// One word for each thread, which a fiber with a TLS block of its own has to itself: a word of the
// worker would count regions of a fiber that has long moved on.
//
//   bits 0 to 30   how many regions are open. A thread starts with one, for good: nothing is
//                  preemptible but a fiber that took it away from its own word.
//   bit 31         set: nothing is pending. So the word is 0 exactly if the last region has ended
//                  and a preemption was put off meanwhile, and the end of a region is one
//                  instruction and a branch.
//
// Actors: the control flow that the word belongs to, and the kick's handler on the same thread.
// Rules:
// 1. Only these two touch a word, and the handler never between load and store of one change where
//    the compiler makes one instruction of it (x86-64, optimised). Where it makes several, a kick
//    between them may go unnoted; whoever kicks looks again after a slice, so it is late, not lost.
// 2. A control flow without a TLS block of its own (cooperative fiber, task, plain thread) never
//    sees the number fall to 0, so it may also end a region on another word than it began.
//
// `initial-exec`: the word's place relative to the thread pointer is the same in every block and
// known when the program has been loaded, so a program and libcede.so alike use `subl $1,
// %fs:offset`, in the shared case after a load of the offset, which is a constant, and without a
// call (of __tls_get_addr) whose result could belong to a thread of before. It takes 4 of the bytes
// that glibc keeps for libraries loaded later, so dlopen of libcede.so works too. `constinit`: no
// wrapper that asks for dynamic initialisation.
#pragma once

#include <atomic>
#include <cstdint>

namespace cede::detail {

inline constexpr std::uint32_t preemption_not_pending = std::uint32_t{1} << 31;

[[gnu::tls_model("initial-exec")]] extern constinit thread_local std::uint32_t preemption_word;

// Gives way, as the last region of a preemptive fiber has ended and somebody asked for it
// meanwhile.
[[gnu::cold]] void preemption_due() noexcept;

// What that calls; may be null.
extern constinit std::atomic<void (*)() noexcept> preemption_due_handler;

// The two ends of a region, for those whose region is not a block of code. The fences tell the
// compiler that nothing of the region is outside of it; the processor needs no telling, as the
// handler runs on this very thread.
inline void begin_no_preempt() noexcept {
  ++preemption_word;
  std::atomic_signal_fence(std::memory_order_seq_cst);
}
inline void end_no_preempt() noexcept {
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (--preemption_word == 0) [[unlikely]]
    preemption_due();
}

class no_preempt_region {
 public:
  no_preempt_region() noexcept { begin_no_preempt(); }
  ~no_preempt_region() { end_no_preempt(); }
  no_preempt_region(const no_preempt_region&) = delete;
  no_preempt_region& operator=(const no_preempt_region&) = delete;
};

}  // namespace cede::detail
