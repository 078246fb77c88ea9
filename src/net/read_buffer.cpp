#include <algorithm>
#include <cede/stream.hpp>
#include <cstring>

namespace cede::detail {

std::span<std::byte> read_buffer::room() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ == bytes_.size() && begin_ > 0) {
    std::memmove(bytes_.data(), bytes_.data() + begin_, size());
    end_ = size();
    begin_ = 0;
  }
  if (end_ == bytes_.size()) bytes_.resize(bytes_.size() * 2);
  return std::span(bytes_).subspan(end_);
}

std::size_t read_buffer::take(std::span<std::byte> to) noexcept {
  const std::size_t count = std::min(to.size(), size());
  if (count == 0) return 0;
  std::memcpy(to.data(), bytes_.data() + begin_, count);
  drop(count);
  return count;
}

}  // namespace cede::detail
