// Actors: handlers (any thread, any instruction), the dispatcher thread, and threads that subscribe
// and drop.
// State: `noted`, one bit a number, set by handlers and taken by the dispatcher; `notes`, a futex
// word that handlers count up after setting a bit; `wanted`, the numbers with subscribers; the rest
// under `lock`.
// Rules:
// 1. A handler sets the bit, counts up, wakes; the dispatcher reads the count, takes the bits, and
//    sleeps only while the count is what it read. So no signal is slept over.
// 2. Callbacks run without the lock. `calls` says how many run for a subscriber; dropping waits for
//    none, on every thread but the one that runs the callback.
// 3. The thread that drops the last subscription stops and joins the dispatcher. Inside a callback
//    that is the dispatcher itself, which then ends on its own; a new one may start meanwhile, and
//    whichever takes a bit serves all subscribers of that moment.
// 4. In a forked child there is no dispatcher: there the handler puts back the disposition of
//    before and lets the signal come again.
#include "base/signal_dispatcher.hpp"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <limits>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/fork_guard.hpp"
#include "base/futex.hpp"
#include "base/signal_registry.hpp"
#include "base/signals.hpp"

namespace cede::base::signals {

struct subscriber {
  std::uint64_t numbers = 0;
  std::function<void(int)> callback;
  int calls = 0;
  bool dropped = false;
};

namespace {

constinit std::atomic<std::uint64_t> noted = 0;
constinit std::atomic<std::uint64_t> wanted = 0;
constinit std::atomic<std::uint32_t> notes = 0;

constexpr std::uint64_t bit_of(int number) noexcept { return std::uint64_t{1} << (number - 1); }

template <class Visit>
void for_each_number(std::uint64_t bits, Visit visit) {
  for (int number = 1; bits != 0; ++number, bits >>= 1) {
    if ((bits & 1) != 0) visit(number);
  }
}

struct worker {
  std::thread thread;
  std::atomic<bool> stopping = false;
};

class dispatcher {
 public:
  result<std::shared_ptr<subscriber>> add(std::uint64_t numbers, std::function<void(int)> callback);
  void remove(const std::shared_ptr<subscriber>& leaving) noexcept;

 private:
  result<> start_worker();
  void run(const worker& self) noexcept;
  void serve(int number) noexcept;
  void call(const std::shared_ptr<subscriber>& one, int number) noexcept;
  void update_wanted() noexcept;
  static void stop(std::shared_ptr<worker> ending) noexcept;

  std::mutex lock_;
  std::condition_variable call_ended_;
  std::vector<std::shared_ptr<subscriber>> subscribers_;
  std::shared_ptr<worker> worker_;
};

// Never destroyed: its thread may outlive static objects.
dispatcher& instance() {
  static dispatcher& created = *new dispatcher;
  return created;
}

result<std::shared_ptr<subscriber>> dispatcher::add(std::uint64_t numbers,
                                                    std::function<void(int)> callback) {
  auto added = std::make_shared<subscriber>(numbers, std::move(callback));
  const std::lock_guard guard(lock_);
  if (worker_ == nullptr) {
    if (const auto started = start_worker(); !started) return std::unexpected(started.error());
  }
  noted.fetch_and(~(numbers & ~wanted.load()));  // what nobody wanted is no news
  subscribers_.push_back(added);
  update_wanted();
  for_each_number(numbers, [](int number) { registry::take(number, note_signal, SA_RESTART); });
  return added;
}

void dispatcher::remove(const std::shared_ptr<subscriber>& leaving) noexcept {
  std::shared_ptr<worker> ending;
  {
    std::unique_lock guard(lock_);
    std::erase(subscribers_, leaving);
    leaving->dropped = true;
    update_wanted();
    for_each_number(leaving->numbers, registry::give_back);
    const bool inside =
        worker_ != nullptr && worker_->thread.get_id() == std::this_thread::get_id();
    if (!inside) {
      call_ended_.wait(guard, [&] { return leaving->calls == 0; });
      leaving->callback = nullptr;  // what it captured ends here, not on the dispatcher
    }
    if (subscribers_.empty()) ending = std::exchange(worker_, nullptr);
  }
  if (ending != nullptr) stop(std::move(ending));
}

// Under the lock. The thread starts with all asynchronous signals blocked, so that no handler of
// anybody runs there.
result<> dispatcher::start_worker() {
  auto starting = std::make_shared<worker>();
  const sigset_t blocked = registry::asynchronous_signals();
  sigset_t before;
  ::pthread_sigmask(SIG_SETMASK, &blocked, &before);
  result<> outcome;
  try {
    starting->thread = std::thread([this, starting] { run(*starting); });
    worker_ = std::move(starting);
  } catch (const std::system_error&) {
    outcome = failure(errc::thread_unavailable);
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return outcome;
}

void dispatcher::run(const worker& self) noexcept {
  ::pthread_setname_np(::pthread_self(), "cede-signals");
  const alternate_stack handler_stack;
  while (true) {
    const std::uint32_t seen = notes.load();
    if (self.stopping.load()) return;
    if (const std::uint64_t bits = noted.exchange(0)) {
      for_each_number(bits, [this](int number) { serve(number); });
    } else {
      futex_wait(notes, seen);
    }
  }
}

void dispatcher::serve(int number) noexcept {
  std::vector<std::shared_ptr<subscriber>> present;
  {
    const std::lock_guard guard(lock_);
    present = subscribers_;
  }
  for (const auto& one : present) {
    if ((one->numbers & bit_of(number)) != 0) call(one, number);
  }
}

void dispatcher::call(const std::shared_ptr<subscriber>& one, int number) noexcept {
  {
    const std::lock_guard guard(lock_);
    if (one->dropped) return;
    ++one->calls;
  }
  one->callback(number);
  {
    const std::lock_guard guard(lock_);
    --one->calls;
  }
  call_ended_.notify_all();
}

void dispatcher::update_wanted() noexcept {
  std::uint64_t all = 0;
  for (const auto& one : subscribers_) all |= one->numbers;
  wanted.store(all);
}

void dispatcher::stop(std::shared_ptr<worker> ending) noexcept {
  ending->stopping.store(true);
  notes.fetch_add(1);
  futex_wake(notes, std::numeric_limits<int>::max());
  if (ending->thread.get_id() == std::this_thread::get_id()) {
    ending->thread.detach();
  } else {
    ending->thread.join();
  }
}

// Async-signal-safe. The signal is blocked here, so it comes again after the return.
void repeat_with_previous(int number) noexcept {
  ::sigaction(number, &registry::previous_of(number), nullptr);
  ::raise(number);
}

}  // namespace

void note_signal(int number, siginfo_t* info, void* context) noexcept {
  const int saved_errno = errno;
  if (in_forked_child()) {
    repeat_with_previous(number);
  } else {
    if ((wanted.load() & bit_of(number)) != 0) {
      noted.fetch_or(bit_of(number));
      notes.fetch_add(1);
      futex_wake(notes, std::numeric_limits<int>::max());
    }
    registry::chain(number, info, context);
  }
  errno = saved_errno;
}

result<subscription> subscribe(std::span<const int> numbers, std::function<void(int)> callback) {
  require_not_forked_child("signals::subscribe");
  std::uint64_t bits = 0;
  for (const int number : numbers) {
    CEDE_REQUIRE(number > 0 && number < NSIG && !registry::is_synchronous(number),
                 "signals::subscribe: only asynchronous signals have subscribers");
    bits |= bit_of(number);
  }
  auto added = instance().add(bits, std::move(callback));
  if (!added) return std::unexpected(added.error());
  return subscription(std::move(*added));
}

subscription::subscription(std::shared_ptr<subscriber> self) noexcept : self_(std::move(self)) {}

subscription& subscription::operator=(subscription&& other) noexcept {
  if (this != &other) {
    drop();
    self_ = std::move(other.self_);
  }
  return *this;
}

subscription::~subscription() { drop(); }

void subscription::drop() noexcept {
  if (self_ != nullptr) instance().remove(std::exchange(self_, nullptr));
}

}  // namespace cede::base::signals
