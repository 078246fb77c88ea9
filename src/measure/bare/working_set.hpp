// Memory that is gone through line by line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace cede::measure::bare {

class working_set {
 public:
  /// Room for sets of up to `most` bytes.
  explicit working_set(std::size_t most);

  /// From now on the set is the first `bytes` of the room, in a new random order that depends on
  /// the size only; no line has been written.
  void resize(std::size_t bytes) noexcept;

  /// Writes to every line of the set, once.
  void touch() noexcept {
    line* at = room_.get();
    for (std::size_t i = 0; i < lines_; ++i) {
      ++at->written;
      at = at->next;
    }
  }

  /// Whether every line has been written exactly so often since `resize`.
  [[nodiscard]] bool written_exactly(std::uint64_t times) const noexcept;

 private:
  struct alignas(64) line {
    line* next;
    std::uint64_t written;
  };

  std::unique_ptr<line[]> room_;
  std::size_t lines_ = 0;
};

}  // namespace cede::measure::bare
