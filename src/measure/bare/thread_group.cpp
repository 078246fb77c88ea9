// Actors: the thread that calls run_threads, and the parts. Each part's span is its own until it
// has been joined. `gate_` is written by the caller alone, once.
#include "measure/bare/thread_group.hpp"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <system_error>

namespace cede::measure::bare {
namespace {

enum class gate : int { shut, open, gone };

class group {
 public:
  group(const thread_kind& what, const std::vector<thread_part>& parts) : what_(what) {
    for (const thread_part& part : parts) members_.push_back({.owner = this, .part = &part});
  }

  int run() {
    int error_number = 0;
    for (member& one : members_) {
      const thread_attributes how(what_, one.part->cpu);
      error_number = ::pthread_create(&one.thread, how.get(), &enter, &one);
      if (error_number != 0) break;
      one.started = true;
    }
    gate_.store(error_number == 0 ? gate::open : gate::gone);
    gate_.notify_all();
    for (member& one : members_)
      if (one.started) ::pthread_join(one.thread, nullptr);
    return error_number;
  }

  nanoseconds elapsed() const {
    return std::ranges::max(members_, {}, &member::end).end -
           std::ranges::min(members_, {}, &member::begin).begin;
  }

 private:
  struct member {
    group* owner;
    const thread_part* part;
    pthread_t thread{};
    bool started = false;
    steady::time_point begin{};
    steady::time_point end{};
  };

  static void* enter(void* argument) {
    auto& self = *static_cast<member*>(argument);
    self.owner->gate_.wait(gate::shut);
    if (self.owner->gate_.load() == gate::gone) return nullptr;
    self.begin = steady::now();
    self.part->body();
    self.end = steady::now();
    return nullptr;
  }

  const thread_kind& what_;
  std::atomic<gate> gate_{gate::shut};
  std::vector<member> members_;
};

}  // namespace

std::expected<nanoseconds, std::string> run_threads(const thread_kind& what,
                                                    const std::vector<thread_part>& parts) {
  group all(what, parts);
  if (const int error_number = all.run(); error_number != 0)
    return std::unexpected(cannot_create(error_number));
  return all.elapsed();
}

thread_attributes::thread_attributes(const thread_kind& what, int cpu) {
  ::pthread_attr_init(&attributes_);
  ::pthread_attr_setinheritsched(&attributes_, PTHREAD_EXPLICIT_SCHED);
  ::pthread_attr_setschedpolicy(&attributes_, what.policy);
  const sched_param priority{.sched_priority = what.priority};
  ::pthread_attr_setschedparam(&attributes_, &priority);
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(cpu, &only);
  ::pthread_attr_setaffinity_np(&attributes_, sizeof only, &only);
}

thread_attributes::~thread_attributes() { ::pthread_attr_destroy(&attributes_); }

std::string cannot_create(int error_number) {
  if (error_number == EPERM)
    return "SCHED_FIFO is not permitted: it needs root, CAP_SYS_NICE or 'ulimit -r 1'";
  return fmt::format("no thread could be created: {}",
                     std::system_category().message(error_number));
}

}  // namespace cede::measure::bare
