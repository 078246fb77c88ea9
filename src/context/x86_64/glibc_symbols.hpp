// x86-64, glibc: the names by which its loader and its thread library tell, at run time, how a
// thread's control block is laid out. Some are private (GLIBC_PRIVATE) and some are meant for
// debuggers (libthread_db), so each is looked up and may be missing; nothing links against them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>

namespace cede::context {

using symbol_lookup = void* (*)(const char* name);

// dlsym for the whole process.
void* find_in_process(const char* name) noexcept;

// What libthread_db reads: where a field lies, and how large it is.
struct field_place {
  std::uint32_t bits = 0;
  std::uint32_t count = 0;
  std::uint32_t offset = 0;
};
static_assert(sizeof(field_place) == 12);

struct glibc_symbols {
  void* (*allocate_tls)(void* storage) = nullptr;
  void* (*allocate_tls_init)(void* storage, bool with_images) = nullptr;
  void (*get_tls_static_info)(std::size_t* size, std::size_t* alignment) = nullptr;
  void (*ctype_init)() = nullptr;
  void (*call_tls_dtors)() = nullptr;
  void (*register_cancel)(void* buffer) = nullptr;
  const std::ptrdiff_t* rseq_offset = nullptr;
  const std::uint32_t* sizeof_pthread = nullptr;
  const field_place* dtv = nullptr;
  const field_place* list = nullptr;
  const field_place* tid = nullptr;
  const field_place* cancel_handling = nullptr;
  const field_place* specific = nullptr;
  const field_place* report_events = nullptr;
  const field_place* start_routine = nullptr;
  const field_place* event_buffer = nullptr;
  const field_place* sched_policy = nullptr;
};

// The error names the symbol that is missing.
std::expected<glibc_symbols, std::string> find_glibc_symbols(symbol_lookup lookup);

// For tests: all names that find_glibc_symbols asks for.
extern const std::array<const char*, 17> glibc_symbol_names;

}  // namespace cede::context
