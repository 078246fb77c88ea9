// The other reference loop: the best simple echo server written by hand on io_uring.
//
// A multishot receive for each connection fills buffers that the kernel takes from a ring; a reply
// is a send straight from that buffer; connections are files of the ring and have no descriptor.
// All requests of a turn are made by one system call, which also waits for the next completions.
//
// A send that succeeds posts no completion. It does not wait either (MSG_DONTWAIT), so it is over
// when the call that made it returns: whoever did not fail then has sent everything
// (MSG_WAITALL makes a send in part a failure that tells how far it came), and its buffers go back.
// What a full socket did not take is copied and sent by a request that waits, and the connection
// receives nothing until then.
//
// A turn: submit, settle what was sent, look at what has completed. Rules:
// 1. A connection has one send in a turn. What else arrives for it in the same turn is sent with
// it.
// 2. It is closed when its receive has ended and nothing of it is left to be sent.
// 3. A receive that found no buffer is armed again after buffers have been given back.
//
// With --threads N each thread has its own ring and listener (SO_REUSEPORT).

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "baseline_listen.hpp"
#include "baseline_uring_ring.hpp"

namespace {

using namespace bench::baseline;

// The kernel keeps 8 bytes for each.
constexpr rlim_t most_connections = 1 << 17;

unsigned connection_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) fail(fmt::format("getrlimit: {}", strerror(errno)));
  return static_cast<unsigned>(std::min(limit.rlim_cur, most_connections));
}

class echo_loop {
 public:
  echo_loop(int listener, const hog& hogging);
  [[noreturn]] void run();

 private:
  enum class event : std::uint8_t { accept, pause, receive, reply, flush, cancel };

  struct connection {
    std::uint32_t reply = 0;  // its index among replies_, while `replying`
    bool receiving : 1 = false;
    bool replying : 1 = false;  // has a send in this turn
    bool ending : 1 = false;    // the peer has said all
    bool failed : 1 = false;    // nothing can be sent any more
    bool starved : 1 = false;   // is in starved_
    bool fresh : 1 = true;      // nothing has come yet
  };

  // What came in one buffer, and the next for the same connection in this turn.
  struct piece {
    unsigned buffer;
    unsigned size;
    int next = -1;
  };

  struct reply {
    unsigned slot;
    int first;
    int last;
    int size;
    int sent;  // or -errno
  };

  // What a full socket did not take; for few connections at a time.
  struct unsent {
    std::string flying;
    std::string waiting;
  };

  io_uring_sqe& request(event kind, unsigned value);
  void submit_replies();
  void settle();
  void settle(const reply& done);
  void feed_starved();
  void complete(const io_uring_cqe& completion);

  void arm_accept();
  void arm_receive(unsigned slot);
  void arm_flush(unsigned slot, unsent& rest);
  void cancel_receive(unsigned slot);

  void accepted(int result);
  void received(unsigned slot, const io_uring_cqe& completion);
  void echo(unsigned slot, unsigned buffer, unsigned size);
  void receive_stopped(unsigned slot, int result);
  void keep_rest(const reply& done);
  void flushed(unsigned slot, int result);
  void break_off(unsigned slot);
  void close_if_done(unsigned slot);
  [[nodiscard]] bool has_unsent(unsigned slot) const {
    return !unsent_.empty() && unsent_.contains(slot);
  }

  const int listener_;
  const hog hog_;
  uring ring_;
  std::vector<connection> connections_;
  std::size_t open_ = 0;
  bool accepting_ = false;

  std::vector<io_uring_cqe> arrived_;
  std::vector<piece> pieces_;
  std::vector<reply> replies_;
  std::vector<iovec> parts_;       // of replies of several pieces; never moved during a turn
  std::vector<msghdr> messages_;   // likewise
  std::vector<unsigned> starved_;  // wait for buffers
  bool closing_after_turn_ = false;
  std::unordered_map<unsigned, unsent> unsent_;
  __kernel_timespec pause_{.tv_sec = 0, .tv_nsec = 10'000'000};
};

echo_loop::echo_loop(int listener, const hog& hogging)
    : listener_(listener),
      hog_(hogging),
      ring_(connection_limit()),
      connections_(connection_limit()) {
  pieces_.reserve(uring::buffers);
  replies_.reserve(uring::buffers);
  parts_.reserve(uring::buffers);
  messages_.reserve(uring::buffers);
}

void echo_loop::run() {
  arm_accept();
  for (;;) {
    submit_replies();
    const bool idle = starved_.empty() && !closing_after_turn_;
    ring_.submit_and_reap(idle ? uring::wait::for_one : uring::wait::none, arrived_);
    settle();
    for (const io_uring_cqe& completion : arrived_) complete(completion);
    arrived_.clear();
  }
}

io_uring_sqe& echo_loop::request(event kind, unsigned value) {
  io_uring_sqe& made = ring_.request();
  // The preparing functions of liburing leave this field alone.
  made.user_data = static_cast<std::uint64_t>(kind) << 32 | value;
  return made;
}

void echo_loop::submit_replies() {
  constexpr int flags = MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL;
  for (std::size_t i = 0; i < replies_.size(); ++i) {
    const reply& one = replies_[i];
    io_uring_sqe& send = request(event::reply, static_cast<unsigned>(i));
    const int slot = static_cast<int>(one.slot);
    if (one.first == one.last) {
      io_uring_prep_send(&send, slot, ring_.buffer(pieces_[one.first].buffer),
                         static_cast<std::size_t>(one.size), flags);
    } else {
      const std::size_t begin = parts_.size();
      for (int p = one.first; p >= 0; p = pieces_[p].next)
        parts_.push_back({ring_.buffer(pieces_[p].buffer), pieces_[p].size});
      msghdr& message = messages_.emplace_back();
      message.msg_iov = &parts_[begin];
      message.msg_iovlen = parts_.size() - begin;
      io_uring_prep_sendmsg(&send, slot, &message, flags);
    }
    send.flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
  }
}

// Every send of the turn is over; those that failed have said so.
void echo_loop::settle() {
  for (const io_uring_cqe& completion : arrived_)
    if (static_cast<event>(completion.user_data >> 32) == event::reply)
      replies_[static_cast<std::uint32_t>(completion.user_data)].sent = completion.res;
  closing_after_turn_ = false;
  for (const reply& done : replies_) settle(done);
  ring_.publish();
  replies_.clear();
  pieces_.clear();
  parts_.clear();
  messages_.clear();
  feed_starved();
}

// Now that there are buffers again.
void echo_loop::feed_starved() {
  for (const unsigned slot : starved_) {
    connections_[slot].starved = false;
    if (connections_[slot].failed)
      close_if_done(slot);
    else if (!has_unsent(slot))
      arm_receive(slot);
  }
  starved_.clear();
}

void echo_loop::settle(const reply& done) {
  connections_[done.slot].replying = false;
  if (done.sent != done.size) keep_rest(done);
  for (int p = done.first; p >= 0; p = pieces_[p].next) ring_.recycle(pieces_[p].buffer);
  close_if_done(done.slot);
}

void echo_loop::complete(const io_uring_cqe& completion) {
  const auto value = static_cast<std::uint32_t>(completion.user_data);
  switch (static_cast<event>(completion.user_data >> 32)) {
    case event::receive:
      return received(value, completion);
    case event::accept:
      return accepted(completion.res);
    case event::pause:
      return arm_accept();
    case event::flush:
      return flushed(value, completion.res);
    case event::reply:   // settled
    case event::cancel:  // what it cancelled has a completion of its own
      return;
  }
}

// One at a time, so that the kernel never takes a connection that there is no room for: it would
// have to drop that one, while in the listener's queue it can wait.
void echo_loop::arm_accept() {
  accepting_ = true;
  io_uring_sqe& accept = request(event::accept, 0);
  io_uring_prep_accept(&accept, listener_, nullptr, nullptr, 0);
  // Any free slot; the function of liburing 2.3 for that adds 1 and so asks for a descriptor.
  accept.file_index = IORING_FILE_INDEX_ALLOC;
}

void echo_loop::arm_receive(unsigned slot) {
  io_uring_sqe& receive = request(event::receive, slot);
  io_uring_prep_recv_multishot(&receive, static_cast<int>(slot), nullptr, 0, 0);
  receive.flags |= IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
  receive.buf_group = uring::group;
  connections_[slot].receiving = true;
}

void echo_loop::cancel_receive(unsigned slot) {
  const auto target = static_cast<std::uint64_t>(event::receive) << 32 | slot;
  io_uring_sqe& cancel = request(event::cancel, slot);
  io_uring_prep_cancel64(&cancel, target, 0);
  cancel.flags |= IOSQE_CQE_SKIP_SUCCESS;
}

void echo_loop::arm_flush(unsigned slot, unsent& rest) {
  io_uring_sqe& send = request(event::flush, slot);
  io_uring_prep_send(&send, static_cast<int>(slot), rest.flying.data(), rest.flying.size(),
                     MSG_NOSIGNAL | MSG_WAITALL);
  send.flags |= IOSQE_FIXED_FILE;
}

void echo_loop::accepted(int result) {
  if (result >= 0) {
    const auto slot = static_cast<unsigned>(result);
    connections_[slot] = {};
    ++open_;
    arm_receive(slot);
  } else if (is_passing_shortage(-result)) {
    io_uring_sqe& pause = request(event::pause, 0);
    io_uring_prep_timeout(&pause, &pause_, 0, 0);
    return;
  } else if (result != -EINTR && result != -EAGAIN && result != -ECONNABORTED) {
    fail(accept_failure(-result));
  }
  accepting_ = false;
  if (open_ < connections_.size()) arm_accept();
}

void echo_loop::received(unsigned slot, const io_uring_cqe& completion) {
  connections_[slot].receiving = (completion.flags & IORING_CQE_F_MORE) != 0;
  if (completion.res > 0)
    echo(slot, completion.flags >> IORING_CQE_BUFFER_SHIFT, static_cast<unsigned>(completion.res));
  if (!connections_[slot].receiving) receive_stopped(slot, completion.res);
}

void echo_loop::echo(unsigned slot, unsigned buffer, unsigned size) {
  connection& to = connections_[slot];
  if (to.fresh) hog_.before_first_reply(*ring_.buffer(buffer));
  to.fresh = false;
  if (to.failed || has_unsent(slot)) {
    if (!to.failed) unsent_.at(slot).waiting.append(ring_.buffer(buffer), size);
    ring_.recycle(buffer);
    return;
  }
  const int index = static_cast<int>(pieces_.size());
  pieces_.push_back({buffer, size});
  if (to.replying) {
    reply& open = replies_[to.reply];
    pieces_[open.last].next = index;
    open.last = index;
    open.size = open.sent = open.size + static_cast<int>(size);
  } else {
    to.replying = true;
    to.reply = static_cast<std::uint32_t>(replies_.size());
    replies_.push_back({slot, index, index, static_cast<int>(size), static_cast<int>(size)});
  }
}

void echo_loop::receive_stopped(unsigned slot, int result) {
  connection& from = connections_[slot];
  if (result == -ENOBUFS) {
    from.starved = true;
    starved_.push_back(slot);
    return;
  }
  if (result == 0) from.ending = true;
  if (result < 0 && result != -ECANCELED && result != -EINTR) from.failed = true;
  if (from.ending || from.failed) return close_if_done(slot);
  // With something unsent it goes on when that has gone.
  if (!has_unsent(slot)) arm_receive(slot);
}

void echo_loop::keep_rest(const reply& done) {
  if (done.sent < 0 && done.sent != -EAGAIN && done.sent != -EINTR) return break_off(done.slot);
  unsent& rest = unsent_[done.slot];
  for (int p = done.first; p >= 0; p = pieces_[p].next)
    rest.flying.append(ring_.buffer(pieces_[p].buffer), pieces_[p].size);
  rest.flying.erase(0, static_cast<std::size_t>(std::max(done.sent, 0)));
  arm_flush(done.slot, rest);
  if (connections_[done.slot].receiving) cancel_receive(done.slot);
}

void echo_loop::flushed(unsigned slot, int result) {
  unsent& rest = unsent_.at(slot);
  if (result < 0 && result != -EINTR) {
    unsent_.erase(slot);
    break_off(slot);
    return close_if_done(slot);
  }
  rest.flying.erase(0, static_cast<std::size_t>(std::max(result, 0)));
  if (rest.flying.empty()) rest.flying.swap(rest.waiting);
  if (!rest.flying.empty()) return arm_flush(slot, rest);
  unsent_.erase(slot);
  const connection& to = connections_[slot];
  // A receive that is being cancelled sees to this itself when it ends.
  if (!to.receiving && !to.starved && !to.ending && !to.failed) arm_receive(slot);
  close_if_done(slot);
}

void echo_loop::break_off(unsigned slot) {
  connections_[slot].failed = true;
  if (connections_[slot].receiving) cancel_receive(slot);
}

void echo_loop::close_if_done(unsigned slot) {
  const connection& one = connections_[slot];
  if ((!one.ending && !one.failed) || one.receiving || one.starved || has_unsent(slot)) return;
  if (one.replying) {
    closing_after_turn_ = true;
    return;
  }
  io_uring_sqe& close = request(event::cancel, slot);
  io_uring_prep_close_direct(&close, slot);
  close.flags |= IOSQE_CQE_SKIP_SUCCESS;
  --open_;
  if (!accepting_) arm_accept();
}

}  // namespace

int main(int argc, char** argv) {
  const auto [target, hogging, threads] = start_of_loops(
      argc, argv, "Echo server: hand-written io_uring", "echo_baseline_uring", "ring");
  run_on_threads(target, threads, 0, [&hogging](int listener) {
    // Those that it accepts inherit the option: they have no descriptor to set it on.
    disable_nagle(listener);
    return std::make_unique<echo_loop>(listener, hogging);
  });
}
