// The bytes of a message. They follow from the connection and the sequence number, so a reply that
// belongs to another connection, comes twice or out of order, or is damaged, never compares equal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace cede::measure::load {

struct message_id {
  std::uint32_t connection = 0;
  std::uint64_t sequence = 0;
  /// Tells apart messages that would be the same otherwise.
  std::uint32_t salt = 0;
};

/// The least salt with which the first message of `connection` begins with `byte`, or does not.
std::uint32_t salt_beginning_with(std::byte byte, std::uint32_t connection) noexcept;
std::uint32_t salt_not_beginning_with(std::byte byte, std::uint32_t connection) noexcept;

/// Writes the bytes of message `id` that start at `offset`.
void fill(message_id id, std::size_t offset, std::span<std::byte> out) noexcept;

/// Compares `received` with the bytes of message `id` from `offset` on, and gives the position in
/// the message of the first that differs.
std::optional<std::size_t> first_difference(message_id id, std::size_t offset,
                                            std::span<const std::byte> received) noexcept;

}  // namespace cede::measure::load
