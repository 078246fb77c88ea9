#include "sched/timing_wheel.hpp"

#include <algorithm>
#include <bit>

namespace cede::sched {

timing_wheel::timing_wheel(clock::time_point start) noexcept : tick_(tick_of(start)) {}

std::uint64_t timing_wheel::tick_of(clock::time_point when) noexcept {
  const auto ns = when.time_since_epoch().count();
  return ns < 0 ? 0 : static_cast<std::uint64_t>(ns) >> tick_shift;
}

void timing_wheel::arm(timer& t) noexcept {
  place(t);
  ++armed_;
}

// The level is the highest group of slot bits in which the timer's tick differs from the present
// one: it then sits where the turning wheel meets it before it is due, and cascades inwards.
void timing_wheel::place(timer& t) noexcept {
  const std::uint64_t horizon = tick_ | ((std::uint64_t{1} << (levels * slot_bits)) - 1);
  const std::uint64_t due = std::clamp(tick_of(t.when), tick_, horizon);
  const std::uint64_t differs = due ^ tick_;
  const unsigned level =
      differs == 0 ? 0 : (static_cast<unsigned>(std::bit_width(differs)) - 1) / slot_bits;
  const unsigned slot = static_cast<unsigned>(due >> (level * slot_bits)) % slots;
  t.place = static_cast<std::uint16_t>(level * slots + slot);
  wheel_[level][slot].push_back(t);
  busy_[level] |= std::uint64_t{1} << slot;
}

void timing_wheel::disarm(timer& t) noexcept {
  if (!t.base::list_hook<timer_tag>::linked()) return;
  const unsigned level = t.place / slots;
  const unsigned slot = t.place % slots;
  wheel_[level][slot].remove(t);
  if (wheel_[level][slot].empty()) busy_[level] &= ~(std::uint64_t{1} << slot);
  --armed_;
}

// The earliest tick at or after the present one at which something is due or must cascade. Inner
// levels come first: a busy slot of level n starts before any busy slot of level n + 1.
std::uint64_t timing_wheel::next_busy_tick() const noexcept {
  for (unsigned level = 0; level < levels; ++level) {
    const unsigned here = static_cast<unsigned>(tick_ >> (level * slot_bits)) % slots;
    const std::uint64_t ahead = busy_[level] >> here;
    if (ahead == 0) continue;
    const std::uint64_t slot = here + static_cast<unsigned>(std::countr_zero(ahead));
    const std::uint64_t turn = tick_ >> (level * slot_bits) >> slot_bits << slot_bits;
    return std::max(tick_, (turn + slot) << (level * slot_bits));
  }
  return UINT64_MAX;
}

clock::time_point timing_wheel::next() noexcept {
  if (armed_ == 0) return clock::time_point::max();
  const std::uint64_t tick = next_busy_tick();
  const bool innermost = tick >> slot_bits == tick_ >> slot_bits;
  if (!innermost)
    return clock::time_point(clock::duration(static_cast<std::int64_t>(tick << tick_shift)));
  auto first = clock::time_point::max();
  for (timer& t : wheel_[0][tick % slots]) first = std::min(first, t.when);
  return first;
}

// Moves the timers of every outer slot that begins at `tick` inwards. Outermost first, so that
// what falls from level 3 to level 2 falls on at once if it must.
void timing_wheel::cascade(std::uint64_t tick) noexcept {
  for (unsigned level = levels - 1; level > 0; --level) {
    if (tick % (std::uint64_t{1} << (level * slot_bits)) != 0) continue;
    const unsigned slot = static_cast<unsigned>(tick >> (level * slot_bits)) % slots;
    slot_list open;
    while (timer* t = wheel_[level][slot].pop_front()) open.push_back(*t);
    busy_[level] &= ~(std::uint64_t{1} << slot);
    while (timer* t = open.pop_front()) place(*t);
  }
}

// The slot of a tick that is over: what is not due yet had been clamped to the horizon and is
// placed anew. What fires may arm and disarm any timer, so they are taken out one by one.
void timing_wheel::drain_past(slot_list& slot, clock::time_point now) noexcept {
  while (timer* t = slot.pop_front()) {
    if (t->when > now) {
      place(*t);
      continue;
    }
    --armed_;
    t->fire(*t);
  }
}

// The slot of the present tick: each timer in it now is looked at once; the others wait.
void timing_wheel::fire_present(slot_list& slot, clock::time_point now) noexcept {
  for (std::size_t left = slot.size(); left > 0 && !slot.empty(); --left) {
    timer& t = *slot.pop_front();
    if (t.when > now) {
      slot.push_back(t);
      continue;
    }
    --armed_;
    t.fire(t);
  }
}

void timing_wheel::advance(clock::time_point now) noexcept {
  const std::uint64_t target = tick_of(now);
  while (tick_ < target) {
    const std::uint64_t tick = armed_ == 0 ? UINT64_MAX : next_busy_tick();
    if (tick >= target) {
      tick_ = target;
      cascade(target);
      break;
    }
    if (tick != tick_) {
      tick_ = tick;
      cascade(tick);
    }
    const unsigned slot = static_cast<unsigned>(tick) % slots;
    tick_ = tick + 1;
    busy_[0] &= ~(std::uint64_t{1} << slot);
    drain_past(wheel_[0][slot], now);
    cascade(tick_);
  }
  const unsigned slot = static_cast<unsigned>(tick_) % slots;
  fire_present(wheel_[0][slot], now);
  if (wheel_[0][slot].empty()) busy_[0] &= ~(std::uint64_t{1} << slot);
}

}  // namespace cede::sched
