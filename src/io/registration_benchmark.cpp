// Question: what does a descriptor's first wait cost beyond the wait: its registration with the
// kernel, and the end of that?
// Metric: ns for an eventfd that is made, watched and closed, against the bare system calls in the
// same run. Refuted by more than 10 % above these on epoll.
#include <benchmark/benchmark.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cede/reactor_kind.hpp>
#include <memory>

#include "io/choose.hpp"
#include "io/descriptor.hpp"
#include "io/owned_fd.hpp"
#include "io/reactor.hpp"
#include "sched/scheduler.hpp"

namespace {

using namespace cede::io;

void bare_epoll(benchmark::State& state) {
  const owned_fd epoll(epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  for (auto _ : state) {
    const int watched = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, watched, &event) != 0)
      return state.SkipWithError("epoll_ctl failed");
    close(watched);
  }
}
BENCHMARK(bare_epoll)->Name("registration/bare_epoll");

void watch_and_close(benchmark::State& state, reactor& mine) {
  int unseen = 0;
  for (auto _ : state) {
    descriptor* const watched = descriptor::create(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!mine.watch(*watched)) return state.SkipWithError("it cannot be watched");
    mine.unwatch(*watched);
    descriptor::destroy(watched);
    // What the kernel had to say meanwhile is fetched now and then.
    if (++unseen < 64) continue;
    mine.poll(cede::clock::time_point::min());
    unseen = 0;
  }
}

// On this thread, which passes for the worker's: its scheduler never runs.
void through_reactor(benchmark::State& state, cede::reactor_kind kind) {
  auto scheduler = cede::sched::scheduler::create(
      {.workers = 1,
       .make_policy = [](unsigned) { return std::make_unique<cede::sched::fifo_policy>(); },
       .make_poller =
           [](cede::sched::worker& owner) -> cede::result<std::unique_ptr<cede::sched::poller>> {
         return make_reactor(cede::reactor_kind::epoll, owner);
       }});
  if (!scheduler) return state.SkipWithError("no scheduler");
  auto mine = make_reactor(kind, *(*scheduler)->workers().front());
  if (!mine) return state.SkipWithError("this reactor does not work here");
  watch_and_close(state, **mine);
}
BENCHMARK_CAPTURE(through_reactor, epoll, cede::reactor_kind::epoll)->Name("registration/epoll");
BENCHMARK_CAPTURE(through_reactor, io_uring, cede::reactor_kind::io_uring)
    ->Name("registration/io_uring");

}  // namespace
