#include "context/x86_64/static_tls_watch.hpp"

#include <link.h>

#include <atomic>
#include <cstdio>

#include "base/log.hpp"

namespace cede::context {

namespace {

// The loader's generation at the last look, and how many modules had static TLS then. Relaxed: a
// look that races with another one warns twice or is made by the other.
std::atomic<std::uintptr_t> seen_generation = 0;
std::atomic<std::size_t> seen_modules = 0;

struct search {
  std::size_t module;
  char name[128];
};

int look_at_object(dl_phdr_info* object, std::size_t, void* argument) {
  auto& wanted = *static_cast<search*>(argument);
  if (object->dlpi_tls_modid != wanted.module) return 0;
  for (int i = 0; i < object->dlpi_phnum; ++i)
    if (object->dlpi_phdr[i].p_type == PT_TLS && object->dlpi_phdr[i].p_filesz > 0)
      std::snprintf(wanted.name, sizeof(wanted.name), "%s", object->dlpi_name);
  return 1;
}

void warn_about(std::size_t module) noexcept {
  search wanted{module, {}};
  dl_iterate_phdr(&look_at_object, &wanted);
  if (wanted.name[0] == '\0') return;
  char line[320];
  std::snprintf(line, sizeof(line),
                "%s has static TLS and was loaded after the first preemptive fiber: fibers started "
                "before see zeros for its initial values; load it at the program's start",
                wanted.name);
  base::log(log_level::warning, line);
}

}  // namespace

void notice_new_static_tls(std::span<const dtv_entry> modules, const std::byte* low,
                           const std::byte* thread_pointer) noexcept {
  const auto generation = reinterpret_cast<std::uintptr_t>(modules[0].value);
  if (seen_generation.load(std::memory_order_relaxed) == generation) return;
  const bool first = seen_generation.exchange(generation, std::memory_order_relaxed) == 0;
  std::size_t count = 0;
  std::size_t newest = 0;
  for (std::size_t i = 1; i < modules.size(); ++i) {
    const auto* value = static_cast<const std::byte*>(modules[i].value);
    if (value < low || value >= thread_pointer) continue;
    ++count;
    newest = i;
  }
  const auto before = seen_modules.exchange(count, std::memory_order_relaxed);
  if (!first && count > before) warn_about(newest);
}

}  // namespace cede::context
