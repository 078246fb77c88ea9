#include "sched/fiber.hpp"

#include <cxxabi.h>

#include <atomic>
#include <utility>

#include "base/assert.hpp"
#include "context/no_preempt.hpp"
#include "sched/fiber_slab.hpp"
#include "sched/kernel_carrier.hpp"
#include "sched/parking.hpp"
#include "sched/scheduler.hpp"
#include "sched/worker.hpp"

namespace cede::sched {
namespace {

constexpr auto moves_and_stops = capability::may_migrate | capability::may_preempt;

// A cache belongs to its worker: a fiber that takes from it must not be moved meanwhile.
result<context::stack_slot> allocate_stack(std::size_t size) noexcept {
  const context::no_preempt_region region;
  worker* const here = worker::current();
  return here != nullptr ? here->stacks().allocate(size)
                         : context::stack_pool::instance().allocate(size);
}

}  // namespace

fiber::fiber(worker& on, kind what) noexcept
    : spawned(what == kind::preemptive ? &fiber::resume_preemptive : &fiber::resume, on,
              what == kind::preemptive ? moves_and_stops : capability::may_freeze) {
  id = next_id();
  const auto distance = reinterpret_cast<std::byte*>(&context_) -
                        reinterpret_cast<std::byte*>(static_cast<runnable*>(this));
  registers_at = static_cast<std::uint8_t>(static_cast<std::size_t>(distance) / sizeof(void*));
}

result<fiber*> fiber::create(worker& on, kind what, const attributes& how,
                             const detail::body& callable, scheduler& owner) {
  if (how.priority < 0 || how.priority >= static_cast<int>(priority_policy::classes))
    return failure(errc::invalid_argument);
  const std::size_t usual = what == kind::preemptive ? default_preemptive_stack : default_stack;
  auto stack = allocate_stack(how.stack_size != 0 ? how.stack_size : usual);
  if (!stack) return std::unexpected(stack.error());
  fiber* const f = all_fibers().create(on, what);
  if (f == nullptr) {
    context::stack_pool::instance().release(*stack);
    return failure(errc::stack_unavailable);
  }
  f->stack_ = *stack;
  f->owner = &owner;
  f->priority = static_cast<std::uint8_t>(how.priority);
  f->set_name(how.name);
  try {
    if (auto equipped = f->equip(how, callable); !equipped) {
      f->discard();
      return equipped.error().category() == error_category()
                 ? result<fiber*>(std::unexpected(equipped.error()))
                 : failure(errc::stack_unavailable);
    }
  } catch (...) {  // the callable's move constructor threw
    f->discard();
    throw;
  }
  return f;
}

// The callable goes to the top of the stack: no allocation, and it sleeps where the stack sleeps.
result<> fiber::place_body(const detail::body& callable) {
  const auto top = reinterpret_cast<std::uintptr_t>(tls_ ? tls_.low() : stack_.top);
  const std::size_t room = stack_.usable() / 2;
  if (callable.size > room || callable.alignment > room) return failure(errc::invalid_argument);
  const std::uintptr_t at = (top - callable.size) & ~(std::uintptr_t{callable.alignment} - 1);
  storage_ = reinterpret_cast<void*>(at);
  body = storage_;
  callable.move_to(callable.source, storage_);
  run_ = callable.run;
  context_.start_below(stack_, reinterpret_cast<std::byte*>(at & ~std::uintptr_t{15}),
                       tls_ ? &fiber::enter_preemptive : &fiber::enter, this);
  if (tls_) {
    context_.use_thread_pointer(tls_.thread_pointer());
    own_tls = context::preemption_word_of(tls_.thread_pointer());
  }
  return {};
}

base::slab<fiber>& all_fibers() noexcept {
  static auto* const all = new base::slab<fiber>;  // never destroyed: see fiber_slab.hpp
  return *all;
}

void fiber::discard() noexcept {
  if (tls_) context::free_tls_block(tls_);
  context::stack_pool::instance().release(stack_);
  all_fibers().destroy(this);
}

// Control: the CPU's registers go to whoever runs now, and this fiber's come in.
void fiber::resume(runnable& self) noexcept {
  fiber& to = static_cast<fiber&>(self);
  worker& on = *static_cast<worker*>(to.carrier.get());
  context::fiber_context& from = *std::exchange(on.running_, &to.context_);
  on.count_switch();
  on.set_current(to);
  context::switch_to(from, to.context_);
}

void fiber::enter(void* argument) noexcept {
  fiber& self = *static_cast<fiber*>(argument);
  context::arrived(self.context_);
  try {
    self.run_body();
  } catch (const abi::__forced_unwind&) {
    base::contract_failure("pthread_exit ended a fiber: return from its body instead");
  }
  self.announce_end();
  static_cast<worker*>(self.carrier.get())->end_of(self);
}

// What a preemptive fiber's end tells others is told here, as it has no thread state any more.
void fiber::retire(worker& on) noexcept {
  context_.destroy();
  if (tls_) {
    context::free_tls_block(tls_);
    announce_end();
  }
  on.stacks().release(stack_);
  release();
}

void fiber::dispose() noexcept { all_fibers().destroy(this); }

fiber* fiber::running() noexcept {
  return worker::carries_caller() ? static_cast<fiber*>(&current()) : nullptr;
}

}  // namespace cede::sched
