#include "context/x86_64/newborn_thread.hpp"

#include <pthread.h>
#include <resolv.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <utility>

#include "base/signal_mask.hpp"
#include "context/x86_64/thread_pointer.hpp"

namespace cede::context {

namespace {

constexpr std::size_t probe_stack_bytes = 128 * 1024;

std::uint64_t word_at(const void* base, std::size_t offset) noexcept {
  std::uint64_t word;
  std::memcpy(&word, static_cast<const std::byte*>(base) + offset, sizeof(word));
  return word;
}

// Detaching writes the thread's own address into one word; writing it back lets it be joined again.
std::size_t find_join_id(newborn_thread& seen, void* self) noexcept {
  if (pthread_detach(pthread_self()) != 0) return 0;
  std::size_t found = 0;
  for (std::size_t i = 0; i < seen.words.size(); ++i) {
    if (word_at(self, i * 8) == seen.words[i]) continue;
    if (found != 0 || seen.words[i] != 0 || word_at(self, i * 8) != seen.thread_pointer) return 0;
    found = i * 8;
  }
  if (found != 0) std::memset(static_cast<std::byte*>(self) + found, 0, 8);
  return found;
}

struct observation {
  newborn_thread seen;
  std::atomic<bool> made = false;
};

[[gnu::noinline]] void* observe(void* argument) {
  auto& result = *static_cast<observation*>(argument);
  newborn_thread& seen = result.seen;
  seen.returns_to = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
  void* self = current_thread_pointer();
  seen.thread_pointer = reinterpret_cast<std::uintptr_t>(self);
  std::memcpy(seen.words.data(), self, seen.words.size() * 8);
  seen.tid = static_cast<pid_t>(syscall(SYS_gettid));
  sigset_t mask;
  if (pthread_sigmask(SIG_SETMASK, nullptr, &mask) == 0) seen.signal_mask = word_at(&mask, 0);
  void* head = nullptr;
  std::size_t head_bytes = 0;
  if (syscall(SYS_get_robust_list, 0, &head, &head_bytes) == 0 && head_bytes == 24)
    seen.robust_head = reinterpret_cast<std::uintptr_t>(head);
  seen.resolver_state = reinterpret_cast<std::uintptr_t>(__res_state());
  seen.resolver_pointer = reinterpret_cast<std::uintptr_t>(find_in_process("__resp"));
  seen.join_id_at = find_join_id(seen, self);
  result.made = true;
  result.made.notify_one();
  return nullptr;
}

void describe_creator(newborn_thread& seen) noexcept {
  void* self = current_thread_pointer();
  seen.creators_guards[0] = word_at(self, 0x28);
  seen.creators_guards[1] = word_at(self, 0x30);
  seen.creators_features = static_cast<std::uint32_t>(word_at(self, 0x48));
}

int start_on(void* stack, observation& result, pthread_t& thread) {
  pthread_attr_t attributes;
  if (const int error = pthread_attr_init(&attributes); error != 0) return error;
  pthread_attr_setstack(&attributes, stack, probe_stack_bytes);
  int error = 0;
  {
    const base::signal_mask none(base::every_signal());
    error = pthread_create(&thread, &attributes, &observe, &result);
  }
  pthread_attr_destroy(&attributes);
  return error;
}

}  // namespace

std::expected<newborn_thread, std::string> observe_newborn_thread(const glibc_symbols& symbols) {
  const std::size_t bytes = *symbols.sizeof_pthread;
  if (bytes < 1024 || bytes > 16384 || bytes % 8 != 0)
    return std::unexpected("_thread_db_sizeof_pthread is not the size of a thread's control block");
  void* stack = mmap(nullptr, probe_stack_bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) return std::unexpected("no memory for a thread to look at");
  observation result;
  newborn_thread& seen = result.seen;
  seen.words.resize(bytes / 8);
  seen.stack_low = reinterpret_cast<std::uintptr_t>(stack);
  seen.stack_bytes = probe_stack_bytes;
  describe_creator(seen);
  pthread_t thread{};
  const int error = start_on(stack, result, thread);
  if (error == 0) result.made.wait(false);
  // A thread that would not be joined any more may still be on its stack, which is then left to it.
  if (error != 0 || pthread_join(thread, nullptr) == 0) munmap(stack, probe_stack_bytes);
  if (error != 0)
    return std::unexpected(std::string("no thread could be started to look at: ") +
                           strerror(error));
  return std::move(seen);
}

}  // namespace cede::context
