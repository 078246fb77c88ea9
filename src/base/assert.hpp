// Contracts: a broken one is a bug, so the process ends at once with a line that names the fiber,
// the file and the line.
#pragma once

#include <cstddef>
#include <source_location>

namespace cede::base {

// Prints `cede: TEXT (fiber 'name', file:line)`, or `(thread 'name', ...)` outside fibers, to
// stderr and aborts. Async-signal-safe as far as the name hook is.
[[noreturn, gnu::cold]] void contract_failure(
    const char* text, std::source_location where = std::source_location::current()) noexcept;

// Writes the words for what runs on this thread, such as "fiber 'name'", zero-terminated, or
// nothing when that is no fiber.
using name_hook = void (*)(char* buffer, std::size_t size) noexcept;

// The layer that knows fibers registers itself here; nullptr removes it.
void set_current_name_hook(name_hook hook) noexcept;

}  // namespace cede::base

// Checked in every build; for contracts with the caller.
#define CEDE_REQUIRE(condition, text)                          \
  (__builtin_expect(static_cast<bool>(condition), 1) ? (void)0 \
                                                     : ::cede::base::contract_failure(text))

// Checked in debug builds only; for what this code itself should guarantee, on hot paths.
#ifdef NDEBUG
#define CEDE_ASSERT(condition, text) ((void)sizeof(static_cast<bool>(condition)))
#else
#define CEDE_ASSERT(condition, text) CEDE_REQUIRE(condition, text)
#endif
