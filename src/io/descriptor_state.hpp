// The layout of descriptor's state word; descriptor.hpp tells what the bits mean.
#pragma once

#include <cstdint>

#include "io/event_tag.hpp"

namespace cede::io {

/// What an edge said. Bits may be joined.
enum class edge : std::uint8_t { none = 0, readable = 1, writable = 2, eager = 4 };

constexpr edge operator|(edge a, edge b) noexcept {
  return static_cast<edge>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr edge& operator|=(edge& a, edge b) noexcept { return a = a | b; }

namespace descriptor_state {

inline constexpr std::uint64_t readable = 1 << 0;
inline constexpr std::uint64_t writable = 1 << 1;
inline constexpr std::uint64_t eager = 1 << 2;
inline constexpr std::uint64_t reading = 1 << 3;
inline constexpr std::uint64_t writing = 1 << 4;
inline constexpr std::uint64_t reader_blocks = 1 << 5;
inline constexpr std::uint64_t writer_blocks = 1 << 6;
inline constexpr std::uint64_t closing = 1 << 7;
inline constexpr std::uint64_t closed = 1 << 8;
// A count: pins in the order of one_pin.
inline constexpr std::uint64_t one_pin = 1 << 9;
inline constexpr std::uint64_t pins = std::uint64_t{0x7f} << 9;
inline constexpr std::uint64_t users = reading | writing | closing | pins;

// Sixteen bits are enough: a tick would have to go round within one system call.
inline constexpr std::uint64_t one_tick = std::uint64_t{1} << 16;
inline constexpr std::uint64_t tick_field = std::uint64_t{0xffff} << 16;
inline constexpr std::uint64_t one_generation = std::uint64_t{1} << 32;
inline constexpr std::uint64_t generation_field = std::uint64_t{event_tag::generation_mask} << 32;

constexpr std::uint64_t tick_of(std::uint64_t state) noexcept { return state & tick_field; }

constexpr std::uint64_t next_tick(std::uint64_t state) noexcept {
  return (state & ~tick_field) | ((state + one_tick) & tick_field);
}

constexpr std::uint32_t generation_of(std::uint64_t state) noexcept {
  return static_cast<std::uint32_t>((state & generation_field) >> 32);
}

// The generation alone.
constexpr std::uint64_t next_generation(std::uint64_t state) noexcept {
  return ((state & generation_field) + one_generation) & generation_field;
}

// `edge` has the same bits in the same places.
constexpr std::uint64_t bits_of(edge what) noexcept { return static_cast<std::uint64_t>(what); }
static_assert(bits_of(edge::readable) == readable && bits_of(edge::writable) == writable &&
              bits_of(edge::eager) == eager);

}  // namespace descriptor_state
}  // namespace cede::io
