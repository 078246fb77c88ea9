// Question: what does one switch between two stacks cost, floating-point control included?
// Metric: ns one way (an iteration is there and back, so two). Refuted if above 2.5 ns or above
// half of Boost.Context's jump_fcontext, which does the same job, in the same interleaved run.
#include <benchmark/benchmark.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "context/continuation.hpp"
#include "context/fiber_context.hpp"
#include "context/tls_block.hpp"

#if CEDE_HAVE_BOOST_CONTEXT
#include <boost/context/detail/fcontext.hpp>
#endif

namespace {

namespace context = cede::context;

constexpr std::size_t stack_bytes = 64 * 1024;

struct ping_pong {
  context::continuation main{};
  context::continuation other{};
  std::uint64_t visits = 0;
};

void pong(void* argument) {
  auto& game = *static_cast<ping_pong*>(argument);
  for (;;) {
    ++game.visits;
    context::switch_to(game.other, game.main);
  }
}

void report(benchmark::State& state, std::uint64_t visits) {
  if (visits != static_cast<std::uint64_t>(state.iterations()))
    state.SkipWithError("the other side ran a wrong number of times");
  state.counters["one_way"] = benchmark::Counter(
      2, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void bm_switch_to(benchmark::State& state) {
  auto stack = std::make_unique<std::byte[]>(stack_bytes);
  ping_pong game;
  context::prepare(game.other, stack.get() + stack_bytes, &pong, &game);
  for (auto _ : state) context::switch_to(game.main, game.other);
  report(state, game.visits);
}
BENCHMARK(bm_switch_to);

struct fiber_game {
  context::fiber_context main;
  context::fiber_context fiber;
  std::uint64_t visits = 0;
};

void fiber_pong(void* argument) {
  auto& game = *static_cast<fiber_game*>(argument);
  context::arrived(game.fiber);
  for (;;) {
    ++game.visits;
    context::switch_to(game.fiber, game.main);
  }
}

// With what C++ needs besides: the exceptions in flight.
void bm_fiber_context_switch(benchmark::State& state) {
  auto stack = std::make_unique<std::byte[]>(stack_bytes);
  fiber_game game;
  context::stack_slot slot{.bottom = stack.get(), .top = stack.get() + stack_bytes};
  game.fiber.start_on(slot, &fiber_pong, &game);
  for (auto _ : state) context::switch_to(game.main, game.fiber);
  report(state, game.visits);
  game.fiber.destroy();
}
BENCHMARK(bm_fiber_context_switch);

// To a fiber with a TLS block of its own and back, so the thread pointer changes each time. Refuted
// if above 12 ns.
void bm_own_tls_switch(benchmark::State& state) {
  if (const char* why = context::obstacle_to_own_tls(); why != nullptr)
    return state.SkipWithError(why);
  auto stack = std::make_unique<std::byte[]>(stack_bytes);
  fiber_game game;
  const context::stack_slot slot{.bottom = stack.get(), .top = stack.get() + stack_bytes};
  const auto block = context::make_tls_block(slot).value();
  game.fiber.start_below(slot, block.low(), &fiber_pong, &game);
  game.fiber.use_thread_pointer(block.thread_pointer());
  for (auto _ : state) context::switch_to(game.main, game.fiber);
  report(state, game.visits);
  game.fiber.destroy();
  context::free_tls_block(block);
}
BENCHMARK(bm_own_tls_switch);

// The whole life of a fiber with a block of its own that does nothing; and of one that allocates,
// which makes the C library set up a cache for the thread.
struct life {
  context::fiber_context main;
  context::fiber_context fiber;
  void (*body)(void*);
};

void live(void* argument) {
  auto& all = *static_cast<life*>(argument);
  context::arrived(all.fiber);
  context::run_as_thread(all.body, nullptr);
  context::switch_final(all.fiber, all.main);
}

void bm_own_tls_life(benchmark::State& state, void (*body)(void*)) {
  if (const char* why = context::obstacle_to_own_tls(); why != nullptr)
    return state.SkipWithError(why);
  auto stack = std::make_unique<std::byte[]>(stack_bytes);
  const context::stack_slot slot{.bottom = stack.get(), .top = stack.get() + stack_bytes};
  life all{.main = {}, .fiber = {}, .body = body};
  for (auto _ : state) {
    const auto block = context::make_tls_block(slot).value();
    all.fiber.start_below(slot, block.low(), &live, &all);
    all.fiber.use_thread_pointer(block.thread_pointer());
    context::switch_to(all.main, all.fiber);
    context::free_tls_block(block);
    all.fiber.destroy();
  }
}
BENCHMARK_CAPTURE(bm_own_tls_life, idle, [](void*) {});
BENCHMARK_CAPTURE(bm_own_tls_life, allocating, [](void*) {
  auto memory = std::make_unique<std::byte[]>(100);
  benchmark::DoNotOptimize(memory.get());
});

// For scale: into the kernel and out, where it does next to nothing. A switch between threads is
// that and the scheduler.
void bm_system_call(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(syscall(SYS_getppid));
}
BENCHMARK(bm_system_call);

#if CEDE_HAVE_BOOST_CONTEXT
namespace fcontext = boost::context::detail;

void boost_pong(fcontext::transfer_t transfer) {
  auto& visits = *static_cast<std::uint64_t*>(transfer.data);
  for (;;) {
    ++visits;
    transfer = fcontext::jump_fcontext(transfer.fctx, &visits);
  }
}

void bm_jump_fcontext(benchmark::State& state) {
  auto stack = std::make_unique<std::byte[]>(stack_bytes);
  std::uint64_t visits = 0;
  fcontext::fcontext_t other =
      fcontext::make_fcontext(stack.get() + stack_bytes, stack_bytes, &boost_pong);
  for (auto _ : state) other = fcontext::jump_fcontext(other, &visits).fctx;
  report(state, visits);
}
BENCHMARK(bm_jump_fcontext);
#endif

}  // namespace
