// The doors of <cede/spawn.hpp> and <cede/this_fiber.hpp> to the scheduler.
#include <cede/spawn.hpp>
#include <cede/this_fiber.hpp>
#include <utility>

#include "base/log.hpp"
#include "sched/fiber.hpp"
#include "sched/outcome_text.hpp"
#include "sched/parking.hpp"
#include "sched/scheduler.hpp"

namespace cede {
namespace detail {

result<sched::spawned*> spawn(kind what, const attributes& how, const body& callable,
                              sched::child_group* group) {
  sched::scheduler* const here = sched::scheduler::current();
  if (here == nullptr) return failure(errc::no_runtime);
  return here->spawn(what, how, callable, group != nullptr ? group : here->root());
}

void release(sched::spawned* child) noexcept { child->release(); }
void cancel(sched::spawned& child) noexcept { sched::cancel(child); }
result<> join(sched::spawned& child, deadline until) { return child.join(until); }
outcome& outcome_of(sched::spawned& child) noexcept { return child.result_of_body; }
std::uint64_t id_of(const sched::spawned& child) noexcept { return child.id; }

}  // namespace detail

fiber& fiber::operator=(fiber&& other) noexcept {
  if (this != &other) {
    finish();
    child_ = std::move(other.child_);
  }
  return *this;
}

fiber::~fiber() { finish(); }

void fiber::finish() noexcept {
  if (!child_) return;
  cancel();
  child_->join_without_fail();
  const detail::outcome& ended = child_->result_of_body;
  // It was told to stop, so that it did is no failure.
  if (ended.failed() && ended.error != errc::cancelled)
    base::log(log_level::warning,
              sched::name_of(*child_) + " failed and nobody looked: " + sched::text_of(ended));
  child_.reset();
}

result<> fiber::join(deadline until) {
  if (!child_) return failure(errc::invalid_argument);
  if (auto joined = child_->join(until); !joined) return joined;
  detail::outcome ended = std::exchange(child_->result_of_body, {});
  if (ended.exception) std::rethrow_exception(ended.exception);
  if (ended.error) return std::unexpected(ended.error);
  return {};
}

namespace this_fiber {

void yield() noexcept { sched::yield(); }

result<> sleep_until(clock::time_point instant) {
  sched::runnable& self = sched::current();
  switch (sched::park_until(sched::wait_reason::sleep, instant)) {
    case sched::wake::cancelled:
      return failure(errc::cancelled);
    case sched::wake::unparked:
      break;  // nobody knows of this wait: cannot be
    case sched::wake::deadline:
      break;
  }
  if (self.ambient_deadline < instant) return failure(errc::deadline_exceeded);
  return {};
}

bool cancelled() noexcept { return sched::current().cancel_requested(); }

std::uint64_t id() noexcept { return sched::current().id; }

std::string name() {
  const sched::runnable& self = sched::current();
  return self.name != nullptr ? std::string(self.name.load()) : sched::name_of(self);
}

std::size_t stack_high_water() noexcept {
  const sched::fiber* const self = sched::fiber::running();
  return self != nullptr ? context::stack_pool::instance().high_water(self->stack()) : 0;
}

}  // namespace this_fiber
}  // namespace cede
