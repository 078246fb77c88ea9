#include "measure/bare/thread_costs.hpp"

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "measure/bare/handover.hpp"
#include "measure/bare/thread_group.hpp"

namespace cede::measure::bare {
namespace {

// A turn as in handover.hpp, by the means of the C++ library.
class monitor {
 public:
  void pass_on(int me) {
    {
      const std::scoped_lock lock(mutex_);
      whose_ = 1 - me;
    }
    changed_.notify_one();
  }
  void wait_for(int me) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return whose_ == me; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int whose_ = 0;
};

// Both play `rounds` times; the counts show that each had its turns.
template <class Turn>
attempt alternate(const thread_kind& what, cpu_pair cpus, std::uint64_t rounds) {
  Turn turn;
  std::uint64_t left = 0;
  std::uint64_t right = 0;
  const auto elapsed = run_threads(what, {{cpus.first,
                                           [&] {
                                             for (; left < rounds; ++left) {
                                               turn.pass_on(0);
                                               turn.wait_for(0);
                                             }
                                           }},
                                          {cpus.second, [&] {
                                             for (; right < rounds; ++right) {
                                               turn.wait_for(1);
                                               turn.pass_on(1);
                                             }
                                           }}});
  if (!elapsed) return std::unexpected(elapsed.error());
  require_count("turns of the left thread", left, rounds);
  require_count("turns of the right thread", right, rounds);
  return timing{*elapsed, 2 * rounds};
}

void* count_one(void* counter) {
  ++*static_cast<std::atomic<std::uint64_t>*>(counter);
  return nullptr;
}

// Returns the errno of pthread_create; all that were created have been joined.
int create_and_join_batch(const thread_attributes& how, std::vector<pthread_t>& threads,
                          std::atomic<std::uint64_t>& ran) {
  std::size_t created = 0;
  int error_number = 0;
  for (; created < threads.size(); ++created) {
    error_number = ::pthread_create(&threads[created], how.get(), &count_one, &ran);
    if (error_number != 0) break;
  }
  for (std::size_t i = 0; i < created; ++i) ::pthread_join(threads[i], nullptr);
  return error_number;
}

}  // namespace

attempt switch_between_threads(const thread_kind& what, int cpu, std::uint64_t rounds) {
  return alternate<turn>(what, {cpu, cpu}, rounds);
}

attempt wake_between_threads(const thread_kind& what, cpu_pair cpus, std::uint64_t rounds) {
  return alternate<monitor>(what, cpus, rounds);
}

attempt yield_between_threads(const thread_kind& what, int cpu, std::uint64_t rounds) {
  std::atomic<int> there{0};
  std::atomic<int> last{-1};
  std::atomic<std::uint64_t> handovers{0};
  const auto side = [&](int me) {
    return [&, me] {
      ++there;
      while (there < 2) ::sched_yield();
      std::uint64_t changes = 0;
      for (std::uint64_t i = 0; i < rounds; ++i) {
        ::sched_yield();
        // Relaxed: a count, which orders nothing.
        if (last.load(std::memory_order_relaxed) == me) continue;
        last.store(me, std::memory_order_relaxed);
        ++changes;
      }
      handovers += changes;
    };
  };
  const auto elapsed = run_threads(what, {{cpu, side(0)}, {cpu, side(1)}});
  if (!elapsed) return std::unexpected(elapsed.error());
  if (handovers < rounds / 16) return std::unexpected("a yield does not make the other one run");
  return timing{*elapsed, handovers};
}

attempt create_and_join(const thread_kind& what, int cpu, std::uint64_t batch,
                        std::uint64_t rounds) {
  std::atomic<std::uint64_t> ran{0};
  int error_number = 0;
  // The creator is of the same kind, or a SCHED_FIFO child would interrupt it at each creation.
  const auto elapsed =
      run_threads(what, {{cpu, [&] {
                            const thread_attributes how(what, cpu);
                            std::vector<pthread_t> threads(batch);
                            for (std::uint64_t i = 0; i < rounds && error_number == 0; ++i)
                              error_number = create_and_join_batch(how, threads, ran);
                          }}});
  if (!elapsed) return std::unexpected(elapsed.error());
  if (error_number != 0) return std::unexpected(cannot_create(error_number));
  require_count("threads that ran", ran, rounds * batch);
  return timing{*elapsed, rounds * batch};
}

}  // namespace cede::measure::bare
