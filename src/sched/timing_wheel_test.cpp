#include "sched/timing_wheel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <vector>

namespace cede::sched {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr clock::time_point at(nanoseconds since_start) { return clock::time_point(since_start); }

struct probe : timer {
  explicit probe(std::vector<probe*>& fired) : log(fired) {
    fire = [](timer& t) noexcept { static_cast<probe&>(t).log.push_back(static_cast<probe*>(&t)); };
  }
  std::vector<probe*>& log;
};

// The span of the whole wheel, after which timers are placed anew.
constexpr nanoseconds epoch{std::int64_t{1} << 52};

TEST(timing_wheel, fires_at_the_very_nanosecond_and_never_before) {
  timing_wheel wheel(at(nanoseconds(0)));
  std::vector<probe*> fired;
  probe p(fired);
  p.when = at(nanoseconds(100'001));
  wheel.arm(p);
  EXPECT_EQ(wheel.next(), p.when);
  wheel.advance(at(nanoseconds(100'000)));
  EXPECT_TRUE(fired.empty());
  wheel.advance(at(nanoseconds(100'001)));
  EXPECT_EQ(fired.size(), 1u);
  EXPECT_EQ(wheel.next(), clock::time_point::max());
}

TEST(timing_wheel, a_timer_of_the_past_fires_at_the_next_advance) {
  timing_wheel wheel(at(hours(1)));
  std::vector<probe*> fired;
  probe p(fired);
  p.when = at(nanoseconds(1));
  wheel.arm(p);
  EXPECT_LE(wheel.next(), at(hours(1)));
  wheel.advance(at(hours(1)));
  EXPECT_EQ(fired.size(), 1u);
}

TEST(timing_wheel, a_disarmed_timer_does_not_fire) {
  timing_wheel wheel(at(nanoseconds(0)));
  std::vector<probe*> fired;
  probe p(fired);
  p.when = at(milliseconds(5));
  wheel.arm(p);
  wheel.disarm(p);
  wheel.disarm(p);
  EXPECT_EQ(wheel.armed(), 0u);
  wheel.advance(at(milliseconds(10)));
  EXPECT_TRUE(fired.empty());
}

TEST(timing_wheel, what_fires_may_disarm_its_neighbours_and_arm_itself_again) {
  timing_wheel wheel(at(nanoseconds(0)));
  std::vector<probe*> unused;
  struct rearming : probe {
    using probe::probe;
    timing_wheel* wheel = nullptr;
    probe* neighbour = nullptr;
    int times = 0;
  };
  rearming r(unused);
  probe neighbour(unused);
  r.wheel = &wheel;
  r.neighbour = &neighbour;
  r.when = neighbour.when = at(milliseconds(3));
  r.fire = [](timer& t) noexcept {
    auto& self = static_cast<rearming&>(t);
    self.wheel->disarm(*self.neighbour);
    if (++self.times == 3) return;
    self.when += milliseconds(1);
    self.wheel->arm(self);
  };
  wheel.arm(r);
  wheel.arm(neighbour);
  wheel.advance(at(milliseconds(50)));
  EXPECT_EQ(r.times, 3);
  EXPECT_TRUE(unused.empty());
  EXPECT_EQ(wheel.armed(), 0u);
}

TEST(timing_wheel, survives_the_end_of_its_epoch) {
  const auto start = at(epoch - milliseconds(1));
  timing_wheel wheel(start);
  std::vector<probe*> fired;
  probe near(fired);
  probe far(fired);
  near.when = start + milliseconds(3);
  far.when = start + epoch + milliseconds(7);
  wheel.arm(near);
  wheel.arm(far);
  wheel.advance(near.when - nanoseconds(1));
  EXPECT_TRUE(fired.empty());
  wheel.advance(near.when);
  EXPECT_EQ(fired, std::vector<probe*>{&near});
  wheel.advance(far.when - nanoseconds(1));
  EXPECT_EQ(fired.size(), 1u);
  wheel.advance(far.when);
  EXPECT_EQ(fired.size(), 2u);
}

// Against an ordered map, over delays of all magnitudes; driven as a worker drives it, by next().
TEST(timing_wheel, agrees_with_an_ordered_map_for_random_operations) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937_64 random(seed);
    auto now = at(nanoseconds(static_cast<std::int64_t>(random() >> 12)));
    timing_wheel wheel(now);
    std::vector<probe*> fired;
    std::deque<probe> timers;
    for (int i = 0; i < 200; ++i) timers.emplace_back(fired);
    std::multimap<clock::time_point, probe*> expected;
    for (int step = 0; step < 2000; ++step) {
      probe& p = timers[random() % timers.size()];
      if (p.base::list_hook<timer_tag>::linked()) {
        const auto [from, to] = expected.equal_range(p.when);
        expected.erase(std::find_if(from, to, [&](auto& e) { return e.second == &p; }));
        wheel.disarm(p);
      } else {
        p.when = now + nanoseconds(random() >> (12 + random() % 52));
        wheel.arm(p);
        expected.emplace(p.when, &p);
      }
      if (random() % 3 != 0 || expected.empty()) continue;
      ASSERT_LE(wheel.next(), expected.begin()->first);
      now = random() % 2 ? std::max(now, wheel.next()) : now + nanoseconds(random() >> 40);
      fired.clear();
      wheel.advance(now);
      std::vector<probe*> due;
      while (!expected.empty() && expected.begin()->first <= now) {
        due.push_back(expected.begin()->second);
        expected.erase(expected.begin());
      }
      std::sort(due.begin(), due.end());
      std::sort(fired.begin(), fired.end());
      ASSERT_EQ(fired, due) << "seed " << seed << " step " << step;
      ASSERT_EQ(wheel.armed(), expected.size());
    }
    for (probe& p : timers) wheel.disarm(p);
  }
}

}  // namespace
}  // namespace cede::sched
