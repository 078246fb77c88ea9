#include <sys/mman.h>

#include <algorithm>
#include <mutex>

#include "base/fork_guard.hpp"
#include "base/log.hpp"
#include "context/memory_advice.hpp"
#include "context/stack.hpp"
#include "context/stack_poison.hpp"

namespace cede::context {

stack_pool& stack_pool::instance() noexcept {
  static auto* const pool = new stack_pool;  // never destroyed: detached threads may outlive main
  return *pool;
}

stack_pool::stack_pool(stack_pool_options options) noexcept
    : options_(options), guards_(options.guards) {
  for (std::uint32_t i = 0; i < size_classes; ++i)
    classes_[i].arena.configure(i, options_.first_reservation, options_.most_reserved);
}

stack_pool::~stack_pool() = default;

result<stack_slot> stack_pool::allocate(std::size_t bytes) noexcept {
  const auto size_class = size_class_for(bytes);
  if (!size_class) return std::unexpected(size_class.error());
  stack_slot slot;
  if (auto got = allocate_some(*size_class, {&slot, 1}); !got) return std::unexpected(got.error());
  return slot;
}

void stack_pool::release(const stack_slot& slot) noexcept { release_some({&slot, 1}); }

result<std::size_t> stack_pool::allocate_some(std::uint32_t size_class,
                                              std::span<stack_slot> into) noexcept {
  base::require_not_forked_child("allocating a fiber's stack");
  auto got = result<std::size_t>(take_free(classes_[size_class], into));
  if (*got == 0) got = grow(size_class, into);
  if (!got) return got;
  for (const stack_slot& slot : into.first(*got)) unpoison(slot);
  return got;
}

std::size_t stack_pool::take_free(size_class_state& from, std::span<stack_slot> into) noexcept {
  const std::lock_guard hold(from.lock);
  std::size_t taken = 0;
  while (taken < into.size() && from.warm_count > 0)
    into[taken++] = from.arena.slot(from.warm[--from.warm_count]);
  while (taken < into.size() && from.cold_head != no_slot) {
    into[taken++] = from.arena.slot(from.cold_head);
    from.cold_head = from.arena.link(from.cold_head);
  }
  return taken;
}

// Another thread may have grown the class while this one waited for the lock.
result<std::size_t> stack_pool::grow(std::uint32_t size_class,
                                     std::span<stack_slot> into) noexcept {
  size_class_state& in = classes_[size_class];
  std::unique_lock growing(in.growth);
  if (const std::size_t taken = take_free(in, into); taken > 0) return taken;
  const auto fresh = in.arena.carve(guards_);
  if (fresh) {
    std::array<std::uint32_t, 64> indices;
    // Linked from the highest down, so that the lowest is used first and memory stays dense.
    for (std::uint32_t i = 0; i < fresh->count; ++i)
      indices[i] = fresh->first + fresh->count - 1 - i;
    keep_cold(in, {indices.data(), fresh->count});
  }
  const std::size_t taken = take_free(in, into);
  growing.unlock();
  tell_of_fallback();
  if (taken == 0) return failure(errc::stack_unavailable);
  return taken;
}

void stack_pool::release_some(std::span<const stack_slot> slots) noexcept {
  if (slots.empty()) return;
  size_class_state& in = classes_[slots.front().size_class];
  const std::uint32_t limit = warm_limit(slots.front().size_class);
  for (const stack_slot& slot : slots) poison(slot);
  std::array<std::uint32_t, 64> excess;
  while (!slots.empty()) {
    std::size_t cold = 0;
    std::size_t seen = 0;
    {
      const std::lock_guard hold(in.lock);
      for (; seen < slots.size() && cold < excess.size(); ++seen) {
        if (in.warm_count < limit)
          in.warm[in.warm_count++] = slots[seen].index;
        else
          excess[cold++] = slots[seen].index;
      }
    }
    give_back(slots.front().size_class, {excess.data(), cold});
    slots = slots.subspan(seen);
  }
}

void stack_pool::keep_cold(size_class_state& in, std::span<const std::uint32_t> indices) noexcept {
  const std::lock_guard hold(in.lock);
  for (const std::uint32_t index : indices) {
    in.arena.link(index) = in.cold_head;
    in.cold_head = index;
  }
}

// Fails for memory locked by mlockall, which then stays; the slots are as good as others.
void stack_pool::give_back(std::uint32_t size_class,
                           std::span<const std::uint32_t> indices) noexcept {
  if (indices.empty()) return;
  size_class_state& in = classes_[size_class];
  std::array<iovec, 64> ranges;
  for (std::size_t i = 0; i < indices.size(); ++i)
    ranges[i] = {.iov_base = in.arena.slot(indices[i]).bottom,
                 .iov_len = slot_bytes(size_class) - guard_bytes(size_class)};
  (void)advise_all({ranges.data(), indices.size()}, MADV_DONTNEED);
  keep_cold(in, indices);
}

void stack_pool::trim() noexcept {
  for (std::uint32_t size_class = 0; size_class < size_classes; ++size_class) {
    size_class_state& in = classes_[size_class];
    std::array<std::uint32_t, 64> indices;
    for (std::size_t count = indices.size(); count == indices.size();) {
      {
        const std::lock_guard hold(in.lock);
        for (count = 0; count < indices.size() && in.warm_count > 0; ++count)
          indices[count] = in.warm[--in.warm_count];
      }
      give_back(size_class, {indices.data(), count});
    }
  }
}

std::uint32_t stack_pool::warm_limit(std::uint32_t size_class) const noexcept {
  constexpr std::size_t most_bytes = std::size_t{64} << 20;
  const auto by_bytes = static_cast<std::uint32_t>(most_bytes / slot_bytes(size_class));
  const auto room = static_cast<std::uint32_t>(classes_[size_class].warm.size());
  return std::min({options_.warm_slots, by_bytes, room});
}

void stack_pool::tell_of_fallback() noexcept {
  if (options_.guards == guard_method::protections) return;
  // Relaxed: the message may come one growth late; the exchange makes it one.
  if (guards_.load(std::memory_order_relaxed) == guard_method::automatic) return;
  if (told_of_fallback_.exchange(true, std::memory_order_relaxed)) return;
  base::log(log_level::warning,
            "no guard markers here (they need Linux 6.13 and memory that is not locked): stack "
            "guards use mprotect, which limits fibers to about half of vm.max_map_count");
}

std::optional<stack_fault> stack_pool::find_fault(const void* address) const noexcept {
  for (const size_class_state& each : classes_) {
    const auto slot = each.arena.slot_of(address);
    if (!slot) continue;
    if (static_cast<const std::byte*>(address) >= slot->bottom) return std::nullopt;
    return stack_fault{.slot = *slot, .slot_bytes = slot_bytes(slot->size_class)};
  }
  return std::nullopt;
}

}  // namespace cede::context
