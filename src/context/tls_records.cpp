#include "context/tls_records.hpp"

#include <sys/mman.h>

#include <new>

namespace cede::context {

namespace {

constexpr std::uint32_t number_in(std::uint64_t head) noexcept {
  return static_cast<std::uint32_t>(head);
}

constexpr std::uint64_t with_number(std::uint64_t head, std::uint32_t number) noexcept {
  return ((head >> 32) + 1) << 32 | number;
}

}  // namespace

// Acquire pairs with the release that published the chunk in grow().
tls_records::record& tls_records::at(std::uint32_t number) noexcept {
  return (*chunks_[number / chunk_records].load(std::memory_order_acquire))[number % chunk_records];
}

std::optional<std::uint32_t> tls_records::take() noexcept {
  // Acquire pairs with the release in put(): `next`, and what the last user left in the record.
  auto head = head_.load(std::memory_order_acquire);
  while (number_in(head) != none) {
    const auto number = number_in(head) - 1;
    // Relaxed: a stale value is discarded by the exchange, which then sees another tag.
    const auto next = at(number).next.load(std::memory_order_relaxed);
    if (head_.compare_exchange_weak(head, with_number(head, next), std::memory_order_acquire))
      return number;
  }
  return grow();
}

void tls_records::put(std::uint32_t number) noexcept {
  auto head = head_.load(std::memory_order_relaxed);  // the exchange checks it
  do {
    at(number).next.store(number_in(head), std::memory_order_relaxed);
    // Release pairs with the acquire in take().
  } while (!head_.compare_exchange_weak(head, with_number(head, number + 1),
                                        std::memory_order_release, std::memory_order_relaxed));
}

std::optional<std::uint32_t> tls_records::grow() noexcept {
  const auto number = used_.fetch_add(1, std::memory_order_relaxed);  // only counts
  if (number >= chunk_records * most_chunks) {
    used_.fetch_sub(1, std::memory_order_relaxed);
    return std::nullopt;
  }
  auto& place = chunks_[number / chunk_records];
  if (place.load(std::memory_order_acquire) != nullptr) return number;
  void* memory =
      mmap(nullptr, sizeof(chunk), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return std::nullopt;  // the number is lost, as it is one of millions
  chunk* expected = nullptr;
  // Release pairs with the acquire in at() and above.
  if (!place.compare_exchange_strong(expected, new (memory) chunk, std::memory_order_release,
                                     std::memory_order_relaxed))
    munmap(memory, sizeof(chunk));
  return number;
}

}  // namespace cede::context
