// setuid(2) and its kin change one thread; the C library has all threads of a process make the
// call, by a signal (33) whose handler reports back in the TLS block that is in place. With a
// fiber's in place the report is lost, and the caller waits for ever. So our handler is put before
// the C library's: it puts the block of the kernel's own thread in place meanwhile. Not where a
// thread goes on as another one (move_to): there set*id waits until that is over.
//
// Actors: threads that run fibers, which enter themselves; the handler, on any thread, at any
// instruction. A slot is its thread's. The handler uses what its own thread has written; of others
// it only compares addresses.
#pragma once

#include <sys/types.h>

namespace cede::context {

// While it lives the handler knows the calling thread. Made and destroyed on it, with its own TLS
// block in place. Without a free slot (of 4,096) set*id waits for the thread, as it did.
class known_thread {
 public:
  known_thread() noexcept;
  ~known_thread();
  known_thread(const known_thread&) = delete;
  known_thread& operator=(const known_thread&) = delete;

 private:
  int slot_ = -1;
};

// Puts the handler in place, once. Requires: a thread has been started, as the C library has its
// own in place only then. False: the C library's is not what is expected, and it was left alone.
bool take_set_id_signal() noexcept;

}  // namespace cede::context
