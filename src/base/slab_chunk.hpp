// The untyped half of slab: memory in aligned chunks and the table that finds a chunk by number.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace cede::base::slab_chunk {

inline constexpr std::size_t bytes = std::size_t{64} << 10;

// First thing in each chunk.
struct header {
  std::uint32_t number;
  std::uint32_t reserved;
};

// A zeroed chunk aligned to `bytes`, or nullptr. LeakSanitizer looks for pointers in it.
[[nodiscard]] header* map(std::uint32_t number) noexcept;
void unmap(header* chunk) noexcept;

// Tell AddressSanitizer; nothing in other builds.
void poison(const void* begin, std::size_t size) noexcept;
void unpoison(const void* begin, std::size_t size) noexcept;

[[nodiscard]] inline std::byte* address_of(const header* chunk) noexcept {
  return reinterpret_cast<std::byte*>(const_cast<header*>(chunk));
}

// The chunk that `object` lies in.
[[nodiscard]] inline const header* header_of(const void* object) noexcept {
  return reinterpret_cast<const header*>(reinterpret_cast<std::uintptr_t>(object) & ~(bytes - 1));
}

// An array that grows without moving: block k holds 2^k times the entries of block 0.
// Actors: one writer at a time (the slab's lock), any readers. An entry is never changed.
class directory {
 public:
  directory() noexcept = default;
  directory(const directory&) = delete;
  directory& operator=(const directory&) = delete;
  ~directory();

  // Requires: set(number) succeeded before, in the order that gave the reader its index.
  [[nodiscard]] header* at(std::uint32_t number) const noexcept {
    // Relaxed: whoever has an index or a pointer got it from create(), and so after set().
    if (number < first_block_entries) [[likely]] {
      return first_[number].load(std::memory_order_relaxed);
    }
    const place where = place_of(number);
    return blocks_[where.block].load(std::memory_order_relaxed)[where.entry].load(
        std::memory_order_relaxed);
  }

  // False if memory is out.
  [[nodiscard]] bool set(std::uint32_t number, header* chunk) noexcept;

 private:
  using entry = std::atomic<header*>;
  struct place {
    std::uint32_t block;
    std::uint32_t entry;
  };

  static constexpr std::uint32_t first_block_entries = 16;
  static constexpr std::size_t block_count = 29;  // together more than 2^32 entries

  // Block k (from 1) starts at number 16 * 2^(k-1) and is as long as all before it.
  static place place_of(std::uint32_t number) noexcept {
    const auto block = static_cast<std::uint32_t>(std::bit_width(number / first_block_entries));
    return {block, number - (first_block_entries << (block - 1))};
  }

  std::array<entry, first_block_entries> first_{};
  std::array<std::atomic<entry*>, block_count> blocks_{};  // [0] stays empty: that is first_
};

}  // namespace cede::base::slab_chunk
