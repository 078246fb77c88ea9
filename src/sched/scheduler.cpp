#include "sched/scheduler.hpp"

#include <pthread.h>

#include <cstdlib>
#include <mutex>
#include <string>

#include "base/assert.hpp"
#include "base/fork_guard.hpp"
#include "base/log.hpp"
#include "base/signal_mask.hpp"
#include "sched/fiber.hpp"
#include "sched/fiber_slab.hpp"
#include "sched/kick.hpp"
#include "sched/os_thread.hpp"
#include "sched/parking.hpp"

namespace cede::sched {
namespace {

// More than this many workers are not all looked at for a placement.
constexpr std::size_t workers_compared = 8;

}  // namespace

result<std::unique_ptr<scheduler>> scheduler::create(scheduler_options options) {
  if (options.workers == 0 || (options.virtual_time != nullptr && options.workers != 1))
    return failure(errc::invalid_argument);
  std::unique_ptr<scheduler> made(new scheduler(std::move(options)));
  for (auto& w : made->workers_) {
    auto p = made->options_.make_poller(*w);
    if (!p) return std::unexpected(p.error());
    w->set_poller(std::move(*p));
  }
  return made;
}

scheduler::scheduler(scheduler_options options)
    : options_(std::move(options)), spares_(options_.spare_threads) {
  workers_.reserve(options_.workers);
  for (unsigned i = 0; i < options_.workers; ++i)
    workers_.push_back(std::make_unique<worker>(*this, i, options_.make_policy(i)));
  if (options_.virtual_time == nullptr) {
    install_kick_handler();
    monitor_ = std::make_unique<monitor>(*this, options_.watchdog);
  }
}

scheduler::~scheduler() { stop(); }

scheduler* scheduler::current() noexcept {
  if (worker* const w = worker::current()) return &w->owner();
  return sched::current().owner;
}

result<spawned*> scheduler::spawn(kind what, const attributes& how, const detail::body& callable,
                                  child_group* group) {
  base::require_not_forked_child("spawn");
  if (what == kind::os_thread) return os_thread::create(how, callable, group, *this);
  if (auto prepared = prepare_for(what); !prepared) return std::unexpected(prepared.error());
  worker& on = place(how.where);
  auto made = fiber::create(on, what, how, callable, *this);
  if (!made) return std::unexpected(made.error());
  if (group != nullptr) group->adopt(**made);
  on.start(**made, how.where);
  return *made;
}

result<> scheduler::prepare_for(kind what) {
  if (what != kind::preemptive) return {};
  if (prepare_preemption() != nullptr || monitor_ == nullptr) return failure(errc::not_supported);
  if (auto watched = monitor_->start(); !watched) return watched;
  return spares_.start();
}

// The one with the fewest fibers; of equals one that is not busy spawning. With many workers a
// window of them is compared, which moves on with each call.
worker& scheduler::place(placement where) noexcept {
  worker* const here = worker::current();
  const bool mine = here != nullptr && &here->owner() == this;
  if (mine && (where == placement::same_worker || workers_.size() == 1)) return *here;
  if (workers_.size() == 1) return *workers_.front();
  static thread_local std::size_t window = 0;
  const std::size_t start = workers_.size() > workers_compared ? window++ : 0;
  worker* best = nullptr;
  std::uint32_t least = 0;
  for (std::size_t i = 0; i < std::min(workers_.size(), workers_compared); ++i) {
    worker& w = *workers_[(start + i) % workers_.size()];
    const std::uint32_t load = 2 * w.live() + (&w == here ? 1 : 0);
    if (best != nullptr && load >= least) continue;
    best = &w;
    least = load;
  }
  return *best;
}

result<> scheduler::start_threads(unsigned first) {
  result<> outcome;
  try {
    // Workers leave asynchronous signals to the threads that want them; faults stay theirs.
    const base::signal_mask faults_only(base::every_signal_but_faults());
    for (std::size_t i = first; i < workers_.size(); ++i)
      threads_.emplace_back([w = workers_[i].get()] {
        const std::string name = "cede-worker-" + std::to_string(w->index());
        ::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str());
        w->run();
      });
  } catch (const std::exception&) {  // std::system_error, or std::bad_alloc
    outcome = failure(errc::thread_unavailable);
  }
  if (outcome && monitor_ != nullptr && monitor_->has_watchdog()) outcome = monitor_->start();
  return outcome;
}

void scheduler::run_here() noexcept { workers_.front()->run(); }

void scheduler::stop() noexcept {
  if (monitor_ != nullptr) monitor_->stop();
  if (!threads_.empty()) {
    for (auto& w : workers_) w->stop();
    for (auto& t : threads_) t.join();
    threads_.clear();
  }
  spares_.stop();
  const std::lock_guard hold(last_thread_lock_);
  if (std::exchange(has_last_thread_, false)) ::pthread_join(last_thread_, nullptr);
}

bool scheduler::anything_to_steal(const worker& self) const noexcept {
  for (const auto& w : workers_)
    if (w.get() != &self && (w->has_unstarted() || w->spares())) return true;
  return false;
}

void scheduler::rouse_a_thief(const worker& busy) noexcept {
  for (const auto& w : workers_)
    if (w.get() != &busy && w->sleeping()) return w->rouse();
}

void scheduler::thread_ended(pthread_t thread) noexcept {
  bool had_one = false;
  pthread_t before{};
  {
    const std::lock_guard hold(last_thread_lock_);
    before = std::exchange(last_thread_, thread);
    had_one = std::exchange(has_last_thread_, true);
  }
  if (had_one) ::pthread_join(before, nullptr);
}

void scheduler::report_deadlock() noexcept {
  base::log(log_level::error, "deadlock: nothing is ready, no timer runs and no event can come");
  all_fibers().for_each_live([this](fiber& f) {
    if (f.owner != this) return;
    char who[96];
    describe(f, who, sizeof who);
    std::string line = std::string("  ") + who + " waits: ";
    line += to_string(f.reason.load(std::memory_order_relaxed));
    base::log(log_level::error, line);
  });
  std::abort();
}

}  // namespace cede::sched
