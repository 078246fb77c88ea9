#include "measure/bare/cede_costs.hpp"

#include <atomic>
#include <cede/runtime.hpp>
#include <cede/semaphore.hpp>
#include <cede/this_fiber.hpp>
#include <cstddef>
#include <memory>
#include <optional>

#include "context/fiber_context.hpp"
#include "context/tls_block.hpp"
#include "measure/bare/cede_pair.hpp"

namespace cede::measure::bare {
namespace {

struct game {
  context::fiber_context main{};
  context::fiber_context fiber{};
  std::uint64_t visits = 0;
  std::uint64_t last_visit = 0;  // after it the fiber ends
};

void play(void* argument) {
  auto& all = *static_cast<game*>(argument);
  context::arrived(all.fiber);
  while (++all.visits < all.last_visit) context::switch_to(all.fiber, all.main);
  context::switch_final(all.fiber, all.main);
}

constexpr std::size_t stack_bytes = 64 * 1024;

context::stack_slot slot_of(const std::unique_ptr<std::byte[]>& stack) {
  return {.bottom = stack.get(), .top = stack.get() + stack_bytes};
}

// Its fiber has been started and not yet run; it is over then.
attempt switch_to_and_fro(game& all, std::uint64_t rounds) {
  const auto begin = steady::now();
  for (std::uint64_t i = 0; i < rounds; ++i) context::switch_to(all.main, all.fiber);
  const auto end = steady::now();
  const std::uint64_t visits = all.visits;
  context::switch_to(all.main, all.fiber);
  all.fiber.destroy();
  require_count("visits of a fiber", visits, rounds);
  return timing{end - begin, 2 * rounds};
}

std::expected<nanoseconds, std::string> run_sides(const cede_kind& what, cpu_pair cpus,
                                                  const two_sides& sides) {
  return cpus.distinct() ? run_on_two_cpus(what, cpus, sides)
                         : run_on_one_cpu(what, cpus.first, sides);
}

}  // namespace

attempt switch_between_fibers(int cpu, std::uint64_t rounds) {
  const pinned here(cpu);
  const auto stack = std::make_unique<std::byte[]>(stack_bytes);
  game all{.last_visit = rounds + 1};
  all.fiber.start_on(slot_of(stack), &play, &all);
  return switch_to_and_fro(all, rounds);
}

attempt switch_with_own_tls(int cpu, std::uint64_t rounds) {
  if (const char* const obstacle = context::obstacle_to_own_tls(); obstacle != nullptr)
    return std::unexpected(obstacle);
  const pinned here(cpu);
  const auto stack = std::make_unique<std::byte[]>(stack_bytes);
  const auto block = context::make_tls_block(slot_of(stack));
  if (!block) return std::unexpected(block.error().message());
  game all{.last_visit = rounds + 1};
  all.fiber.start_below(slot_of(stack), block->low(), &play, &all);
  all.fiber.use_thread_pointer(block->thread_pointer());
  const attempt taken = switch_to_and_fro(all, rounds);
  context::free_tls_block(*block);
  return taken;
}

attempt yield_between(const cede_kind& what, int cpu, std::uint64_t rounds) {
  std::atomic<int> there{0};
  std::atomic<int> last{-1};
  std::atomic<std::uint64_t> yields{0};
  std::atomic<std::uint64_t> handovers{0};
  const auto side = [&](int me) {
    return [&, me] {
      ++there;
      while (there < 2) this_fiber::yield();
      std::uint64_t changes = 0;
      std::uint64_t done = 0;
      for (; done < rounds; ++done) {
        this_fiber::yield();
        // Relaxed: a count, which orders nothing.
        if (last.load(std::memory_order_relaxed) == me) continue;
        last.store(me, std::memory_order_relaxed);
        ++changes;
      }
      yields += done;
      handovers += changes;
    };
  };
  const auto elapsed = run_on_one_cpu(what, cpu, {.left = side(0), .right = side(1)});
  if (!elapsed) return std::unexpected(elapsed.error());
  require_count("yields", yields, 2 * rounds);
  if (handovers < rounds / 16) return std::unexpected("a yield does not make the other one run");
  return timing{*elapsed, handovers};
}

attempt spawn_and_join(const cede_kind& what, int cpu, std::uint64_t batch, std::uint64_t rounds) {
  const pinned here(cpu);
  std::atomic<std::uint64_t> ran{0};
  std::optional<std::string> obstacle;
  timing taken{.operations = rounds * batch};
  const int code = run({.workers = 1, .signals = stop_signals::left_alone}, [&] {
    std::vector<fiber> all(batch);
    const auto begin = steady::now();
    for (std::uint64_t round = 0; round < rounds && !obstacle; ++round) {
      for (fiber& one : all) {
        auto spawned = spawn(what.what, what.how, [&ran] { ++ran; });
        if (!spawned) {
          obstacle = cannot_spawn(what, spawned.error());
          break;
        }
        one = std::move(*spawned);
      }
      for (fiber& one : all)
        if (one.joinable()) static_cast<void>(one.join());
    }
    taken.elapsed = steady::now() - begin;
  });
  if (code != 0) return std::unexpected("no runtime could be started");
  if (obstacle) return std::unexpected(*obstacle);
  require_count("bodies that ran", ran, taken.operations);
  return taken;
}

attempt wake_between(const cede_kind& what, cpu_pair cpus, std::uint64_t rounds) {
  semaphore ping(0);
  semaphore pong(0);
  std::uint64_t there = 0;
  std::uint64_t back = 0;
  const two_sides sides{.left =
                            [&] {
                              for (std::uint64_t i = 0; i < rounds; ++i) {
                                ping.release();
                                if (pong.acquire()) ++back;
                              }
                            },
                        .right =
                            [&] {
                              for (std::uint64_t i = 0; i < rounds; ++i) {
                                if (ping.acquire()) ++there;
                                pong.release();
                              }
                            }};
  const auto elapsed = run_sides(what, cpus, sides);
  if (!elapsed) return std::unexpected(elapsed.error());
  require_count("wake-ups there", there, rounds);
  require_count("wake-ups back", back, rounds);
  return timing{*elapsed, 2 * rounds};
}

}  // namespace cede::measure::bare
