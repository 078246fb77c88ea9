// x86-64, glibc: notices libraries with static TLS (the initial-exec model) that are loaded while
// blocks live. The loader initialises such TLS in the threads on its own lists, and blocks are on
// none: those made before keep zeros where the library has initial values. New blocks are right.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace cede::context {

struct dtv_entry {
  void* value;    // where the module's TLS is; at entry 0 the generation of the whole
  void* to_free;  // if it was allocated for this thread alone
};

// `modules` is the dtv of a block made this moment, entry 0 included. Logs one warning for each
// library that was loaded since the last call and whose image is not all zero.
// Threads: any.
void notice_new_static_tls(std::span<const dtv_entry> modules, const std::byte* low,
                           const std::byte* thread_pointer) noexcept;

}  // namespace cede::context
