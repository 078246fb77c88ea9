// What a kernel event carries back to user space: 64 bits that say what it is about. They name a
// slot and its generation, never an address, so that an event that comes late, for something that
// has ended, is recognised and dropped.
#pragma once

#include <cstdint>

namespace cede::io {

struct event_tag {
  enum class subject : std::uint8_t {
    descriptor,  // `index` and `generation` of a descriptor
    operation,   // the same of an operation
    wake,        // the reactor's own eventfd
    nobody,      // the answer to a request whose outcome does not matter
  };
  static constexpr std::uint32_t generation_bits = 30;
  static constexpr std::uint32_t generation_mask = (1U << generation_bits) - 1;

  subject about;
  std::uint32_t index = 0;
  std::uint32_t generation = 0;

  [[nodiscard]] constexpr std::uint64_t packed() const noexcept {
    const std::uint64_t high = (static_cast<std::uint64_t>(about) << generation_bits) | generation;
    return high << 32 | index;
  }

  [[nodiscard]] static constexpr event_tag unpacked(std::uint64_t bits) noexcept {
    const auto high = static_cast<std::uint32_t>(bits >> 32);
    return {.about = static_cast<subject>(high >> generation_bits),
            .index = static_cast<std::uint32_t>(bits),
            .generation = high & generation_mask};
  }
};

}  // namespace cede::io
