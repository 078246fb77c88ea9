#include "base/assert.hpp"

#include <pthread.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>

#include "base/line_buffer.hpp"

namespace cede::base {
namespace {

std::atomic<name_hook> current_name_hook = nullptr;

using message = line_buffer<512>;

void append_current_name(message& text) noexcept {
  std::array<char, 80> name{};
  if (const name_hook hook = current_name_hook.load()) hook(name.data(), name.size());
  if (name[0] != '\0') {
    text.append(name.data());
    return;
  }
  ::pthread_getname_np(::pthread_self(), name.data(), name.size());
  text.append("thread '").append(name.data()).append("'");
}

}  // namespace

void contract_failure(const char* text, std::source_location where) noexcept {
  message line;
  line.append("cede: ").append(text).append(" (");
  append_current_name(line);
  line.append(", ").append(where.file_name()).append(":");
  line.append(std::uint64_t{where.line()}).append(")");
  write_fully(STDERR_FILENO, line.line());
  std::abort();
}

void set_current_name_hook(name_hook hook) noexcept { current_name_hook.store(hook); }

}  // namespace cede::base
