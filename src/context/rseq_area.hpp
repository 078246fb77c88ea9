// Restartable sequences (rseq(2)): where the kernel tells a thread which processor it is on. The
// area lies in the thread's TLS block, but the kernel knows it by its own thread. So a thread whose
// TLS block another thread of the kernel may go on with (move_to) must not have one: an allocator
// with caches for each processor would take the other's.
#pragma once

namespace cede::context {

// Gives up the calling thread's area: sched_getcpu() and the like ask the kernel from then on.
// False: it had none that the C library has registered.
[[nodiscard]] bool give_up_rseq_area() noexcept;

// Undoes that, on the same thread.
void take_up_rseq_area() noexcept;

}  // namespace cede::context
