// The submission and completion rings shared with the kernel; io_uring(7). Raw system calls: the
// few that are needed are stable, and the distribution's liburing lacks some of them.
//
// Actors: the owner's thread (submit, wait, reap); the kernel, which moves the submission head and
// the completion tail; any thread (stop).
#pragma once

#include <linux/io_uring.h>

#include <cede/clock.hpp>
#include <cede/error.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "io/owned_fd.hpp"

namespace cede::io {

class io_uring_ring {
 public:
  /// Errors: not_supported (no io_uring, forbidden, or older than Linux 6.0); errno.
  static result<std::unique_ptr<io_uring_ring>> create(unsigned entries) noexcept;
  ~io_uring_ring();
  io_uring_ring(const io_uring_ring&) = delete;
  io_uring_ring& operator=(const io_uring_ring&) = delete;

  /// Hands one request to the kernel, at once. Errors: errno; the request has then not been made.
  result<> submit(const io_uring_sqe& request) noexcept;

  /// Waits for one completion or until `until`; not at all if that is time_point::min().
  void wait(clock::time_point until) noexcept;

  /// Calls `visit(const io_uring_cqe&)` for each completion that is there.
  template <class Visit>
  void reap(Visit visit) noexcept;

  /// Whether reap() would visit any. Any thread.
  bool has_completions() const noexcept;

  /// Cancels the request with this user_data, if it still waits; its completion comes in any case.
  /// Any thread. Does not wait.
  void stop(std::uint64_t user_data) noexcept;

 private:
  struct mapping {
    mapping() noexcept = default;
    mapping(const mapping&) = delete;
    mapping& operator=(const mapping&) = delete;
    ~mapping();
    result<> map(int fd, std::size_t bytes, long offset) noexcept;
    template <class T>
    T* at(std::uint32_t offset) const noexcept {
      return reinterpret_cast<T*>(address + offset);
    }
    std::byte* address = nullptr;
    std::size_t size = 0;
  };

  explicit io_uring_ring(int fd) noexcept : fd_(fd) {}
  result<> map(const io_uring_params& p) noexcept;
  result<> probe() noexcept;
  int stop_request(std::uint64_t user_data) noexcept;
  static unsigned load_acquire(unsigned& shared) noexcept;
  static void store_release(unsigned& shared, unsigned value) noexcept;

  owned_fd fd_;
  mapping rings_;
  mapping requests_;
  unsigned* sq_tail_ = nullptr;
  unsigned* sq_array_ = nullptr;
  unsigned sq_mask_ = 0;
  unsigned* cq_head_ = nullptr;
  unsigned* cq_tail_ = nullptr;
  unsigned cq_mask_ = 0;
  io_uring_sqe* sqes_ = nullptr;
  io_uring_cqe* cqes_ = nullptr;
};

template <class Visit>
void io_uring_ring::reap(Visit visit) noexcept {
  unsigned head = *cq_head_;  // ours alone
  // Acquire pairs with the kernel's release of the tail: the entries before it are written.
  for (const unsigned tail = load_acquire(*cq_tail_); head != tail; ++head) {
    const io_uring_cqe entry = cqes_[head & cq_mask_];
    // Release: the kernel may use the entry again only after the copy.
    store_release(*cq_head_, head + 1);
    visit(entry);
  }
}

}  // namespace cede::io
