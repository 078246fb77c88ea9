#include "base/alternate_stack.hpp"

#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/sys.hpp"

namespace cede::base::signals {
namespace {

std::size_t page_size() noexcept { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

// The kernel's own minimum grows with the register file, so several frames must fit above it.
std::size_t stack_size() noexcept {
  constexpr std::size_t usual = std::size_t{64} << 10;
  const std::size_t wanted = std::max<std::size_t>(usual, 4 * ::getauxval(AT_MINSIGSTKSZ));
  return (wanted + page_size() - 1) & ~(page_size() - 1);
}

}  // namespace

alternate_stack::alternate_stack() noexcept {
  stack_t present{};
  ::sigaltstack(nullptr, &present);
  if ((present.ss_flags & SS_DISABLE) == 0) return;

  const std::size_t guard = page_size();
  const std::size_t size = stack_size();
  const auto mapped = sys::mmap(nullptr, guard + size, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK);
  if (!mapped) {
    error_ = mapped.error();
    return;
  }
  mapping_ = *mapped;
  mapping_size_ = guard + size;
  const auto guarded = sys::mprotect(mapping_, guard, PROT_NONE);
  const stack_t own{.ss_sp = mapping_ + guard, .ss_flags = 0, .ss_size = size};
  if (!guarded || ::sigaltstack(&own, nullptr) != 0) {
    error_ = guarded ? std::error_code(errno, std::system_category()) : guarded.error();
    sys::munmap(mapping_, mapping_size_);
    mapping_ = nullptr;
  }
}

alternate_stack::~alternate_stack() {
  if (mapping_ == nullptr) return;
  stack_t present{};
  ::sigaltstack(nullptr, &present);
  const auto* const sp = static_cast<std::byte*>(present.ss_sp);
  if (sp >= mapping_ && sp < mapping_ + mapping_size_) {
    const stack_t none{.ss_sp = nullptr, .ss_flags = SS_DISABLE, .ss_size = 0};
    ::sigaltstack(&none, nullptr);
  }
  sys::munmap(mapping_, mapping_size_);
}

}  // namespace cede::base::signals
