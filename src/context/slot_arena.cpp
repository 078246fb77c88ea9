#include "context/slot_arena.hpp"

#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "base/sys.hpp"
#include "context/memory_advice.hpp"
#include "context/stack_poison.hpp"
#include "context/valgrind.hpp"

namespace cede::context {

namespace sys = base::sys;

namespace {

constexpr int reservation_flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK;

// One system call for the guards of so many slots, unless they are so large that strict overcommit
// would feel it.
constexpr std::uint32_t most_per_batch = 64;
constexpr std::size_t most_bytes_per_batch = std::size_t{16} << 20;
constexpr std::uint32_t most_slots = std::uint32_t{1} << 21;

// There are only so many regions: none is spent on a crumb that happens to be free.
constexpr std::size_t worth_a_region = std::size_t{1} << 20;

// A limited address space belongs to the whole process: take an eighth at a time, and leave as
// much, or what an arena of malloc takes, to the others. Where stacks get the last of it, an
// allocation elsewhere throws std::bad_alloc instead of a spawn giving an error.
constexpr std::size_t share = 8;
constexpr std::size_t enough_for_others = std::size_t{64} << 20;

std::optional<std::size_t> limit_of_address_space() noexcept {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return limit.rlim_cur;
}

std::size_t affordable(std::size_t wanted) noexcept {
  const auto limit = limit_of_address_space();
  return limit ? std::min(wanted, *limit / share) : wanted;
}

bool others_have_room() noexcept {
  const auto limit = limit_of_address_space();
  if (!limit) return true;
  const std::size_t size = std::min(*limit / share, enough_for_others);
  const auto room = sys::mmap(nullptr, size, PROT_NONE, reservation_flags);
  if (room) sys::munmap(*room, size);
  return room.has_value();
}

}  // namespace

slot_arena::~slot_arena() {
  for (region& each : regions_) {
    if (each.base == nullptr) continue;
    unpoison(each.base, each.carved.load(std::memory_order_relaxed) * slot_bytes(size_class_));
    sys::munmap(each.base, each.slots * slot_bytes(size_class_));
    sys::munmap(each.links, each.slots * sizeof(std::uint32_t));
  }
}

void slot_arena::configure(std::uint32_t size_class, std::size_t first_bytes,
                           std::size_t most_bytes) noexcept {
  size_class_ = size_class;
  first_bytes_ = first_bytes;
  most_bytes_ = most_bytes;
}

result<slot_arena::batch> slot_arena::carve(std::atomic<guard_method>& guards) noexcept {
  auto found = region_with_room();
  if (!found) return std::unexpected(found.error());
  region& where = **found;
  // Relaxed: only the grower writes it.
  const std::uint32_t from = where.carved.load(std::memory_order_relaxed);
  const auto by_bytes = static_cast<std::uint32_t>(most_bytes_per_batch / slot_bytes(size_class_));
  const std::uint32_t wanted = std::min({most_per_batch, by_bytes, where.slots - from});
  auto opened = open_slots(where, from, wanted, guards);
  if (!opened) return std::unexpected(opened.error());
  // Release pairs with slot_of: who sees the slot sees it usable.
  where.carved.store(from + *opened, std::memory_order_release);
  return batch{.first = where.first + from, .count = *opened};
}

result<slot_arena::region*> slot_arena::region_with_room() noexcept {
  const std::uint32_t in_use = regions_in_use_.load(std::memory_order_relaxed);
  if (in_use > 0) {
    region& last = regions_[in_use - 1];
    if (last.carved.load(std::memory_order_relaxed) < last.slots) return &last;
  }
  if (in_use == most_regions) return failure(errc::stack_unavailable);
  const std::size_t wanted = affordable(next_reservation());
  const std::size_t least = std::max(slot_bytes(size_class_), std::min(wanted, worth_a_region));
  for (std::size_t bytes = wanted; bytes >= least; bytes /= 2)
    if (auto reserved = reserve(bytes)) return reserved;
  return failure(errc::stack_unavailable);
}

std::size_t slot_arena::next_reservation() const noexcept {
  const std::uint32_t in_use = regions_in_use_.load(std::memory_order_relaxed);
  std::size_t so_far = 0;
  for (std::uint32_t i = 0; i < in_use; ++i) so_far += regions_[i].slots * slot_bytes(size_class_);
  const std::size_t last = in_use == 0 ? 0 : regions_[in_use - 1].slots * slot_bytes(size_class_);
  return std::min(std::max(first_bytes_, 2 * last), most_bytes_ - so_far);
}

result<slot_arena::region*> slot_arena::reserve(std::size_t bytes) noexcept {
  const std::size_t size = slot_bytes(size_class_);
  const auto slots = static_cast<std::uint32_t>(std::min<std::size_t>(bytes / size, most_slots));
  auto base = sys::mmap(nullptr, slots * size, PROT_NONE, reservation_flags);
  if (!base) return std::unexpected(base.error());
  auto links = sys::mmap(nullptr, slots * sizeof(std::uint32_t), PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
  if (!links || !others_have_room()) {
    if (links) sys::munmap(*links, slots * sizeof(std::uint32_t));
    sys::munmap(*base, slots * size);
    return failure(errc::stack_unavailable);
  }
  // A huge page would make 32 stacks of one. Fails where the kernel has no huge pages: as good.
  (void)sys::madvise(*base, slots * size, MADV_NOHUGEPAGE);
  const std::uint32_t at = regions_in_use_.load(std::memory_order_relaxed);
  region& fresh = regions_[at];
  fresh.base = *base;
  fresh.links = reinterpret_cast<std::uint32_t*>(*links);
  fresh.first = at == 0 ? 0 : regions_[at - 1].first + regions_[at - 1].slots;
  fresh.slots = slots;
  regions_in_use_.store(at + 1, std::memory_order_release);  // rule 1
  return &fresh;
}

result<std::uint32_t> slot_arena::open_slots(const region& where, std::uint32_t from,
                                             std::uint32_t count,
                                             std::atomic<guard_method>& guards) noexcept {
  std::byte* start = where.base + from * slot_bytes(size_class_);
  // Relaxed: growers of several classes may each find out for themselves.
  if (guards.load(std::memory_order_relaxed) == guard_method::automatic) {
    if (!sys::mprotect(start, count * slot_bytes(size_class_), PROT_READ | PROT_WRITE))
      return failure(errc::stack_unavailable);
    if (open_with_markers(start, count)) return count;
    guards.store(guard_method::protections, std::memory_order_relaxed);
    if (!sys::mprotect(start, count * slot_bytes(size_class_), PROT_NONE))
      return failure(errc::stack_unavailable);
  }
  const std::uint32_t opened = open_with_protections(start, count);
  if (opened == 0) return failure(errc::stack_unavailable);
  return opened;
}

bool slot_arena::open_with_markers(std::byte* from, std::uint32_t count) noexcept {
  std::array<iovec, most_per_batch> guards;
  for (std::uint32_t i = 0; i < count; ++i)
    guards[i] = {.iov_base = from + i * slot_bytes(size_class_),
                 .iov_len = guard_bytes(size_class_)};
  // Valgrind itself would die of the probe, which has the kernel read a guarded page.
  if (under_valgrind()) return false;
  return advise_all({guards.data(), count}, advice_guard_install) && is_inaccessible(from);
}

// The guard stays as the reservation made it. Ends early at vm.max_map_count.
std::uint32_t slot_arena::open_with_protections(std::byte* from, std::uint32_t count) noexcept {
  const std::size_t guard = guard_bytes(size_class_);
  const std::size_t size = slot_bytes(size_class_);
  for (std::uint32_t i = 0; i < count; ++i)
    if (!sys::mprotect(from + i * size + guard, size - guard, PROT_READ | PROT_WRITE)) return i;
  return count;
}

const slot_arena::region& slot_arena::region_of(std::uint32_t index) const noexcept {
  std::size_t at = 0;
  while (index - regions_[at].first >= regions_[at].slots) ++at;
  return regions_[at];
}

stack_slot slot_arena::slot_in(const region& where, std::uint32_t offset) const noexcept {
  std::byte* base = where.base + offset * slot_bytes(size_class_);
  const std::uint32_t index = where.first + offset;
  return {.bottom = base + guard_bytes(size_class_),
          .top = base + slot_bytes(size_class_) - top_offset(index),
          .index = index,
          .size_class = size_class_};
}

stack_slot slot_arena::slot(std::uint32_t index) const noexcept {
  const region& where = region_of(index);
  return slot_in(where, index - where.first);
}

std::uint32_t& slot_arena::link(std::uint32_t index) noexcept {
  const region& where = region_of(index);
  return where.links[index - where.first];
}

std::optional<stack_slot> slot_arena::slot_of(const void* address) const noexcept {
  const std::uint32_t in_use = regions_in_use_.load(std::memory_order_acquire);  // rule 1
  for (std::uint32_t i = 0; i < in_use; ++i) {
    const region& where = regions_[i];
    const auto offset =
        reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(where.base);
    const std::size_t slot = offset / slot_bytes(size_class_);
    if (slot < where.carved.load(std::memory_order_acquire))
      return slot_in(where, static_cast<std::uint32_t>(slot));
  }
  return std::nullopt;
}

}  // namespace cede::context
