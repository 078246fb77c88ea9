#include "context/tls_block.hpp"

#include <linux/futex.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/assert.hpp"
#include "base/sanitizers.hpp"
#include "context/machine.hpp"
#include "context/tls_records.hpp"
#include "context/valgrind.hpp"
#include "context/x86_64/glibc_layout.hpp"
#include "context/x86_64/glibc_symbols.hpp"
#include "context/x86_64/newborn_thread.hpp"
#include "context/x86_64/static_tls_watch.hpp"
#include "context/x86_64/thread_pointer.hpp"

namespace cede::context {

namespace {

constexpr std::size_t line_bytes = 64;
// Below the block there must be room for the fiber itself.
constexpr std::size_t least_stack_bytes = 4096;

void* const not_allocated = reinterpret_cast<void*>(-1);  // TLS_DTV_UNALLOCATED

struct own_tls {
  std::string obstacle;
  glibc_symbols symbols;
  glibc_layout layout;
};

std::string build_obstacle() {
#if CEDE_ASAN || CEDE_TSAN
  return "this build runs under a sanitizer, which keeps its own record of threads";
#else
  if (under_valgrind()) return "valgrind keeps its own record of threads";
  if (const char* obstacle = obstacle_to_switching(); obstacle != nullptr) return obstacle;
  return {};
#endif
}

std::string probe(own_tls& result) {
  if (auto obstacle = build_obstacle(); !obstacle.empty()) return obstacle;
  const auto symbols = find_glibc_symbols(&find_in_process);
  if (!symbols) return symbols.error();
  result.symbols = *symbols;
  const auto newborn = observe_newborn_thread(*symbols);
  if (!newborn) return newborn.error();
  const auto code = code_around(reinterpret_cast<const void*>(symbols->call_tls_dtors));
  auto layout = deduce_layout(*symbols, *newborn, code);
  if (!layout) return layout.error();
  result.layout = *layout;
  return {};
}

own_tls* make_own_tls() {
  auto* made = new own_tls;
  made->obstacle = probe(*made);
  if (!made->obstacle.empty())
    made->obstacle.insert(0, "no own TLS blocks for preemptive fibers: ");
  return made;
}

// Never destroyed: fibers may run until the process ends.
const own_tls& facts() noexcept {
  static const own_tls& made = *make_own_tls();
  return made;
}

constinit tls_records records;

template <class Value>
void put(std::byte* thread_pointer, std::ptrdiff_t offset, Value value) noexcept {
  std::memcpy(thread_pointer + offset, &value, sizeof(value));
}

template <class Value>
Value get(const std::byte* thread_pointer, std::ptrdiff_t offset) noexcept {
  Value value;
  std::memcpy(&value, thread_pointer + offset, sizeof(value));
  return value;
}

struct extent {
  std::byte* thread_pointer;
  std::byte* low;
};

extent place_below(std::byte* top, const glibc_layout& layout) noexcept {
  auto address = reinterpret_cast<std::uintptr_t>(top) - layout.pthread_bytes;
  std::byte* pointer = top - layout.pthread_bytes - (address & (layout.alignment - 1));
  std::byte* low = pointer - (layout.static_bytes - layout.pthread_bytes);
  return {pointer, low - (reinterpret_cast<std::uintptr_t>(low) & (line_bytes - 1))};
}

// The C library keeps it in the entry before the first.
std::size_t length_of(const dtv_entry* dtv) noexcept {
  return reinterpret_cast<std::uintptr_t>(dtv[-1].value);
}

// The module entries, as glibc does with the stack of a thread that has ended: what dynamic TLS the
// last user left is freed, and the rest forgotten.
void clear(dtv_entry* dtv) noexcept {
  const auto length = length_of(dtv);
  for (std::uintptr_t i = 1; i <= length; ++i) std::free(dtv[i].to_free);
  std::memset(static_cast<void*>(dtv), 0, (length + 1) * sizeof(dtv_entry));
}

bool initialise_static_tls(std::byte* pointer, void*& dtv) noexcept {
  const auto& symbols = facts().symbols;
  if (dtv == nullptr) return symbols.allocate_tls(pointer) != nullptr;
  clear(static_cast<dtv_entry*>(dtv));
  put(pointer, glibc_layout::dtv, dtv);
  dtv = nullptr;
  return symbols.allocate_tls_init(pointer, true) != nullptr;
}

// What pthread_create and start_thread set, except what must be done on the thread itself.
void initialise_control_block(std::byte* pointer, const stack_slot& slot,
                              std::uint32_t record) noexcept {
  const glibc_layout& at = facts().layout;
  const auto* const self = static_cast<const std::byte*>(current_thread_pointer());
  put(pointer, at.self, pointer);
  put(pointer, at.self_again, pointer);
  put(pointer, at.multiple_threads, 1);
  std::memcpy(pointer + at.stack_guard, self + at.stack_guard, 16);
  std::memcpy(pointer + at.features, self + at.features, 4);
  // On a list of its own: it is taken off in a child of fork, and no other thread finds it.
  put(pointer, at.list, pointer + at.list);
  put(pointer, at.list + 8, pointer + at.list);
  put(pointer, at.tid, static_cast<std::uint32_t>(tls_records::first_tid + record));
  put(pointer, at.robust_head - 8, pointer + at.robust_head);
  put(pointer, at.robust_head, pointer + at.robust_head);
  put(pointer, at.robust_head + 8, at.robust_offset);
  // Policy and priority count as known (SCHED_OTHER, 0), so that nobody asks the kernel about a
  // thread id that it does not know; detached, so that pthread_join answers EINVAL.
  constexpr std::uint32_t detached_user_stack_known_policy = 0x01 | 0x08 | 0x20 | 0x40;
  put(pointer, at.flags, detached_user_stack_known_policy);
  put(pointer, at.join_id, pointer);
  put(pointer, at.user_stack, std::uint8_t{1});
  put(pointer, at.specific, pointer + at.first_specific);
  put(pointer, at.stack_block, slot.bottom);
  put(pointer, at.stack_block + 8, slot.usable());
  put(pointer, at.resolver_pointer, pointer + at.resolver_state);
  // "Registration failed" instead of "not registered", as a library might try to register then:
  // the kernel writes to the OS thread's area and not to this one.
  constexpr std::int32_t registration_failed = -2;
  put(pointer, at.rseq + 4, registration_failed);
}

// What the kernel does for a thread that ends while it holds robust mutexes.
void release_robust_mutexes(std::byte* pointer) noexcept {
  const glibc_layout& at = facts().layout;
  std::byte* const head = pointer + at.robust_head;
  const auto tid = get<std::uint32_t>(pointer, at.tid);
  constexpr int most = 2048;  // as the kernel's ROBUST_LIST_LIMIT: the list is the program's
  std::byte* entry = get<std::byte*>(head, 0);
  for (int i = 0; entry != head && i < most; ++i) {
    // The lowest bit marks a mutex with priority inheritance, which a fiber cannot hold contended.
    auto* node = entry - (reinterpret_cast<std::uintptr_t>(entry) & 1);
    std::byte* const next = get<std::byte*>(node, 0);
    auto& word =
        *reinterpret_cast<std::uint32_t*>(node + static_cast<std::ptrdiff_t>(at.robust_offset));
    std::atomic_ref<std::uint32_t> futex(word);
    auto value = futex.load();
    while ((value & FUTEX_TID_MASK) == tid)
      if (futex.compare_exchange_weak(value, (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED)) {
        if ((value & FUTEX_WAITERS) != 0)
          syscall(SYS_futex, &word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
        break;
      }
    entry = next;
  }
  put(head, 0, head);
  put(head, -8, head);
}

// The thread's TLS of modules that were loaded with dlopen. Entries stay usable: who touches one
// later gets a new one, which the next user of the dtv frees.
void free_dynamic_tls(std::byte* pointer) noexcept {
  auto* dtv = get<dtv_entry*>(pointer, glibc_layout::dtv);
  const auto length = length_of(dtv);
  for (std::uintptr_t i = 1; i <= length; ++i) {
    if (dtv[i].to_free == nullptr) continue;
    std::free(dtv[i].to_free);
    dtv[i] = {not_allocated, nullptr};
  }
}

void do_exit_duties() noexcept {
  const glibc_layout& layout = facts().layout;
  auto* pointer = static_cast<std::byte*>(current_thread_pointer());
  layout.exit_duties[0]();  // destructors of thread_locals
  layout.exit_duties[1]();  // destructors of keys
  release_robust_mutexes(pointer);
  free_dynamic_tls(pointer);
  layout.exit_duties[2]();  // caches of the C library, malloc's among them
}

}  // namespace

const char* obstacle_to_own_tls() noexcept {
  const std::string& obstacle = facts().obstacle;
  return obstacle.empty() ? nullptr : obstacle.c_str();
}

std::size_t tls_block_bytes() noexcept {
  if (obstacle_to_own_tls() != nullptr) return 0;
  const glibc_layout& layout = facts().layout;
  const std::size_t most_padding = layout.alignment > line_bytes ? layout.alignment : line_bytes;
  return layout.static_bytes + 2 * most_padding;
}

result<tls_block> make_tls_block(const stack_slot& slot) noexcept {
  if (obstacle_to_own_tls() != nullptr) return failure(errc::not_supported);
  if (slot.usable() < tls_block_bytes() + least_stack_bytes) return failure(errc::invalid_argument);
  const auto record = records.take();
  if (!record) return failure_from(ENOMEM);
  const auto [pointer, low] = place_below(slot.top, facts().layout);
  std::memset(low, 0, static_cast<std::size_t>(slot.top - low));
  if (!initialise_static_tls(pointer, records.at(*record).dtv)) {
    records.put(*record);
    return failure_from(ENOMEM);
  }
  const auto* dtv = get<const dtv_entry*>(pointer, glibc_layout::dtv);
  notice_new_static_tls({dtv, length_of(dtv) + 1}, low, pointer);
  initialise_control_block(pointer, slot, *record);
  return tls_block(pointer, low, *record);
}

thread_end run_as_thread(void (*body)(void* argument), void* argument) noexcept {
  const glibc_symbols& symbols = facts().symbols;
  symbols.ctype_init();
  __pthread_unwind_buf_t buffer;
  volatile thread_end end = thread_end::unwound;
  // pthread_exit and cancellation unwind up to this frame and jump here.
  auto* environment = reinterpret_cast<__jmp_buf_tag*>(&buffer);
  if (sigsetjmp(environment, 0) == 0) {
    symbols.register_cancel(&buffer);
    body(argument);
    end = thread_end::returned;
  }
  do_exit_duties();
  return end;
}

void free_tls_block(const tls_block& block) noexcept {
  auto* pointer = static_cast<const std::byte*>(block.thread_pointer());
  records.at(block.record()).dtv = get<void*>(pointer, glibc_layout::dtv);
  records.put(block.record());
}

}  // namespace cede::context
