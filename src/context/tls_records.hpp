// What outlives a TLS block: one record for each block that lives at the same time, with the index
// of modules (dtv) that the C library allocated for it. A record's number also gives the block its
// thread id, which so is unique among those that live.
//
// Actors: any thread or fiber that makes or frees a block, interrupted anywhere. Nobody waits: the
// free list is a Treiber stack, and growing is a race that the loser gives up.
// States: FREE (on the list), TAKEN. Rules:
//  1. Who has taken a record alone touches its `dtv`; put() passes it on.
//  2. `next` of a FREE record may be read by a take() that loses; records are never unmapped.
//  3. The head carries a tag that each change increments, so that a record that was taken and put
//     back between the load and the exchange is noticed (ABA).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

namespace cede::context {

class tls_records {
 public:
  // Thread ids from 2^23 on are not the kernel's (its limit is 2^22); from 2^30 on they would not
  // fit into a futex word.
  static constexpr std::uint32_t first_tid = std::uint32_t{1} << 23;
  static constexpr std::uint32_t chunk_records = 1024;
  static constexpr std::uint32_t most_chunks = 4096;  // 4 million blocks at a time

  struct record {
    void* dtv = nullptr;  // from the last block, or nullptr
    std::atomic<std::uint32_t> next = 0;
  };

  constexpr tls_records() noexcept = default;
  ~tls_records() = default;  // records stay: blocks may outlive static destruction
  tls_records(const tls_records&) = delete;
  tls_records& operator=(const tls_records&) = delete;

  // The number of a record that is now the caller's; none when memory or numbers have run out.
  // Allocates with mmap.
  std::optional<std::uint32_t> take() noexcept;
  // Lock-free, calls nothing.
  void put(std::uint32_t number) noexcept;

  record& at(std::uint32_t number) noexcept;

 private:
  using chunk = std::array<record, chunk_records>;
  static constexpr std::uint32_t none = 0;  // numbers in the list are one higher

  std::optional<std::uint32_t> grow() noexcept;

  std::atomic<std::uint64_t> head_ = 0;  // tag in the upper half
  std::atomic<std::uint32_t> used_ = 0;  // records that have been given out at least once
  std::array<std::atomic<chunk*>, most_chunks> chunks_{};
};

}  // namespace cede::context
