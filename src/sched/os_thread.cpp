#include "sched/os_thread.hpp"

#include <cxxabi.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>

#include "base/signals.hpp"
#include "base/slab.hpp"
#include "context/thread_stack.hpp"
#include "sched/kernel_carrier.hpp"
#include "sched/scheduler.hpp"

namespace cede::sched {
namespace {

base::slab<os_thread>& all_threads() noexcept {
  static auto* const all = new base::slab<os_thread>;  // never destroyed: late wakers may read it
  return *all;
}

class thread_attributes {
 public:
  thread_attributes() { ::pthread_attr_init(&value_); }
  ~thread_attributes() { ::pthread_attr_destroy(&value_); }
  thread_attributes(const thread_attributes&) = delete;
  thread_attributes& operator=(const thread_attributes&) = delete;

  result<> apply(const attributes& how) {
    if (how.stack_size != 0 && ::pthread_attr_setstacksize(&value_, how.stack_size) != 0)
      return failure(errc::invalid_argument);
    if (how.policy == thread_policy::fifo) return set_policy(SCHED_FIFO, how.realtime_priority);
    // A thread inherits its creator's policy; SCHED_BATCH and SCHED_IDLE may stay.
    const int creators = ::sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
    if (creators == SCHED_FIFO || creators == SCHED_RR) return set_policy(SCHED_OTHER, 0);
    return {};
  }

  const pthread_attr_t* get() const { return &value_; }
  std::size_t stack_bytes() const {
    std::size_t bytes = 0;
    ::pthread_attr_getstacksize(&value_, &bytes);
    return bytes;
  }

 private:
  result<> set_policy(int policy, int priority) {
    sched_param parameters{};
    parameters.sched_priority = priority;
    if (::pthread_attr_setschedpolicy(&value_, policy) != 0 ||
        ::pthread_attr_setschedparam(&value_, &parameters) != 0 ||
        ::pthread_attr_setinheritsched(&value_, PTHREAD_EXPLICIT_SCHED) != 0)
      return failure(errc::invalid_argument);
    return {};
  }

  pthread_attr_t value_;
};

// The creator's mask is inherited, and a worker blocks all asynchronous signals: a cancel would not
// get this thread out of its system call.
void unblock_interrupts() noexcept {
  sigset_t interrupt;
  ::sigemptyset(&interrupt);
  ::sigaddset(&interrupt, base::signals::interrupt_signal());
  ::pthread_sigmask(SIG_UNBLOCK, &interrupt, nullptr);
}

void describe_current(char* buffer, std::size_t size) noexcept {
  describe(current(), buffer, size);
}

std::error_code cause(int error) noexcept {
  if (error == EPERM) return errc::not_permitted;
  if (error == EINVAL) return errc::invalid_argument;
  return errc::thread_unavailable;
}

}  // namespace

os_thread::os_thread() noexcept : spawned(nullptr, kernel_carrier(), capability::may_preempt) {}

result<os_thread*> os_thread::create(const attributes& how, const detail::body& callable,
                                     child_group* group, scheduler& owner) {
  thread_attributes settings;
  if (auto applied = settings.apply(how); !applied) return std::unexpected(applied.error());
  os_thread* const t = all_threads().create();
  if (t == nullptr) return failure(errc::thread_unavailable);
  try {
    if (auto placed = t->place_body(callable); !placed) {
      all_threads().destroy(t);
      return std::unexpected(placed.error());
    }
  } catch (...) {  // the callable's move constructor threw
    all_threads().destroy(t);
    throw;
  }
  t->owner = &owner;
  t->id = next_id();
  t->set_name(how.name);
  t->stack_bytes_ = settings.stack_bytes();
  if (group != nullptr) group->adopt(*t);
  owner.outside.fetch_add(1, std::memory_order_seq_cst);
  pthread_t handle{};
  if (const int error = ::pthread_create(&handle, settings.get(), &os_thread::enter, t);
      error != 0) {
    t->abandon(callable);
    return std::unexpected(cause(error));
  }
  return t;
}

// A callable has no stack yet to stand on, as that is the thread's own: it goes to the heap.
result<> os_thread::place_body(const detail::body& callable) {
  alignment_ = std::max(callable.alignment, std::size_t{__STDCPP_DEFAULT_NEW_ALIGNMENT__});
  void* const at = ::operator new(callable.size, std::align_val_t(alignment_), std::nothrow);
  if (at == nullptr) return failure(errc::thread_unavailable);
  storage_ = at;
  try {
    callable.move_to(callable.source, at);
  } catch (...) {
    free_storage();
    throw;
  }
  run_ = callable.run;
  return {};
}

void os_thread::free_storage() noexcept {
  ::operator delete(storage_, std::align_val_t(alignment_));
  storage_ = nullptr;
}

void os_thread::abandon(const detail::body& callable) noexcept {
  callable.destroy(storage_);
  free_storage();
  if (group != nullptr) group->disown(*this);
  owner->outside.fetch_sub(1, std::memory_order_seq_cst);
  all_threads().destroy(this);
}

void* os_thread::enter(void* argument) {
  unblock_interrupts();
  os_thread& self = *static_cast<os_thread*>(argument);
  self.kernel_tid.store(static_cast<int>(::syscall(SYS_gettid)), std::memory_order_relaxed);
  if (self.name != nullptr) ::pthread_setname_np(::pthread_self(), self.short_name().data());
  const thread_binding bound(self);
  // pthread_exit unwinds through here, and its exception must go on: hence a destructor.
  struct finisher {
    os_thread& thread;
    ~finisher() { thread.finish(); }
  } const at_end{self};
  const context::thread_stack watched(self.stack_bytes_, &describe_current);
  self.run_body();
  return nullptr;
}

// In this order: once the end is announced the scheduler may stop, and it waits for the thread that
// has registered last; and it must not look as if nothing could come from outside any more before
// whoever waits for us has been woken.
void os_thread::finish() noexcept {
  free_storage();
  owner->thread_ended(::pthread_self());
  announce_end();
  owner->outside.fetch_sub(1, std::memory_order_seq_cst);
  // In virtual time the worker may sleep only because of us: it looks for a deadlock again.
  if (owner->virtual_time() != nullptr) owner->workers().front()->rouse();
  release();
}

std::array<char, 16> os_thread::short_name() const noexcept {
  std::array<char, 16> text{};  // the kernel's limit, with the final zero
  for (std::size_t i = 0; i + 1 < text.size() && name[i] != '\0'; ++i) text[i] = name[i];
  return text;
}

void os_thread::dispose() noexcept { all_threads().destroy(this); }

}  // namespace cede::sched
