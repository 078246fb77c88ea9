// What the io_uring server needs of a ring, on liburing: requests in batches, completions without
// losing any, and the ring of buffers that the kernel fills.
#pragma once

#include <liburing.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace bench::baseline {

class uring {
 public:
  /// Buffers of `read_bytes` that the kernel may fill before one is given back.
  static constexpr unsigned buffers = 1024;
  static constexpr unsigned short group = 0;

  /// `files` is the number of connections that fit. The ring belongs to the calling thread.
  /// Where io_uring is missing or forbidden the process ends with a line that says so.
  explicit uring(unsigned files);
  ~uring();
  uring(const uring&) = delete;
  uring& operator=(const uring&) = delete;

  enum class wait { none, for_one };

  /// The next request to be filled in. Submits what is there if the ring is full.
  io_uring_sqe& request();

  /// Makes all requests and appends what has completed. Every request that the kernel could carry
  /// out at once has been when this returns, and has its completion among these if it is to have
  /// one.
  void submit_and_reap(wait how, std::vector<io_uring_cqe>& into);

  /// The bytes of a buffer; the kernel's choice, in a completion's flags.
  [[nodiscard]] char* buffer(unsigned id) const noexcept;

  /// Gives a buffer back, at the next call of `publish`.
  void recycle(unsigned id) noexcept;
  void publish() noexcept;

 private:
  void reap(std::vector<io_uring_cqe>& into);
  void register_files(unsigned files);
  void register_buffers();

  struct ::io_uring ring_{};
  std::unique_ptr<char[]> memory_;
  io_uring_buf_ring* shared_ = nullptr;
  int returned_ = 0;
};

}  // namespace bench::baseline
