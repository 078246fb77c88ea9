#include "io/io_uring_reactor.hpp"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <new>

#include "base/assert.hpp"
#include "io/descriptor.hpp"
#include "io/operation.hpp"
#include "io/poll_edge.hpp"
#include "sched/worker.hpp"

namespace cede::io {
namespace {

constexpr unsigned ring_entries = 256;
constexpr event_tag wake_tag{.about = event_tag::subject::wake};

io_uring_sqe request(std::uint8_t opcode, int fd, event_tag tag) noexcept {
  io_uring_sqe r{};
  r.opcode = opcode;
  r.fd = fd;
  r.user_data = tag.packed();
  return r;
}

// Multishot polls are edge-triggered unless asked otherwise.
io_uring_sqe edges(int fd, unsigned events, event_tag tag) noexcept {
  io_uring_sqe r = request(IORING_OP_POLL_ADD, fd, tag);
  r.poll32_events = events;
  r.len = IORING_POLL_ADD_MULTI;
  return r;
}

io_uring_sqe transfer(const operation& o, std::uint8_t opcode) noexcept {
  io_uring_sqe r = request(opcode, o.fd, o.tag());
  r.addr = reinterpret_cast<std::uintptr_t>(o.buffer.data());
  r.len = static_cast<std::uint32_t>(o.buffer.size());
  r.msg_flags = MSG_NOSIGNAL;
  return r;
}

io_uring_sqe request_for(const operation& o) noexcept {
  switch (o.what) {
    case operation::code::receive:
      return transfer(o, IORING_OP_RECV);
    case operation::code::send:
      return transfer(o, IORING_OP_SEND);
    case operation::code::poll_readable:
    case operation::code::poll_writable:
      break;
  }
  io_uring_sqe r = request(IORING_OP_POLL_ADD, o.fd, o.tag());
  r.poll32_events = o.reads() ? POLLIN | POLLRDHUP : POLLOUT;
  return r;
}

bool polls(const operation& o) noexcept {
  return o.what == operation::code::poll_readable || o.what == operation::code::poll_writable;
}

}  // namespace

result<std::unique_ptr<reactor>> io_uring_reactor::create(sched::worker& owner) noexcept {
  auto ring = io_uring_ring::create(ring_entries);
  if (!ring) return std::unexpected(ring.error());
  const auto waker = base::sys::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (!waker) return std::unexpected(waker.error());
  std::unique_ptr<io_uring_reactor> made(
      new (std::nothrow) io_uring_reactor(owner, std::move(*ring), owned_fd(*waker)));
  if (made == nullptr) return failure_from(ENOMEM);
  return made;
}

io_uring_reactor::~io_uring_reactor() { descriptor::forget_reactor(*this); }

void io_uring_reactor::check_owner() const noexcept {
  CEDE_ASSERT(sched::worker::current() == nullptr || sched::worker::current() == &owner_,
              "a reactor is used by another worker");
}

// Requests belong to the thread that made them and end with it, so the owner's thread makes this
// one too, at its first poll.
result<> io_uring_reactor::watch_waker() noexcept {
  auto made = ring_->submit(edges(waker_.get(), POLLIN, wake_tag));
  waker_watched_ = made.has_value();
  return made;
}

result<> io_uring_reactor::watch(descriptor& d) noexcept {
  check_owner();
  watched_.fetch_add(1, std::memory_order_relaxed);
  auto made = ring_->submit(edges(d.fd(), edges_of_interest, d.tag()));
  if (!made) watched_.fetch_sub(1, std::memory_order_relaxed);
  return made;
}

void io_uring_reactor::unwatch(descriptor& d) noexcept {
  watched_.fetch_sub(1, std::memory_order_relaxed);
  ring_->stop(d.tag().packed());
}

bool io_uring_reactor::watching() const noexcept {
  return operations_ != 0 || watched_.load(std::memory_order_relaxed) != 0;
}

bool io_uring_reactor::has_news() const noexcept { return ring_->has_completions(); }

void io_uring_reactor::submit(operation& o) noexcept {
  check_owner();
  CEDE_ASSERT(!o.outstanding, "an I/O operation is submitted twice");
  o.outstanding = true;
  if (auto made = ring_->submit(request_for(o)); made)
    ++operations_;
  else
    o.complete(-made.error().value());
}

void io_uring_reactor::cancel(operation& o) noexcept {
  check_owner();
  if (o.outstanding) ring_->stop(o.tag().packed());
}

void io_uring_reactor::poll(clock::time_point until) noexcept {
  check_owner();
  // Without the waker a wait could not be ended, so then there is none.
  if (!waker_watched_ && !watch_waker()) until = clock::time_point::min();
  ring_->wait(until);
  ring_->reap([this](const io_uring_cqe& entry) { dispatch(entry); });
}

void io_uring_reactor::dispatch(const io_uring_cqe& entry) noexcept {
  switch (event_tag::unpacked(entry.user_data).about) {
    case event_tag::subject::descriptor:
      return on_edge(entry);
    case event_tag::subject::operation:
      return on_completion(entry);
    case event_tag::subject::wake:
      if ((entry.flags & IORING_CQE_F_MORE) == 0) waker_watched_ = false;
      woken_.store(false, std::memory_order_seq_cst);
      return;
    case event_tag::subject::nobody:
      return;
  }
}

// A multishot poll ends when it fails, when it is cancelled, or when completions overflow: who
// waits then tries, and registers anew.
void io_uring_reactor::on_edge(const io_uring_cqe& entry) noexcept {
  const event_tag tag = event_tag::unpacked(entry.user_data);
  const bool over = (entry.flags & IORING_CQE_F_MORE) == 0;
  if (over && descriptor::watch_ended(tag, *this)) watched_.fetch_sub(1, std::memory_order_relaxed);
  const edge what =
      entry.res >= 0 ? edge_of(static_cast<unsigned>(entry.res)) : edge::readable | edge::writable;
  descriptor::deliver(tag, what);
}

void io_uring_reactor::on_completion(const io_uring_cqe& entry) noexcept {
  operation* const o = operation::find(event_tag::unpacked(entry.user_data));
  CEDE_ASSERT(o != nullptr && o->outstanding, "io_uring completes what was not submitted");
  --operations_;
  o->complete(entry.res > 0 && polls(*o) ? 0 : entry.res);
}

void io_uring_reactor::wake() noexcept {
  if (woken_.exchange(true, std::memory_order_seq_cst)) return;
  const std::uint64_t one = 1;
  // Fails only once 2^64 - 2 wakes have been counted.
  static_cast<void>(::write(waker_.get(), &one, sizeof one));
}

}  // namespace cede::io
