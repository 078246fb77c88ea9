#include "io/io_uring_ring.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <new>

#include "base/assert.hpp"
#include "base/sys.hpp"
#include "io/kernel_time.hpp"

namespace cede::io {
namespace {

namespace sys = base::sys;

// Linux 5.13, the first with multishot polls, is the first that says so; probe() asks for 6.0.
constexpr std::uint32_t needed_features =
    IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_RSRC_TAGS;

// Room for a burst of edges: more would be kept by the kernel, but a multishot poll ends there.
constexpr std::uint32_t completions_per_request = 16;

int enter(int fd, unsigned requests, unsigned completions, unsigned flags, const void* argument,
          std::size_t size) noexcept {
  return static_cast<int>(
      ::syscall(SYS_io_uring_enter, fd, requests, completions, flags, argument, size));
}

// What a kernel without io_uring, or an administrator who forbids it, answers.
std::unexpected<std::error_code> setup_failure(int error) noexcept {
  if (error == ENOSYS || error == EPERM || error == EACCES || error == EINVAL)
    return failure(errc::not_supported);
  return failure_from(error);
}

}  // namespace

io_uring_ring::mapping::~mapping() {
  if (address != nullptr) sys::munmap(address, size);
}

result<> io_uring_ring::mapping::map(int fd, std::size_t bytes, long offset) noexcept {
  const auto mapped =
      sys::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);
  if (!mapped) return std::unexpected(mapped.error());
  address = *mapped;
  size = bytes;
  return {};
}

unsigned io_uring_ring::load_acquire(unsigned& shared) noexcept {
  return std::atomic_ref(shared).load(std::memory_order_acquire);
}

void io_uring_ring::store_release(unsigned& shared, unsigned value) noexcept {
  std::atomic_ref(shared).store(value, std::memory_order_release);
}

result<std::unique_ptr<io_uring_ring>> io_uring_ring::create(unsigned entries) noexcept {
  if (const int error = sys::injected_fault(sys::call::ring_setup).error; error != 0)
    return setup_failure(error);
  io_uring_params p{};
  p.flags = IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE;
  p.cq_entries = entries * completions_per_request;
  const auto fd = static_cast<int>(::syscall(SYS_io_uring_setup, entries, &p));
  if (fd < 0) return setup_failure(errno);
  owned_fd opened(fd);
  std::unique_ptr<io_uring_ring> made(new (std::nothrow) io_uring_ring(opened.release()));
  if (made == nullptr) {
    sys::close(fd);
    return failure_from(ENOMEM);
  }
  if ((p.features & needed_features) != needed_features) return failure(errc::not_supported);
  if (auto mapped = made->map(p); !mapped) return std::unexpected(mapped.error());
  if (auto able = made->probe(); !able) return std::unexpected(able.error());
  return made;
}

io_uring_ring::~io_uring_ring() = default;

result<> io_uring_ring::map(const io_uring_params& p) noexcept {
  const std::size_t sq_bytes = p.sq_off.array + p.sq_entries * sizeof(unsigned);
  const std::size_t cq_bytes = p.cq_off.cqes + p.cq_entries * sizeof(io_uring_cqe);
  auto mapped = rings_.map(fd_.get(), std::max(sq_bytes, cq_bytes), IORING_OFF_SQ_RING);
  if (mapped)
    mapped = requests_.map(fd_.get(), p.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES);
  if (!mapped) return mapped;
  sq_tail_ = rings_.at<unsigned>(p.sq_off.tail);
  sq_array_ = rings_.at<unsigned>(p.sq_off.array);
  sq_mask_ = *rings_.at<unsigned>(p.sq_off.ring_mask);
  cq_head_ = rings_.at<unsigned>(p.cq_off.head);
  cq_tail_ = rings_.at<unsigned>(p.cq_off.tail);
  cq_mask_ = *rings_.at<unsigned>(p.cq_off.ring_mask);
  cqes_ = rings_.at<io_uring_cqe>(p.cq_off.cqes);
  sqes_ = requests_.at<io_uring_sqe>(0);
  return {};
}

// Linux 6.0 knows the synchronous cancel, and says that there is nothing to cancel.
result<> io_uring_ring::probe() noexcept {
  if (stop_request(UINT64_MAX) == -ENOENT) return {};
  return failure(errc::not_supported);
}

result<> io_uring_ring::submit(const io_uring_sqe& request) noexcept {
  if (const int error = sys::injected_fault(sys::call::ring_enter).error; error != 0)
    return failure_from(error);
  const unsigned tail = *sq_tail_;  // ours alone
  sqes_[tail & sq_mask_] = request;
  sq_array_[tail & sq_mask_] = tail & sq_mask_;
  // Release pairs with the kernel's acquire: the request is written before it is seen.
  store_release(*sq_tail_, tail + 1);
  int made = 0;
  do {
    made = enter(fd_.get(), 1, 0, 0, nullptr, 0);
  } while (made < 0 && errno == EINTR);
  if (made == 1) return {};
  const int error = made < 0 ? errno : EBUSY;
  store_release(*sq_tail_, tail);
  return failure_from(error);
}

bool io_uring_ring::has_completions() const noexcept {
  return load_acquire(*cq_head_) != load_acquire(*cq_tail_);
}

void io_uring_ring::wait(clock::time_point until) noexcept {
  if (sys::injected_fault(sys::call::ring_enter).error != 0) return;
  int outcome = 0;
  if (until == clock::time_point::min()) {
    outcome = enter(fd_.get(), 0, 0, IORING_ENTER_GETEVENTS, nullptr, 0);
  } else {
    const timespec left = time_left(until);
    const __kernel_timespec time{.tv_sec = left.tv_sec, .tv_nsec = left.tv_nsec};
    io_uring_getevents_arg argument{};
    if (until != clock::time_point::max()) argument.ts = reinterpret_cast<std::uintptr_t>(&time);
    constexpr unsigned flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
    outcome = enter(fd_.get(), 0, 1, flags, &argument, sizeof argument);
  }
  CEDE_REQUIRE(
      outcome >= 0 || errno == EINTR || errno == ETIME || errno == EBUSY || errno == EAGAIN,
      "io_uring_enter failed: was a descriptor closed by number?");
}

int io_uring_ring::stop_request(std::uint64_t user_data) noexcept {
  io_uring_sync_cancel_reg what{};
  what.addr = user_data;
  what.fd = -1;
  // A timeout of zero: what is being carried out just now completes soon by itself.
  const long outcome =
      ::syscall(SYS_io_uring_register, fd_.get(), IORING_REGISTER_SYNC_CANCEL, &what, 1);
  return outcome < 0 ? -errno : 0;
}

void io_uring_ring::stop(std::uint64_t user_data) noexcept {
  static_cast<void>(stop_request(user_data));
}

}  // namespace cede::io
