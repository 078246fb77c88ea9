// Question: what does a descriptor's first wait cost beyond the wait: its registration with the
// kernel, and the end of that?
// Metric: ns for an eventfd that is made, watched and closed, against the bare system calls in the
// same run. Refuted by more than 10 % above these on epoll.
#include <benchmark/benchmark.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cede/runtime.hpp>

#include "io/descriptor.hpp"
#include "io/owned_fd.hpp"
#include "io/reactor.hpp"

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

void watch_and_close(benchmark::State& state) {
  reactor& mine = *reactor::current();
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

void through_reactor(benchmark::State& state, cede::reactor_kind kind) {
  const int code = cede::run({.workers = 1, .reactor = kind}, [&state] { watch_and_close(state); });
  if (code != 0) state.SkipWithError("this reactor does not work here");
}
BENCHMARK_CAPTURE(through_reactor, epoll, cede::reactor_kind::epoll)->Name("registration/epoll");
BENCHMARK_CAPTURE(through_reactor, io_uring, cede::reactor_kind::io_uring)
    ->Name("registration/io_uring");

}  // namespace
