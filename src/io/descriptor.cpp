#include "io/descriptor.hpp"

#include <sched.h>
#include <sys/socket.h>

#include <mutex>
#include <utility>

#include "base/assert.hpp"
#include "base/slab.hpp"
#include "base/spinlock.hpp"
#include "base/sys.hpp"
#include "context/no_preempt.hpp"
#include "io/descriptor_delivery.hpp"
#include "io/descriptor_state.hpp"
#include "io/reactor.hpp"
#include "sched/parking.hpp"

namespace cede::io {

using namespace descriptor_state;

namespace {

constexpr std::uint32_t no_block = UINT32_MAX;

// The blocks of this process. A free one keeps its generation, which is why they are not given back
// to the slab: its next constructor would write over it while deliver() reads. Never destroyed.
struct blocks {
  base::slab<descriptor> storage;
  base::spinlock lock;
  std::uint32_t first_free = no_block;
  std::atomic<std::size_t> live{0};
};

// Without a destructor, and without a test for a first use on the way to each event.
union immortal_blocks {
  constexpr immortal_blocks() noexcept : value{} {}
  ~immortal_blocks() {}  // NOLINT(modernize-use-equals-default): a union's would be deleted
  blocks value;
};

constinit immortal_blocks all_blocks;

blocks& all() noexcept { return all_blocks.value; }

// Held from reading a descriptor's watcher to pinning it: see reactor::pins_.
constinit base::spinlock watchers_lock;

}  // namespace

descriptor* descriptor::create(int fd) noexcept {
  blocks& shared = all();
  descriptor* d = nullptr;
  {
    const std::lock_guard hold(shared.lock);
    if (shared.first_free != no_block) {
      d = shared.storage.at(shared.first_free);
      shared.first_free = d->next_free_;
    }
  }
  if (d == nullptr) d = shared.storage.create();
  if (d == nullptr) return nullptr;
  shared.live.fetch_add(1, std::memory_order_relaxed);
  d->fd_.store(fd, std::memory_order_relaxed);
  d->streak_[0] = d->streak_[1] = 0;
  const std::uint64_t fresh = d->state_.load(std::memory_order_relaxed) & generation_field;
  // Release: a deliver() that acquires this generation sees the block as it now is.
  d->state_.store(fresh | readable | writable, std::memory_order_release);
  return d;
}

void descriptor::destroy(descriptor* d) noexcept {
  d->close();
  const std::uint64_t last = d->state_.load(std::memory_order_acquire);
  CEDE_REQUIRE((last & users) == 0, "a stream or listener is destroyed while a call is in it");
  // From here on no event fits. Closed, so that a late user with a dangling pointer finds that.
  d->state_.store(next_generation(last) | closed, std::memory_order_release);
  blocks& shared = all();
  shared.live.fetch_sub(1, std::memory_order_relaxed);
  const std::lock_guard hold(shared.lock);
  d->next_free_ = std::exchange(shared.first_free, shared.storage.index_of(d));
}

std::size_t descriptor::live() noexcept { return all().live.load(std::memory_order_relaxed); }

event_tag descriptor::tag() const noexcept {
  return {.about = event_tag::subject::descriptor,
          .index = all().storage.index_of(this),
          .generation = generation_of(state_.load(std::memory_order_relaxed))};
}

void descriptor::close() noexcept {
  std::uint64_t seen = state_.load(std::memory_order_relaxed);
  do {
    if ((seen & closed) != 0) return;
  } while (!state_.compare_exchange_weak(seen, seen | closed | closing, std::memory_order_seq_cst,
                                         std::memory_order_relaxed));
  // `closing` makes us a user, so the number is still this file's. A listener that fibers accept
  // from is not shut down: another process may share it.
  if ((seen & (reader_blocks | writer_blocks)) != 0)
    static_cast<void>(base::sys::shutdown(fd(), SHUT_RDWR));
  wake_both();
  leave(closing, 0, 0);
}

bool descriptor::refuse(std::uint64_t seen, std::uint64_t bits) noexcept {
  if ((seen & closed) != 0) return false;
  base::contract_failure((bits & reading) != 0
                             ? "a second reader: one fiber or thread reads (or accepts) at a time"
                             : "a second writer: one fiber or thread writes at a time");
}

bool descriptor::hold() noexcept {
  std::uint64_t seen = state_.load(std::memory_order_relaxed);
  do {
    if ((seen & closed) != 0) return false;
    CEDE_REQUIRE((seen & pins) != pins, "more than 126 threads ask about one socket at once");
    // Acquire, as in enter(): what the users before us did to the block is over.
  } while (!state_.compare_exchange_weak(seen, seen + one_pin, std::memory_order_acquire,
                                         std::memory_order_relaxed));
  return true;
}

void descriptor::let_go() noexcept {
  // acq_rel, as in leave(): the last one sees what the others did, and then closes.
  const std::uint64_t left = state_.fetch_sub(one_pin, std::memory_order_acq_rel) - one_pin;
  if ((left & closed) != 0 && (left & users) == 0) close_fd();
}

void descriptor::close_fd() noexcept {
  unwatch();
  base::sys::close(fd_.exchange(-1, std::memory_order_relaxed));
}

void descriptor::prefetch(event_tag tag) noexcept {
  if (tag.about == event_tag::subject::descriptor)
    __builtin_prefetch(all().storage.at(tag.index), 1);
}

void descriptor::prefetch_reader(event_tag tag) noexcept {
  if (tag.about != event_tag::subject::descriptor) return;
  // Relaxed: only addresses for the cache; nothing is looked at.
  const descriptor& d = *all().storage.at(tag.index);
  __builtin_prefetch(d.reader_.load(std::memory_order_relaxed), 1);
  __builtin_prefetch(d.room_.load(std::memory_order_relaxed), 1);
}

void descriptor::deliver(event_tag tag, edge what) noexcept {
  descriptor& d = *all().storage.at(tag.index);
  if (generation_of(d.state_.load(std::memory_order_acquire)) != tag.generation) return;
  d.finish_delivery(tag, d.begin_delivery(bits_of(what)));
}

// False if the block is another descriptor's by now.
bool descriptor::add_news(event_tag tag, std::uint64_t news) noexcept {
  std::uint64_t seen = state_.load(std::memory_order_acquire);
  do {
    if (generation_of(seen) != tag.generation) return false;
  } while (!state_.compare_exchange_weak(seen, next_tick(seen) | news, std::memory_order_seq_cst,
                                         std::memory_order_acquire));
  return true;
}

// Rule 6. Returns what is still news afterwards: where less came than was asked for the socket is
// empty, unless its end has come too.
std::uint64_t descriptor::receive_for_reader(std::uint64_t news) noexcept {
  if (room_bytes_ == 0) return news;
  const attempt got = try_receive(fd(), {room_.load(std::memory_order_relaxed), room_bytes_});
  if (got.error == EINTR) return news;
  // Where there is urgent data the reader itself finds out: use::exhausted().
  if (means_later(got.error)) return (news & eager) != 0 ? news : news & ~readable;
  received_ = got.error != 0 ? -got.error : static_cast<std::int32_t>(got.moved);
  return got.emptied && (news & eager) == 0 ? news & ~readable : news;
}

sched::runnable* descriptor::claim(std::atomic<sched::runnable*>& slot) noexcept {
  if (slot.load(std::memory_order_seq_cst) == nullptr) return nullptr;
  return slot.exchange(nullptr, std::memory_order_acq_rel);
}

void descriptor::wake(std::atomic<sched::runnable*>& slot) noexcept {
  if (sched::runnable* const who = claim(slot)) sched::unpark(*who);
}

void descriptor::wake_both() noexcept {
  wake(reader_);
  wake(writer_);
}

// Of a reader and a writer that come at once one registers; should that fail, it wakes the other,
// which then tries itself.
result<> descriptor::start_watching() noexcept {
  const context::no_preempt_region region;  // the reactor is this worker's
  reactor* const mine = reactor::current();
  if (mine == nullptr) return failure(errc::not_supported);
  reactor* nobody = nullptr;
  if (!watcher_.compare_exchange_strong(nobody, mine, std::memory_order_seq_cst)) return {};
  auto watched = mine->watch(*this);
  if (!watched) {
    watcher_.store(nullptr, std::memory_order_seq_cst);
    wake_both();
  }
  return watched;
}

void descriptor::unwatch() noexcept {
  const context::no_preempt_region region;  // its reactor waits for us: forget_reactor()
  reactor* by = nullptr;
  {
    const std::lock_guard hold(watchers_lock);
    by = watcher_.exchange(nullptr, std::memory_order_seq_cst);
    if (by == nullptr) return;
    by->pins_.fetch_add(1, std::memory_order_relaxed);
  }
  by->unwatch(*this);
  // Release pairs with the acquire in forget_reactor(): the call is over before the reactor is
  // gone.
  by->pins_.fetch_sub(1, std::memory_order_release);
}

// Without the lock: `by` is the caller, and what it watches it has begun to watch on this thread,
// so a block that is given anew after the look at the generation is not watched by it yet.
bool descriptor::watch_ended(event_tag tag, reactor& by) noexcept {
  descriptor& d = *all().storage.at(tag.index);
  if (generation_of(d.state_.load(std::memory_order_acquire)) != tag.generation) return false;
  reactor* expected = &by;
  if (!d.watcher_.compare_exchange_strong(expected, nullptr, std::memory_order_seq_cst))
    return false;
  d.wake_both();
  return true;
}

void descriptor::forget_reactor(reactor& gone) noexcept {
  all().storage.for_each_live([&gone](descriptor& d) {
    reactor* expected = &gone;
    if (d.watcher_.compare_exchange_strong(expected, nullptr, std::memory_order_seq_cst))
      d.wake_both();
  });
  // Whoever took it out before has pinned it when we get the lock, and lets go soon.
  {
    const std::lock_guard hold(watchers_lock);
  }
  while (gone.pins_.load(std::memory_order_acquire) != 0) ::sched_yield();
}

}  // namespace cede::io
