// In virtual time: a simulated worker drives the policy as the real one does.
#include "sched/preemptive/fair_policy.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>

#include "sched/kernel_carrier.hpp"

namespace cede::sched {
namespace {

using namespace std::chrono_literals;
using duration = clock::duration;
using time_point = clock::time_point;

struct actor : runnable {
  explicit actor(capability can) noexcept : runnable(nullptr, kernel_carrier(), can) {}
  duration burst{0};  // of work until it waits or yields; zero: it never does
  duration think{0};  // from the end of a burst until it is ready again; zero: it yields
  duration used{0};
  std::uint64_t bursts = 0;
  duration longest_wait{0};
  time_point ready_since{};
};

constexpr auto preemptive = capability::may_migrate | capability::may_preempt;

class simulation {
 public:
  explicit simulation(fair_policy::tuning how = {}) : how_(how), policy_(how, now_) {}

  actor& hog(std::uint8_t priority = 1) { return add(preemptive, 0ns, 0ns, priority); }
  actor& yielder(duration burst) { return add(preemptive, burst, 0ns, 1); }
  actor& connection(duration service, duration think) { return add(preemptive, service, think, 1); }
  actor& add(capability can, duration burst, duration think, std::uint8_t priority) {
    actor& a = actors_.emplace_back(can);
    a.burst = burst;
    a.think = think;
    a.priority = priority;
    wake(a);
    return a;
  }

  void run_for(duration time) {
    const time_point end = now_ + time;
    while (now_ < end) round();
  }

  fair_policy& policy() { return policy_; }
  std::uint64_t bursts() const {
    std::uint64_t sum = 0;
    for (const actor& a : actors_) sum += a.bursts;
    return sum;
  }

 private:
  void wake(actor& a) {
    a.ready_since = now_;
    policy_.awakened(a);
  }

  void poll() {
    while (!sleepers_.empty() && sleepers_.begin()->first <= now_) {
      wake(*sleepers_.begin()->second);
      sleepers_.erase(sleepers_.begin());
    }
  }

  // What worker::run does: look for events, tell the time, and then run some without looking.
  void round() {
    poll();
    policy_.tick(now_);
    actor* const first = pick();
    if (first == nullptr) return sleep();
    run(*first);
    for (int budget = 63; budget > 0 && policy_.quantum() == 0ns; --budget) {
      actor* const next = pick();
      if (next == nullptr) return;
      run(*next);
    }
  }

  void sleep() {
    time_point until = policy_.waits_until();
    if (!sleepers_.empty()) until = std::min(until, sleepers_.begin()->first);
    ASSERT_NE(until, time_point::max()) << "nobody will ever run";
    now_ = std::max(now_, until);
  }

  actor* pick() { return static_cast<actor*>(policy_.pick_next()); }

  void run(actor& a) {
    a.reason = wait_reason::none;
    a.longest_wait = std::max(a.longest_wait, now_ - a.ready_since);
    const duration slice = policy_.quantum() != 0ns ? policy_.quantum() : how_.slice;
    const bool interrupted = a.burst == 0ns || a.burst > slice;
    const duration ran = interrupted ? slice : a.burst;
    now_ += ran;
    a.used += ran;
    a.ready_since = now_;
    if (interrupted) return policy_.expired(a);
    ++a.bursts;
    if (a.think == 0ns) return wake(a);
    a.reason = wait_reason::readable;
    sleepers_.emplace(now_ + a.think, &a);
  }

  fair_policy::tuning how_;
  time_point now_{1h};
  fair_policy policy_;
  std::deque<actor> actors_;
  std::multimap<time_point, actor*> sleepers_;
};

double part_of(duration part, duration whole) {
  return static_cast<double>(part.count()) / static_cast<double>(whole.count());
}

TEST(fair_policy, without_hogs_it_is_first_come_first_served) {
  fair_policy p({}, {});
  std::deque<actor> ones;
  for (int i = 0; i < 4; ++i) p.awakened(ones.emplace_back(i < 2 ? preemptive : preemptive));
  EXPECT_EQ(p.ready_count(), 4u);
  for (actor& a : ones) EXPECT_EQ(p.pick_next(), &a);
  EXPECT_EQ(p.pick_next(), nullptr);
  EXPECT_FALSE(p.has_ready());
}

TEST(fair_policy, cooperative_and_preemptive_fibers_take_turns) {
  fair_policy p({}, {});
  std::deque<actor> ones;
  for (const auto can : {preemptive, preemptive, capability::none, capability::none})
    p.awakened(ones.emplace_back(can));
  EXPECT_EQ(p.pick_next(), &ones[0]);
  EXPECT_EQ(p.pick_next(), &ones[2]);
  EXPECT_EQ(p.pick_next(), &ones[1]);
  EXPECT_EQ(p.pick_next(), &ones[3]);
}

TEST(fair_policy, hogs_among_themselves_share_equally) {
  simulation s;
  std::array<actor*, 5> hogs{};
  for (actor*& h : hogs) h = &s.hog();
  s.run_for(10s);
  for (const actor* h : hogs) EXPECT_NEAR(part_of(h->used, 10s), 0.2, 0.01);
}

TEST(fair_policy, a_hog_among_n_that_yield_gets_an_nth) {
  for (const int n : {2, 4, 10}) {
    simulation s;
    actor& hog = s.hog();
    for (int i = 1; i < n; ++i) s.yielder(20us);
    s.run_for(20s);
    EXPECT_NEAR(part_of(hog.used, 20s), 1.0 / n, 0.1 / n) << "n = " << n;
  }
}

TEST(fair_policy, among_very_many_a_hog_has_its_minimum_share) {
  simulation s;
  actor& hog = s.hog();
  for (int i = 0; i < 1000; ++i) s.yielder(20us);
  s.run_for(20s);
  EXPECT_NEAR(part_of(hog.used, 20s), 0.05, 0.01);
}

TEST(fair_policy, who_comes_when_there_were_only_hogs_is_not_passed_over) {
  simulation s;
  for (int i = 0; i < 3; ++i) s.hog();
  s.run_for(1s);
  actor& late = s.yielder(20us);
  s.run_for(100ms);
  EXPECT_GE(late.bursts, 5u);
  s.run_for(10s);
  EXPECT_NEAR(part_of(late.used, 10s), 0.25, 0.05);
}

TEST(fair_policy, connections_keep_their_throughput_beside_hogs) {
  for (const auto slice : {duration(1ms), duration(10ms)}) {
    for (const int hogs : {1, 2, 10}) {
      const auto measure = [&](int with, double* share) {
        simulation s({.slice = slice});
        for (int i = 0; i < 100; ++i) s.connection(5us, 400us);
        std::deque<actor*> all;
        for (int i = 0; i < with; ++i) all.push_back(&s.hog());
        s.run_for(6s);
        *share = 1;
        for (const actor* h : all) *share = std::min(*share, part_of(h->used, 6s));
        return static_cast<double>(s.bursts());
      };
      double share = 0;
      const double before = measure(0, &share);
      const double during = measure(hogs, &share);
      EXPECT_GE(during / before, 0.88) << hogs << " hogs, slice " << slice.count();
      EXPECT_GE(share, 0.04 / hogs) << hogs << " hogs, slice " << slice.count();
    }
  }
}

TEST(fair_policy, a_hog_beside_one_busy_connection_gets_about_half) {
  simulation s;
  actor& hog = s.hog();
  actor& peer = s.connection(5us, 15us);
  s.run_for(10s);
  EXPECT_GT(part_of(hog.used, 10s), 0.4);
  EXPECT_LT(part_of(hog.used, 10s), 0.7);
  EXPECT_GT(peer.bursts, 10s / 20us / 3);
}

TEST(fair_policy, a_hog_gets_most_of_a_core_that_is_otherwise_idle) {
  simulation s;
  actor& hog = s.hog();
  for (int i = 0; i < 50; ++i) s.connection(10us, 100ms);
  s.run_for(10s);
  EXPECT_GT(part_of(hog.used, 10s), 0.7);
}

TEST(fair_policy, a_short_request_waits_for_one_slice_at_most) {
  simulation s({.slice = 1ms});
  for (int i = 0; i < 3; ++i) s.hog();
  actor& peer = s.connection(10us, 3ms);
  s.run_for(10s);
  EXPECT_LE(peer.longest_wait, 4ms);  // at first, while each hog has its first slice
  EXPECT_GT(peer.bursts, 2000u);
}

TEST(fair_policy, who_waits_after_having_been_interrupted_is_in_front_again) {
  fair_policy p({}, {});
  actor hog(preemptive);
  actor other(preemptive);
  p.expired(hog);
  EXPECT_FALSE(p.urgent());
  EXPECT_TRUE(p.has_ready());
  p.tick(time_point(1s));
  ASSERT_EQ(p.pick_next(), &hog);
  hog.reason = wait_reason::mutex;
  p.awakened(hog);
  p.awakened(other);
  EXPECT_TRUE(p.urgent());
  EXPECT_EQ(p.pick_next(), &hog);
}

TEST(fair_policy, it_counts_whom_it_was_told_to_have_been_interrupted) {
  simulation s;
  s.hog();
  s.yielder(20us);
  s.run_for(1s);
  const std::uint64_t before = s.policy().expirations();
  EXPECT_GE(before, 45u);  // about half of the time, in slices of 10 ms at the most
  actor once(preemptive);
  s.policy().expired(once);
  EXPECT_EQ(s.policy().expirations(), before + 1);
}

TEST(fair_policy, beside_hogs_it_knows_when_the_first_after_a_tick_begins) {
  fair_policy p({}, time_point(0s));
  std::deque<actor> ones;
  for (int i = 0; i < 4; ++i) p.awakened(ones.emplace_back(preemptive));
  p.tick(time_point(1s));
  ASSERT_EQ(p.pick_next(), &ones[0]);
  EXPECT_EQ(p.known_begin(), std::nullopt) << "nobody hogs";
  p.expired(ones[0]);
  p.tick(time_point(2s));
  ASSERT_EQ(p.pick_next(), &ones[1]);
  EXPECT_EQ(p.known_begin(), time_point(2s));
  ASSERT_EQ(p.pick_next(), &ones[2]);
  EXPECT_EQ(p.known_begin(), std::nullopt) << "others have run since";
}

TEST(fair_policy, the_slice_that_shows_a_hog_is_paid_for) {
  fair_policy p({.grace = 0ns}, time_point(0s));
  actor hog(preemptive);
  actor peer(preemptive);
  p.awakened(hog);
  p.awakened(peer);
  p.tick(time_point(1ms));
  ASSERT_EQ(p.pick_next(), &hog);
  p.expired(hog);
  p.tick(time_point(11ms));
  // Of two, it has half of the time. Unpaid, its next slice would come after 20 ms.
  time_point now(11ms);
  while (p.pick_next() == &peer) {
    p.awakened(peer);
    p.tick(now += 1ms);
    ASSERT_LT(now, time_point(1s));
  }
  EXPECT_GE(now, time_point(11ms + 25ms));
}

TEST(fair_policy, a_yield_does_not_lead_out_of_the_background) {
  fair_policy p({}, {});
  actor hog(preemptive);
  actor other(preemptive);
  p.expired(hog);
  p.tick(time_point(1s));
  ASSERT_EQ(p.pick_next(), &hog);
  p.awakened(hog);
  p.awakened(other);
  EXPECT_EQ(p.pick_next(), &other);
  EXPECT_EQ(p.pick_next(), nullptr);
}

TEST(fair_policy, in_a_gap_the_background_waits_and_then_runs_for_a_growing_while) {
  const fair_policy::tuning how;
  fair_policy p(how, time_point(0s));
  actor hog(preemptive);
  actor peer(preemptive);
  p.expired(hog);
  p.awakened(peer);
  p.tick(time_point(1ms));
  ASSERT_EQ(p.pick_next(), &peer);
  EXPECT_EQ(p.pick_next(), nullptr) << "not before somebody has looked for events";
  time_point now(1ms + 1us);
  p.tick(now);
  for (duration used{0}; p.waits_until() <= now; used += 50us) {  // what credit it has
    ASSERT_LT(used, how.slice);
    ASSERT_EQ(p.pick_next(), &hog);
    p.expired(hog);
    p.awakened(peer);
    p.tick(now += 50us);
    while (p.pick_next() != &peer) ASSERT_LT(now, time_point(1s));
    p.tick(now);
  }
  EXPECT_EQ(p.pick_next(), nullptr);
  EXPECT_GT(p.waits_until(), now);
  EXPECT_LE(p.waits_until(), now + how.grace);
  now += how.grace;
  for (duration quantum = how.first_quantum; quantum < how.slice; quantum *= 2) {
    p.tick(now);
    ASSERT_EQ(p.pick_next(), &hog);
    EXPECT_EQ(p.quantum(), quantum);
    now += quantum;
    p.expired(hog);
  }
  p.tick(now);
  ASSERT_EQ(p.pick_next(), &hog);
  EXPECT_EQ(p.quantum(), how.slice);
}

TEST(fair_policy, a_fiber_with_a_slice_of_its_own_is_interrupted_after_that) {
  fair_policy p({}, {});
  actor hog(preemptive);
  hog.slice = 20;  // microseconds
  p.expired(hog);
  p.tick(time_point(1s));
  ASSERT_EQ(p.pick_next(), &hog);
  EXPECT_EQ(p.quantum(), 20us);
}

TEST(fair_policy, the_urgent_go_first_and_the_others_are_not_starved) {
  simulation s;
  actor& low = s.add(preemptive, 20us, 0ns, 2);
  actor& middle = s.add(preemptive, 20us, 0ns, 1);
  actor& high = s.add(preemptive, 20us, 0ns, 0);
  s.run_for(1s);
  EXPECT_GT(high.bursts, 40'000u);
  const std::uint64_t all = low.bursts + middle.bursts + high.bursts;
  EXPECT_GE(middle.bursts, all / (class_queues::starvation_bound + 3));
  EXPECT_GE(low.bursts, all / (class_queues::starvation_bound + 3));
}

TEST(fair_policy, urgent_hogs_go_first_in_the_background_too) {
  simulation s;
  actor& low = s.hog(2);
  actor& high = s.hog(0);
  s.run_for(20s);
  EXPECT_GT(high.used, 10 * low.used);
  EXPECT_GE(part_of(low.used, 20s), 1.0 / (class_queues::starvation_bound + 3));
}

TEST(fair_policy, an_urgent_cooperative_fiber_and_a_lazy_preemptive_one_both_run) {
  simulation s;
  actor& coop = s.add(capability::none, 20us, 0ns, 0);
  actor& lazy = s.add(preemptive, 20us, 0ns, 2);
  s.run_for(1s);
  EXPECT_GT(coop.bursts, 20 * lazy.bursts);
  EXPECT_GT(lazy.bursts, 50'000 / (class_queues::starvation_bound + 3));
}

TEST(fair_policy, thieves_get_what_the_owner_left_and_not_what_it_comes_back_to) {
  fair_policy p({}, {});
  actor a(preemptive);
  actor b(preemptive);
  p.expired(a);
  EXPECT_FALSE(p.spares()) << "the owner has not chosen yet";
  p.expired(b);
  p.tick(time_point(1s));
  ASSERT_EQ(p.pick_next(), &a);
  EXPECT_TRUE(p.spares());
  run_queue loot = p.give(8);
  EXPECT_EQ(loot.pop_front(), &b);
  EXPECT_TRUE(loot.empty());
  p.expired(a);
  EXPECT_FALSE(p.spares());
  EXPECT_TRUE(p.give(8).empty());
}

TEST(fair_policy, the_pinned_are_not_given_away) {
  fair_policy p({}, {});
  actor a(preemptive);
  actor b(preemptive);
  actor c(preemptive);
  for (actor* each : {&a, &b, &c}) p.expired(*each);
  b.standing |= standing_bit::pinned;
  p.tick(time_point(1s));
  ASSERT_EQ(p.pick_next(), &a);
  run_queue loot = p.give(8);
  EXPECT_EQ(loot.pop_front(), &c);
  EXPECT_TRUE(loot.empty());
  p.tick(time_point(2s));
  EXPECT_EQ(p.pick_next(), &b);
}

TEST(fair_policy, what_a_stuck_owner_has_is_lent_unless_it_may_not_migrate) {
  fair_policy p({}, {});
  actor stays(capability::none);
  actor moves(preemptive);
  actor hog(preemptive);
  p.awakened(stays);
  p.awakened(moves);
  p.expired(hog);
  EXPECT_TRUE(p.give(8).empty()) << "thieves get nothing of it";
  EXPECT_EQ(p.borrow(), &moves);
  EXPECT_EQ(p.borrow(), &hog);
  EXPECT_EQ(p.borrow(), nullptr);
  p.expired(hog);
  EXPECT_EQ(p.borrow(), &hog);
  EXPECT_EQ(p.pick_next(), &stays);
}

}  // namespace
}  // namespace cede::sched
