#include "baseline_uring_ring.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "baseline_listen.hpp"

namespace bench::baseline {
namespace {

// The memory of requests and completions is gone through in circles: small circles stay in caches.
constexpr unsigned requests = 512;
constexpr unsigned completions = 2048;

// Buffers that began at multiples of their size would share a few lines of every cache.
constexpr std::size_t stride = read_bytes + 64;

[[noreturn]] void cannot_set_up(int error) {
  if (error == EPERM || error == EACCES || error == ENOSYS)
    fail(
        "io_uring is not available here: the kernel lacks it, sysctl kernel.io_uring_disabled is "
        "set, or a container's seccomp filter forbids it");
  if (error == EINVAL) fail("io_uring: this kernel is too old, Linux 6.1 or later is needed");
  if (error == ENOMEM)
    fail("io_uring: not enough memory; raise RLIMIT_MEMLOCK (ulimit -l) on an old kernel");
  fail(fmt::format("io_uring: {}", strerror(error)));
}

}  // namespace

uring::uring(unsigned files) : memory_(std::make_unique<char[]>(buffers * stride)) {
  io_uring_params how{};
  // One thread makes all requests, and the kernel's part of their work is done while it waits
  // instead of interrupting it.
  how.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |
              IORING_SETUP_CQSIZE;
  how.cq_entries = completions;
  if (const int error = io_uring_queue_init_params(requests, &ring_, &how); error < 0)
    cannot_set_up(-error);
  register_files(files);
  register_buffers();
}

uring::~uring() {
  io_uring_queue_exit(&ring_);
  munmap(shared_, buffers * sizeof(io_uring_buf));
}

void uring::register_files(unsigned files) {
  if (const int error = io_uring_register_files_sparse(&ring_, files); error < 0)
    fail(fmt::format("io_uring: no room for {} files: {}", files, strerror(-error)));
  // A kernel that took the flags above has this too, but a filter may forbid single operations.
  if (const int error = io_uring_register_ring_fd(&ring_); error < 0) cannot_set_up(-error);
}

void uring::register_buffers() {
  void* const mapped = mmap(nullptr, buffers * sizeof(io_uring_buf), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) fail(fmt::format("mmap: {}", strerror(errno)));
  shared_ = static_cast<io_uring_buf_ring*>(mapped);
  io_uring_buf_reg where{};
  where.ring_addr = reinterpret_cast<std::uintptr_t>(mapped);
  where.ring_entries = buffers;
  where.bgid = group;
  if (const int error = io_uring_register_buf_ring(&ring_, &where, 0); error < 0)
    cannot_set_up(-error);
  io_uring_buf_ring_init(shared_);
  for (unsigned id = 0; id < buffers; ++id) recycle(id);
  publish();
}

char* uring::buffer(unsigned id) const noexcept { return memory_.get() + id * stride; }

void uring::recycle(unsigned id) noexcept {
  io_uring_buf_ring_add(shared_, buffer(id), read_bytes, static_cast<unsigned short>(id),
                        io_uring_buf_ring_mask(buffers), returned_++);
}

void uring::publish() noexcept {
  if (returned_ == 0) return;
  io_uring_buf_ring_advance(shared_, returned_);
  returned_ = 0;
}

io_uring_sqe& uring::request() {
  for (;;) {
    if (io_uring_sqe* const free = io_uring_get_sqe(&ring_); free != nullptr) return *free;
    io_uring_submit(&ring_);
  }
}

// A kernel that refuses to take more until completions have been fetched gets that done first.
void uring::submit_and_reap(wait how, std::vector<io_uring_cqe>& into) {
  do {
    const int made = how == wait::none ? io_uring_submit_and_get_events(&ring_)
                                       : io_uring_submit_and_wait(&ring_, 1);
    if (made < 0 && made != -EINTR && made != -EBUSY && made != -EAGAIN)
      fail(fmt::format("io_uring_enter: {}", strerror(-made)));
    reap(into);
    how = wait::none;
  } while (io_uring_sq_ready(&ring_) > 0);
}

// Those that did not fit stay in the kernel until there is room.
void uring::reap(std::vector<io_uring_cqe>& into) {
  do {
    unsigned head = 0;
    unsigned count = 0;
    io_uring_cqe* completion = nullptr;
    io_uring_for_each_cqe(&ring_, head, completion) {
      into.push_back(*completion);
      ++count;
    }
    io_uring_cq_advance(&ring_, count);
  } while (io_uring_cq_has_overflow(&ring_) && io_uring_get_events(&ring_) >= 0);
}

}  // namespace bench::baseline
