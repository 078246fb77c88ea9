#include "sched/preemptive/spare_threads.hpp"

#include <pthread.h>

#include <exception>

#include "base/futex.hpp"
#include "base/log.hpp"
#include "base/signal_mask.hpp"

namespace cede::sched {
spare_threads::spare_threads(unsigned most) : most_(most) {}

spare_threads::~spare_threads() { stop(); }

result<> spare_threads::start() {
  // Acquire pairs with the release below; from then on no preemptive fiber waits for the lock.
  if (most_ == 0 || started()) return {};
  const std::lock_guard hold(start_lock_);
  if (started_.load(std::memory_order_relaxed)) return {};
  try {
    // And one for rescues.
    while (all_.size() < most_ + 1) all_.push_back(std::make_unique<spare>(*this));
    if (idle_.load(std::memory_order_seq_cst) == 0) start_one();
    const base::signal_mask none(base::every_signal());
    clerk_ = std::thread([this] {
      ::pthread_setname_np(::pthread_self(), "cede-clerk");
      keep_ready();
    });
  } catch (const std::exception&) {  // std::system_error, or std::bad_alloc
    return failure(errc::thread_unavailable);
  }
  started_.store(true, std::memory_order_release);
  return {};
}

void spare_threads::stop() noexcept {
  if (started()) {
    stopping_.store(true, std::memory_order_seq_cst);
    want_more();
    clerk_.join();
  }
  for (const auto& s : all_) {
    if (!s->thread_.joinable()) continue;
    s->recall();
    for (;;) {
      if (s->reserve()) s->give(spare::order::end, nullptr);
      const std::uint32_t seen = s->state_.load(std::memory_order_acquire);
      if (seen == spare::over_state) break;
      if (seen != spare::idle_state) base::futex_wait(s->state_, seen);
    }
    s->thread_.join();
    s->state_.store(spare::absent_state, std::memory_order_relaxed);
  }
  idle_.store(0, std::memory_order_relaxed);
  stopping_.store(false, std::memory_order_relaxed);
  started_.store(false, std::memory_order_relaxed);
}

spare* spare_threads::reserve(spare::order what) noexcept {
  const std::uint32_t needed = what == spare::order::host ? 2 : 1;
  spare* found = nullptr;
  if (idle_.load(std::memory_order_seq_cst) >= needed)
    for (const auto& s : all_)
      if (s->reserve()) {
        found = s.get();
        break;
      }
  if (idle_.load(std::memory_order_seq_cst) < 2) want_more();
  return found;
}

bool spare_threads::may_grow() const noexcept {
  for (const auto& s : all_) {
    const std::uint32_t state = s->state_.load(std::memory_order_relaxed);
    if (state == spare::absent_state || state == spare::over_state) return true;
  }
  return false;
}

void spare_threads::want_more() noexcept {
  wanted_.store(1, std::memory_order_seq_cst);
  base::futex_wake(wanted_, 1);
}

// The clerk.
void spare_threads::keep_ready() noexcept {
  bool complained = false;
  while (!stopping_.load(std::memory_order_seq_cst)) {
    if (wanted_.exchange(0, std::memory_order_seq_cst) == 0) {
      base::futex_wait(wanted_, 0);
      continue;
    }
    if (idle_.load(std::memory_order_seq_cst) >= 2) continue;
    try {
      start_one();
      complained = false;
    } catch (const std::exception&) {
      if (!std::exchange(complained, true))
        base::log(log_level::warning,
                  "no thread can be started: workers whose fibers block are not handed over");
    }
  }
}

void spare_threads::start_one() {
  for (const auto& s : all_) {
    const std::uint32_t state = s->state_.load(std::memory_order_acquire);
    if (state == spare::over_state) {
      s->thread_.join();
      s->state_.store(spare::absent_state, std::memory_order_relaxed);
    } else if (state != spare::absent_state) {
      continue;
    }
    const base::signal_mask none(base::every_signal());
    s->thread_ = std::thread([one = s.get()] { one->serve(); });
    // From now on it is not absent to anyone, and it is ready when start() returns.
    while (s->state_.load(std::memory_order_acquire) == spare::absent_state)
      base::futex_wait(s->state_, spare::absent_state);
    return;
  }
}

// Rule 2.
bool spare_threads::may_end() noexcept {
  std::uint32_t idle = idle_.load(std::memory_order_seq_cst);
  while (idle > 1)
    if (idle_.compare_exchange_weak(idle, idle - 1, std::memory_order_seq_cst)) return true;
  return false;
}

}  // namespace cede::sched
