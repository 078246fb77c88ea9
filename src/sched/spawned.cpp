#include "sched/spawned.hpp"

#include <cxxabi.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "base/assert.hpp"
#include "base/fork_guard.hpp"
#include "sched/parking.hpp"

namespace cede::sched {
namespace {

constexpr std::size_t longest_name = 63;

// Stands in `joiner_` once the body has ended. Only its value counts; it is no object's address.
runnable* ended_mark() noexcept { return reinterpret_cast<runnable*>(std::uintptr_t{1}); }

}  // namespace

std::uint64_t spawned::next_id() noexcept {
  // Each thread takes a block of numbers at a time, so that spawning shares no cache line.
  constexpr std::uint64_t block = 256;
  static std::atomic<std::uint64_t> next_block{1};
  constinit static thread_local std::uint64_t next = 0;
  // Relaxed: only uniqueness counts.
  if (next % block == 0) next = next_block.fetch_add(block, std::memory_order_relaxed) - 1;
  return ++next;
}

void spawned::set_name(std::string_view text) noexcept {
  if (text.empty()) return;
  const std::size_t length = std::min(text.size(), longest_name);
  name_.reset(new (std::nothrow) char[length + 1]);
  if (!name_) return;  // a name is a comfort: without memory for it, the id will do
  std::memcpy(name_.get(), text.data(), length);
  name_[length] = '\0';
  name.store(name_.get(), std::memory_order_release);
}

void spawned::release() noexcept {
  // acq_rel: the last one to leave sees what the others did to the block before it is destroyed.
  // Where only ours is left nobody else can change the count, and a load does (acquire pairs with
  // the others' decrements).
  if (references_.load(std::memory_order_acquire) == 1 ||
      references_.fetch_sub(1, std::memory_order_acq_rel) == 1)
    dispose();
}

void spawned::run_body() {
  try {
    run_(storage_, result_of_body);
  } catch (const abi::__forced_unwind&) {
    throw;
  } catch (...) {
    result_of_body.exception = std::current_exception();
  }
}

void spawned::announce_end() noexcept {
  base::require_not_forked_child("the end of a fiber or thread");
  if (group != nullptr) group->ended(*this);
  runnable* const waiting = joiner_.exchange(ended_mark(), std::memory_order_acq_rel);
  if (waiting != nullptr) unpark(*waiting);
}

wake spawned::wait_for_end(deadline until, cancellation obey) noexcept {
  runnable& self = current();
  CEDE_REQUIRE(&self != this, "a fiber joins itself");
  runnable* expected = nullptr;
  if (!joiner_.compare_exchange_strong(expected, &self, std::memory_order_acq_rel)) {
    CEDE_REQUIRE(expected == ended_mark(), "two join the same fiber at once");
    return wake::unparked;
  }
  const wake how = park_until(wait_reason::join, until, obey);
  if (how == wake::unparked) return how;
  expected = &self;
  if (joiner_.compare_exchange_strong(expected, nullptr, std::memory_order_acq_rel)) return how;
  await_permit(wait_reason::join);  // it ended meanwhile, and its unpark is under way
  return wake::unparked;
}

result<> spawned::join(deadline until) {
  switch (wait_for_end(until, cancellation::obeyed)) {
    case wake::unparked:
      return {};
    case wake::deadline:
      return failure(errc::deadline_exceeded);
    case wake::cancelled:
      return failure(errc::cancelled);
  }
  return {};
}

void spawned::join_without_fail() noexcept {
  static_cast<void>(wait_for_end(never, cancellation::ignored));
}

}  // namespace cede::sched
