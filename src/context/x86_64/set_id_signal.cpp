#include "context/set_id_signal.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "context/x86_64/thread_pointer.hpp"

namespace cede::context {
namespace {

constexpr int set_id_signal = 33;  // SIGSETXID, which the C library's sigaction() denies
constexpr int most_threads = 4096;

struct slot {
  std::atomic<pid_t> thread{0};  // 0: free
  std::atomic<void*> pointer{nullptr};
};
constinit std::array<slot, most_threads> slots;
constinit std::atomic<int> used{0};  // none is beyond

// What the kernel takes; the C library's is another.
struct kernel_action {
  void (*handler)(int, siginfo_t*, void*);
  unsigned long flags;
  void (*restorer)();
  std::uint64_t mask;
};
constinit std::atomic<void (*)(int, siginfo_t*, void*)> original = nullptr;

// Not the wrappers of the C library: they may set errno, which is somebody's in the middle of this.
long call(long number, long a, long b, long c, long d) noexcept {
  long outcome;
  asm volatile("movq %[fourth], %%r10\n\tsyscall"
               : "=a"(outcome)
               : "a"(number), "D"(a), "S"(b), "d"(c), [fourth] "r"(d)
               : "rcx", "r10", "r11", "memory");
  return outcome;
}

// The block to report in: the kernel's thread's own where a fiber's is in place. Where another
// thread's is (move_to), that one may be the caller's, whom nobody signals: its thread in the
// kernel would be left out unnoticed. So nothing is mended then, and the caller waits.
void* block_to_report_in(void* in_place) noexcept {
  const auto self = static_cast<pid_t>(call(SYS_gettid, 0, 0, 0, 0));
  const int end = used.load(std::memory_order_acquire);
  void* own = in_place;
  for (int i = 0; i < end; ++i) {
    const slot& one = slots[static_cast<std::size_t>(i)];
    const pid_t thread = one.thread.load(std::memory_order_acquire);
    if (thread <= 0) continue;
    void* const pointer = one.pointer.load(std::memory_order_relaxed);
    if (pointer == in_place) return in_place;
    if (thread == self) own = pointer;
  }
  return own;
}

void on_set_id(int number, siginfo_t* info, void* context) noexcept {
  void* const before = current_thread_pointer();
  void* const own = block_to_report_in(before);
  if (own != before) set_thread_pointer(own);
  original.load(std::memory_order_relaxed)(number, info, context);
  if (own != before) set_thread_pointer(before);
}

long change(const kernel_action* to, kernel_action* from) noexcept {
  return call(SYS_rt_sigaction, set_id_signal, reinterpret_cast<long>(to),
              reinterpret_cast<long>(from), sizeof(kernel_action::mask));
}

bool take() noexcept {
  kernel_action action{};
  if (change(nullptr, &action) != 0) return false;
  const bool expected = action.handler != nullptr && (action.flags & SA_SIGINFO) != 0;
  if (!expected) return false;
  original.store(action.handler, std::memory_order_relaxed);
  action.handler = &on_set_id;
  action.flags |= SA_ONSTACK;  // a fiber's stack may have no room
  return change(&action, nullptr) == 0;
}

}  // namespace

known_thread::known_thread() noexcept {
  for (int i = 0; i < most_threads; ++i) {
    slot& one = slots[static_cast<std::size_t>(i)];
    pid_t free = 0;
    if (one.thread.load(std::memory_order_relaxed) != 0 ||
        !one.thread.compare_exchange_strong(free, -1, std::memory_order_acquire))
      continue;
    one.pointer.store(current_thread_pointer(), std::memory_order_relaxed);
    one.thread.store(::gettid(), std::memory_order_release);
    int end = used.load(std::memory_order_relaxed);
    while (end <= i && !used.compare_exchange_weak(end, i + 1, std::memory_order_acq_rel)) {
    }
    slot_ = i;
    return;
  }
}

known_thread::~known_thread() {
  if (slot_ >= 0) slots[static_cast<std::size_t>(slot_)].thread.store(0, std::memory_order_release);
}

bool take_set_id_signal() noexcept {
  static const bool taken = take();
  return taken;
}

}  // namespace cede::context
