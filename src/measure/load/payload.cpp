#include "measure/load/payload.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace cede::measure::load {
namespace {

constexpr std::size_t word_size = sizeof(std::uint64_t);
// The golden ratio times 2^64, odd: multiples of it are far apart.
constexpr std::uint64_t golden = 0x9e3779b97f4a7c15ULL;

// The finaliser of splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators,
// 2014): a bijection, so different inputs give different words.
std::uint64_t mix(std::uint64_t value) noexcept {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

std::uint64_t seed_of(message_id id) noexcept {
  return mix((std::uint64_t{id.connection} << 40) + id.sequence + 1 + id.salt * golden);
}

std::uint64_t word_at(std::uint64_t seed, std::size_t index) noexcept {
  return mix(seed + index * golden);
}

std::byte first_byte(std::uint32_t connection, std::uint32_t salt) noexcept {
  std::byte byte{};
  fill({.connection = connection, .sequence = 1, .salt = salt}, 0, std::span(&byte, 1));
  return byte;
}

}  // namespace

std::uint32_t salt_beginning_with(std::byte byte, std::uint32_t connection) noexcept {
  std::uint32_t salt = 0;
  while (first_byte(connection, salt) != byte) ++salt;
  return salt;
}

std::uint32_t salt_not_beginning_with(std::byte byte, std::uint32_t connection) noexcept {
  std::uint32_t salt = 0;
  while (first_byte(connection, salt) == byte) ++salt;
  return salt;
}

void fill(message_id id, std::size_t offset, std::span<std::byte> out) noexcept {
  const std::uint64_t seed = seed_of(id);
  while (!out.empty()) {
    const std::uint64_t word = word_at(seed, offset / word_size);
    const std::size_t skipped = offset % word_size;
    const std::size_t size = std::min(word_size - skipped, out.size());
    std::memcpy(out.data(), reinterpret_cast<const std::byte*>(&word) + skipped, size);
    out = out.subspan(size);
    offset += size;
  }
}

std::optional<std::size_t> first_difference(message_id id, std::size_t offset,
                                            std::span<const std::byte> received) noexcept {
  std::array<std::byte, 256> block;
  while (!received.empty()) {
    const std::size_t size = std::min(block.size(), received.size());
    const auto expected = std::span(block).first(size);
    fill(id, offset, expected);
    if (std::memcmp(expected.data(), received.data(), size) != 0) {
      const auto place = std::mismatch(expected.begin(), expected.end(), received.begin()).first;
      return offset + static_cast<std::size_t>(place - expected.begin());
    }
    received = received.subspan(size);
    offset += size;
  }
  return std::nullopt;
}

}  // namespace cede::measure::load
