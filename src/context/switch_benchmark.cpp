// Question: what does one switch between two stacks cost, floating-point control included?
// Metric: ns one way (an iteration is there and back, so two). Refuted if above 2.5 ns or above
// half of Boost.Context's jump_fcontext, which does the same job, in the same interleaved run.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "context/continuation.hpp"
#include "context/fiber_context.hpp"

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
