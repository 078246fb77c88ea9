// For tests: a scheduler without I/O that runs a function as its first fiber.
#pragma once

#include <gtest/gtest.h>

#include <cede/spawn.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "base/virtual_clock.hpp"
#include "sched/scheduler.hpp"

namespace cede::sched {

using policy_maker = std::function<std::unique_ptr<policy>(unsigned worker)>;

inline std::unique_ptr<scheduler> make_test_scheduler(unsigned workers, policy_maker order,
                                                      base::virtual_clock* virtual_time = nullptr) {
  auto made = scheduler::create({.workers = workers,
                                 .make_policy = std::move(order),
                                 .make_poller = [](worker&) -> result<std::unique_ptr<poller>> {
                                   return std::make_unique<futex_poller>();
                                 },
                                 .virtual_time = virtual_time});
  return std::move(made.value());
}

/// Runs `f` as a fiber of worker 0, on this thread, and all that it spawns and joins.
inline void run_in(scheduler& in, std::function<void()> f) {
  auto body = [&] {
    f();
    in.stop_first();
  };
  spawned* const first =
      in.spawn(kind::cooperative, {.name = "first", .where = placement::same_worker},
               detail::erase(body), nullptr)
          .value();
  ASSERT_TRUE(in.start_threads(1).has_value());
  in.run_here();
  in.stop();
  const auto thrown = first->result_of_body.exception;
  first->release();
  if (thrown) std::rethrow_exception(thrown);
}

inline void run_fifo(std::function<void()> f, unsigned workers = 1) {
  const auto in =
      make_test_scheduler(workers, [](unsigned) { return std::make_unique<fifo_policy>(); });
  run_in(*in, std::move(f));
}

/// One worker, virtual time, and a schedule that `seed` decides.
inline void run_seeded(std::uint64_t seed, std::function<void()> f) {
  base::virtual_clock time;
  const base::virtual_clock::installation installed(time);
  const auto in = make_test_scheduler(
      1, [seed](unsigned) { return std::make_unique<seeded_policy>(seed); }, &time);
  run_in(*in, std::move(f));
}

}  // namespace cede::sched
