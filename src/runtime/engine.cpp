#include "runtime/engine.hpp"

#include <cstdio>
#include <mutex>

#include "base/assert.hpp"
#include "base/cpus.hpp"
#include "base/log.hpp"
#include "context/interruptible.hpp"
#include "context/machine.hpp"
#include "context/overflow.hpp"
#include "io/choose.hpp"
#include "sched/fiber.hpp"
#include "sched/parking.hpp"

namespace cede::assembly {
namespace {

constexpr unsigned most_workers = 1024;
constexpr unsigned most_spare_threads = 1024;

// Async-signal-safe: reads the runnable of the thread that faulted.
void name_running(const context::stack_slot&, char* buffer, std::size_t size) noexcept {
  const sched::fiber* const self = sched::fiber::running();
  if (self == nullptr)
    std::snprintf(buffer, size, "?");
  else if (self->name != nullptr)
    std::snprintf(buffer, size, "%s", self->name.load());
  else
    std::snprintf(buffer, size, "%llu", static_cast<unsigned long long>(self->id));
}

void name_caller(char* buffer, std::size_t size) noexcept {
  const sched::runnable& self = sched::current();
  const bool foreign_thread = self.name == nullptr && self.id == 0;
  if (!foreign_thread) sched::describe(self, buffer, size);
}

void install_process_hooks() {
  static std::once_flag once;
  std::call_once(once, [] {
    base::set_current_name_hook(&name_caller);
    context::install_overflow_reporter(&name_running);
    context::install_interrupt_handler();
  });
}

std::unique_ptr<sched::policy> make_policy(const runtime_options& options) {
  if (options.seed) return std::make_unique<sched::seeded_policy>(*options.seed);
  if (options.order == run_order::priority) return std::make_unique<sched::priority_policy>();
  return std::make_unique<sched::fifo_policy>();
}

unsigned worker_count(const runtime_options& options) {
  if (options.seed) return 1;
  return options.workers != 0 ? options.workers : base::usable_cpus();
}

}  // namespace

engine::engine(const runtime_options& options)
    : no_sigpipe_(base::signals::ignore_sigpipe()),
      root_({.when_one_fails = on_failure::contain}, nullptr) {
  if (!options.seed) return;
  virtual_clock_.emplace();
  installed_clock_.emplace(*virtual_clock_);
}

std::string engine::complaint_about(const runtime_options& options) {
  if (options.workers > most_workers)
    return "workers is " + std::to_string(options.workers) + ": give 1 to " +
           std::to_string(most_workers) + ", or 0 for one a CPU";
  if (options.seed && options.workers > 1)
    return "workers is " + std::to_string(options.workers) +
           ": with a seed there is one, give 1 or 0";
  if (options.watchdog < std::chrono::milliseconds(0))
    return "watchdog is " + std::to_string(options.watchdog.count()) +
           " ms: give a time, or 0 for none";
  if (!sched::is_slice(options.slice))
    return "slice is " + std::to_string(options.slice.count()) + " us: give 500 us to 1 s";
  if (options.spare_threads > most_spare_threads)
    return "spare_threads is " + std::to_string(options.spare_threads) + ": give 0 to 1024";
  return {};
}

result<std::unique_ptr<engine>> engine::create(const runtime_options& options) {
  if (!complaint_about(options).empty()) return failure(errc::invalid_argument);
  if (const char* const obstacle = context::obstacle_to_switching()) {
    base::log(log_level::error, obstacle);
    return failure(errc::not_supported);
  }
  install_process_hooks();
  std::unique_ptr<engine> made(new engine(options));
  auto scheduler = sched::scheduler::create(
      {.workers = worker_count(options),
       .make_policy = [options](unsigned) { return make_policy(options); },
       .make_poller = [options](sched::worker& w) -> result<std::unique_ptr<sched::poller>> {
         return io::make_reactor(options.reactor, w);
       },
       .virtual_time = made->virtual_clock_ ? &*made->virtual_clock_ : nullptr,
       .watchdog = {.threshold = options.watchdog, .on_hog = options.on_hog},
       .slice = options.slice,
       .spare_threads = options.spare_threads});
  if (!scheduler) return std::unexpected(scheduler.error());
  made->scheduler_ = std::move(*scheduler);
  made->scheduler_->set_root(&made->root_);
  return made;
}

engine::~engine() = default;

}  // namespace cede::assembly
