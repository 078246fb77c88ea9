#include "sched/preemptive/blocked_workers.hpp"

#include <algorithm>

#include "sched/preemptive/spare_threads.hpp"
#include "sched/scheduler.hpp"
#include "sched/watchdog.hpp"
#include "sched/worker.hpp"

namespace cede::sched {
namespace {

// A stray that has been blocked for long is looked at rarely; it computes unseen for as long.
constexpr int share_of_looks = 8;
constexpr std::chrono::milliseconds longest_pause{250};

}  // namespace

blocked_workers::blocked_workers(scheduler& of)
    : scheduler_(of),
      seen_(of.workers().size() + of.spares().most()),
      rescued_(of.workers().size(), false) {}

blocked_workers::outcome blocked_workers::hand_over(worker& w) noexcept {
  if (w.vacant()) return outcome::done;
  spare_threads& spares = scheduler_.spares();
  if (!spares.started()) return outcome::none_left;
  spare* const host = spares.reserve(spare::order::host);
  if (host == nullptr) return spares.may_grow() ? outcome::not_yet : outcome::none_left;
  if (!w.set_adrift()) {
    host->put_back();
    return outcome::not_now;
  }
  host->give(spare::order::host, &w);
  return outcome::done;
}

// A second one where the first has come to run something that blocks.
void blocked_workers::rescue(worker& w) noexcept {
  const fair_policy* const queue = w.known_fair();
  spare_threads& spares = scheduler_.spares();
  if (queue == nullptr || queue->movable_count() == 0 || w.vacant() || !spares.started()) return;
  for (std::size_t i = 0; i < spares.all().size(); ++i) {
    spare& one = *spares.all()[i];
    const record& last = seen_[scheduler_.workers().size() + i];
    const bool held_up = last.id != 0 && last.id == one.straying().id() && last.blocked;
    if (one.rescues(w) && !held_up) return;
  }
  rescued_[w.index()] = true;
  if (spare* const rescuer = spares.reserve(spare::order::rescue))
    rescuer->give(spare::order::rescue, &w);
}

void blocked_workers::moved(const worker& w) noexcept {
  if (!rescued_[w.index()]) return;
  rescued_[w.index()] = false;
  for (const auto& s : scheduler_.spares().all())
    if (s->rescues(w)) s->recall();
}

clock::time_point blocked_workers::look_at_strays(watchdog& names, clock::time_point now) noexcept {
  auto next = clock::time_point::max();
  if (!scheduler_.spares().started()) return next;
  std::size_t i = 0;
  for (const auto& w : scheduler_.workers())
    next = std::min(next, look_at(w->own_stray(), seen_[i++], names, now));
  for (const auto& s : scheduler_.spares().all())
    next = std::min(next, look_at(s->straying(), seen_[i++], names, now));
  return next;
}

clock::time_point blocked_workers::look_at(stray& one, record& last, watchdog& names,
                                           clock::time_point now) noexcept {
  const std::uint64_t id = one.id();
  if (id == 0) return clock::time_point::max();
  const clock::duration slice = scheduler_.slice();
  const clock::duration usual = slice / 2;
  if (id != last.id) {
    last = {.id = id, .since = now, .activity = context::activity_probe(one.thread())};
  } else if (now < last.next) {
    return last.next;
  }
  const auto doing = last.activity.look();
  if (one.comes_back()) return last.next = now + usual;
  last.blocked = doing.what == context::activity::in_syscall;
  if (last.blocked) {
    last.free_since = {};
    if (names.on() && !last.named && now - last.since >= names.threshold()) {
      last.named = true;
      names.name_blocked(id, one.home().index(), doing.number, now - last.since, false);
    }
    const clock::duration pause = (now - last.since) / share_of_looks;
    return last.next = now + std::clamp<clock::duration>(pause, usual, longest_pause);
  }
  if (last.free_since == clock::time_point{}) last.free_since = now;
  if (now - last.free_since >= slice) {
    last.free_since = now;
    one.kick();
  }
  return last.next = now + usual;
}

}  // namespace cede::sched
