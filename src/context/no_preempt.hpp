// The word that says whether the running control flow may be preempted: for those who start, kick
// and resume preemptive fibers. The regions, the word's bits and the rules:
// cede/detail/no_preempt.hpp.
//
// How a preemption goes, with the word W of the fiber, which is that of the running TLS block:
//   the fiber starts         allow_preemption()                      W: 0 regions
//   kick's handler           !preemption_allowed(): note_pending(), done
//                            else hold_preemption(), divert(...);    W: 1 region
//                            not diverted: release_preemption(), note_pending() if it is to be soon
//   entry, on its stack      ... parks, and goes on, perhaps on another thread ...
//                            forget_pending(), release_preemption()  W: 0 regions
//   the fiber ends           forbid_preemption()
// From the region's end in `entry` to the interrupted instruction another kick may come: it finds a
// call of the trampoline under way, which is as good to interrupt as any other code.
#pragma once

#include <cede/detail/no_preempt.hpp>
#include <cstdint>

namespace cede::context {

using detail::no_preempt_region;

// What preemption_due() calls on the control flow whose last region ended, with none open; nothing
// is pending any more then. It may park. Set once, before anything is preemptible.
void set_preemption_due_handler(void (*handler)() noexcept) noexcept;

// Takes away, and gives back, the region that every thread and TLS block starts with. On a word
// that no other control flow uses, or others' regions would count. The second returns with nothing
// pending.
void allow_preemption() noexcept;
void forbid_preemption() noexcept;

// The rest is async-signal-safe.
[[gnu::always_inline]] inline bool preemption_allowed() noexcept {
  return (detail::preemption_word & ~detail::preemption_not_pending) == 0;
}
[[gnu::always_inline]] inline std::uint32_t open_regions() noexcept {
  return detail::preemption_word & ~detail::preemption_not_pending;
}
[[gnu::always_inline]] inline bool preemption_pending() noexcept {
  return (detail::preemption_word & detail::preemption_not_pending) == 0;
}
// The end of the last region that is open now, or of the next one, will call preemption_due().
[[gnu::always_inline]] inline void note_pending() noexcept {
  detail::preemption_word &= ~detail::preemption_not_pending;
}
[[gnu::always_inline]] inline void forget_pending() noexcept {
  detail::preemption_word |= detail::preemption_not_pending;
}
// Where the word is in the TLS block of that thread pointer: at the same distance in every block.
const std::uint32_t* preemption_word_of(const void* thread_pointer) noexcept;
// Whether the control flow with that thread pointer is outside of all regions, as far as this
// thread sees: any thread may ask.
bool outside_of_regions(const void* thread_pointer) noexcept;

// A region that is begun in one function and ended in another; its end calls nobody.
[[gnu::always_inline]] inline void hold_preemption() noexcept { ++detail::preemption_word; }
[[gnu::always_inline]] inline void release_preemption() noexcept { --detail::preemption_word; }

}  // namespace cede::context
