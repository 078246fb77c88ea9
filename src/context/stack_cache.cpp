#include <algorithm>
#include <span>

#include "context/stack.hpp"
#include "context/stack_poison.hpp"

namespace cede::context {

stack_cache::~stack_cache() {
  for (magazine& each : magazines_)
    if (each.count > 0) pool_.release_some({each.slots.data(), each.count});
}

result<stack_slot> stack_cache::allocate(std::size_t bytes) noexcept {
  const auto size_class = size_class_for(bytes);
  if (!size_class) return std::unexpected(size_class.error());
  magazine& from = magazines_[*size_class];
  if (from.count == 0) [[unlikely]]
    return refill(*size_class);
  const stack_slot& taken = from.slots[--from.count];
  unpoison(taken);
  return taken;
}

void stack_cache::release(const stack_slot& slot) noexcept {
  magazine& into = magazines_[slot.size_class];
  if (into.count == capacity) [[unlikely]]
    spill(into);
  poison(slot);
  into.slots[into.count++] = slot;
}

result<stack_slot> stack_cache::refill(std::uint32_t size_class) noexcept {
  magazine& into = magazines_[size_class];
  auto got = pool_.allocate_some(size_class, std::span(into.slots).first(exchanged));
  if (!got) return std::unexpected(got.error());
  into.count = static_cast<std::uint32_t>(*got) - 1;
  for (std::uint32_t i = 0; i < into.count; ++i) poison(into.slots[i]);
  return into.slots[into.count];
}

// The ones that lay longest, at the bottom, go.
void stack_cache::spill(magazine& full) noexcept {
  pool_.release_some(std::span(full.slots).first(exchanged));
  std::copy(full.slots.begin() + exchanged, full.slots.end(), full.slots.begin());
  full.count -= exchanged;
}

}  // namespace cede::context
