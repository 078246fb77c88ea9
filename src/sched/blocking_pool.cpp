#include "sched/blocking_pool.hpp"

#include <cede/blocking.hpp>
#include <cstdio>
#include <system_error>

#include "context/no_preempt.hpp"
#include "context/thread_stack.hpp"
#include "sched/carrier.hpp"
#include "sched/parking.hpp"
#include "sched/scheduler.hpp"

namespace cede::sched {
namespace {

void describe_thread(char* buffer, std::size_t size) noexcept {
  std::snprintf(buffer, size, "a thread of cede::blocking");
}

}  // namespace

blocking_pool::~blocking_pool() {
  std::unique_lock hold(lock_);
  closing_ = true;
  work_.notify_all();
  gone_.wait(hold, [this] { return threads_ == 0; });
}

result<> blocking_pool::run(void (*call)(void*) noexcept, void* argument) {
  job mine{.call = call, .argument = argument, .caller = current()};
  {
    const context::no_preempt_region
        region;  // others would wait for the lock, and with them workers
    std::unique_lock hold(lock_);
    if (jobs_.size() >= idle_ && threads_ < most_threads)
      if (auto started = start_thread(); !started && threads_ == 0) return started;
    jobs_.push_back(mine);
    work_.notify_one();
  }
  park(wait_reason::blocking_call);
  return {};
}

// Under lock_. A detached thread is over for us when it has taken itself off `threads_`.
result<> blocking_pool::start_thread() noexcept {
  try {
    std::thread([this] { serve(); }).detach();
    ++threads_;
    return {};
  } catch (const std::exception&) {  // std::system_error, or std::bad_alloc
    return failure(errc::thread_unavailable);
  }
}

void blocking_pool::serve() noexcept {
  const context::thread_stack watched(context::default_thread_stack(), &describe_thread);
  std::unique_lock hold(lock_);
  for (;;) {
    ++idle_;
    const bool called =
        work_.wait_for(hold, idle_time, [this] { return !jobs_.empty() || closing_; });
    --idle_;
    job* const next = called ? jobs_.pop_front() : nullptr;
    if (next == nullptr) break;
    hold.unlock();
    runnable& caller = next->caller;  // the job is gone once the caller goes on
    next->call(next->argument);
    unpark(caller);
    hold.lock();
  }
  --threads_;
  // Under the lock, so that the pool outlives the call.
  gone_.notify_all();
}

}  // namespace cede::sched

namespace cede::detail {

void run_blocking(void (*call)(void*) noexcept, void* argument) {
  sched::runnable& self = sched::current();
  sched::scheduler* const here = sched::scheduler::current();
  if (!self.carrier->shared() || here == nullptr) return call(argument);
  here->outside.fetch_add(1, std::memory_order_seq_cst);
  const auto done = here->blocking().run(call, argument);
  here->outside.fetch_sub(1, std::memory_order_seq_cst);
  if (!done) throw std::system_error(done.error(), "cede::blocking");
}

}  // namespace cede::detail
