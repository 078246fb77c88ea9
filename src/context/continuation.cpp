#include "context/continuation.hpp"

#include <cstdint>
#include <new>

extern "C" void cede_context_entry();  // <arch>/entry.S; never called, only jumped to

namespace cede::context {

namespace {

// What cede_context_entry pops, in this order.
struct first_words {
  entry_function entry;
  void* argument;
};
static_assert(sizeof(first_words) == 16);

}  // namespace

void prepare(continuation& fresh, std::byte* stack_top, entry_function entry,
             void* argument) noexcept {
  std::byte* top = stack_top - (reinterpret_cast<std::uintptr_t>(stack_top) & 15);
  std::byte* words = top - sizeof(first_words);
  new (words) first_words{entry, argument};
  fresh.sp = words;
  fresh.pc = reinterpret_cast<void*>(&cede_context_entry);
  fresh.fp = nullptr;
  fresh.control = current_fp_control();
}

}  // namespace cede::context
