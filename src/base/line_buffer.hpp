// Text of bounded length put together without allocation, locale or stdio, so that it can be used
// in a signal handler, on a stack that is nearly full, and while the heap is broken.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace cede::base {

// Writes all bytes unless the descriptor fails; keeps errno. Async-signal-safe.
inline void write_fully(int descriptor, std::string_view text) noexcept {
  const int saved_errno = errno;
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  errno = saved_errno;
}

// What does not fit is cut off.
template <std::size_t Capacity>
class line_buffer {
 public:
  line_buffer& append(std::string_view text) noexcept {
    const std::size_t count = std::min(text.size(), Capacity - size_);
    std::memcpy(text_.data() + size_, text.data(), count);
    size_ += count;
    return *this;
  }

  line_buffer& append(std::uint64_t number, int radix = 10) noexcept {
    std::array<char, 64> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, radix);
    return append({digits.data(), static_cast<std::size_t>(end.ptr - digits.data())});
  }

  // The text with a line end, which is kept even where the text had to be cut.
  [[nodiscard]] std::string_view line() noexcept {
    if (size_ == Capacity) --size_;
    text_[size_++] = '\n';
    return view();
  }

  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }

 private:
  std::size_t size_ = 0;
  std::array<char, Capacity> text_;
};

}  // namespace cede::base
