// Everything that one run of `cede compare` has found: what report.json holds and what the table
// and the page are made of.
//
// Plain values, filled in by the experiments. A figure that is left as it is says "not measured".
// Units are those that the comments name, everywhere: the reports scale them for people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "measure/report/figure.hpp"

namespace cede::measure::report {

/// Goes up when a reader of the last one would misunderstand what is written now.
inline constexpr int schema_version = 1;

struct named_text {
  std::string name = {};
  std::string value = {};
  friend bool operator==(const named_text&, const named_text&) = default;
};

/// What the figures depend on besides cede.
struct machine_facts {
  std::string cpu_model = {};
  unsigned cpus = 0;         ///< that this process may use
  unsigned cpus_online = 0;  ///< that the machine has
  std::uint64_t memory_bytes = 0;
  std::uint64_t page_bytes = 0;
  std::uint64_t l1d_bytes = 0;  ///< of one core; 0: not known, as the next two
  std::uint64_t l2_bytes = 0;
  std::uint64_t l3_bytes = 0;
  std::string kernel = {};        ///< "Linux 6.18.44"
  std::string libc = {};          ///< "glibc 2.36"
  std::string compiler = {};      ///< what built the program, and how: "g++ 12.2.0 -O2"
  std::string cede_version = {};  ///< "0.1.0"
  std::string date = {};          ///< UTC, ISO 8601: "2026-11-25T01:30:00Z"
  /// Limits and settings that matter: open files, threads, vm.max_map_count, governor, ...
  std::vector<named_text> limits = {};
  friend bool operator==(const machine_facts&, const machine_facts&) = default;
};

/// What was asked for.
struct run_plan {
  std::string command = {};  ///< as a user would type it to repeat the run
  bool quick = false;
  std::vector<std::uint64_t> connections = {};
  double seconds = 0;    ///< of one measurement under load
  unsigned repeats = 0;  ///< interleaved, of each measurement
  unsigned workers = 0;  ///< of the server
  unsigned message_bytes = 64;
  std::vector<unsigned> server_cpus = {};
  std::vector<unsigned> client_cpus = {};
  friend bool operator==(const run_plan&, const run_plan&) = default;
};

/// Who pays for an idle connection; bytes a connection, above the server without connections.
/// The owners do not overlap: their sum is the total.
struct memory_by_owner {
  figure user = {};          ///< PSS of the process
  figure page_tables = {};   ///< VmPTE
  figure kernel_stack = {};  ///< of threads
  figure slab = {};          ///< other kernel objects: task_struct, VMAs, epoll items, ...
  figure socket = {};        ///< the kernel's end of the connection, server side
  figure total = {};
  friend bool operator==(const memory_by_owner&, const memory_by_owner&) = default;
};

/// A short time under load, one of many in which the servers took turns.
struct turn_point {
  unsigned round = 0;  ///< of the run; the turns of a round stand in their order
  double messages_per_second = 0;
  double server_cpu = 0;  ///< us a message
  /// Others had the CPU meanwhile: it does not count.
  bool disturbed = false;
  friend bool operator==(const turn_point&, const turn_point&) = default;
};

/// One kind of server with so many connections.
struct load_point {
  std::uint64_t connections = 0;
  memory_by_owner idle = {};            ///< after they were opened, nothing sent
  memory_by_owner after_messages = {};  ///< idle again after a message of 4 KiB each
  figure open_time = {};                ///< us a connection, from connect to accepted and running
  figure messages_per_second = {};      ///< messages/s
  figure latency_p50 = {};              ///< us
  figure latency_p99 = {};              ///< us
  figure latency_p999 = {};             ///< us
  figure server_cpu = {};               ///< us a message: user and system time of the server
  // Against the first kind, in turns that followed each other within a second: steadier than what
  // divides two of the figures above.
  figure rate_ratio = {};              ///< times its messages/s
  figure cpu_ratio = {};               ///< times its server_cpu
  std::vector<turn_point> turns = {};  ///< that these and the two figures are made of
  figure voluntary_switches = {};      ///< of the kernel, a message
  figure involuntary_switches = {};    ///< of the kernel, a message
  figure user_switches = {};           ///< between fibers, a message; by the runtime's own count
  // An open loop: messages are due at a fixed rate, the same for all kinds, and their time counts
  // from then. The latencies above are of a closed loop.
  figure paced_rate = {};  ///< messages/s that were answered of those wanted
  figure paced_p50 = {};   ///< us
  figure paced_p99 = {};   ///< us
  figure paced_p999 = {};  ///< us
  friend bool operator==(const load_point&, const load_point&) = default;
};

/// Handlers that never yield among others that do their work, on one worker.
struct hog_outcome {
  unsigned hogs = 1;
  unsigned others = 100;
  figure messages_before = {};  ///< messages/s of the others
  figure messages_during = {};  ///< messages/s of the others
  figure p99_before = {};       ///< us
  figure p99_during = {};       ///< us; of those that were answered
  figure kept = {};             ///< %: messages during, of those before in the same round
  figure starved = {};          ///< connections that waited for 80 % of the hogs' time or more
  figure hog_share = {};        ///< %: what all hogs got of the server's CPU
  friend bool operator==(const hog_outcome&, const hog_outcome&) = default;
};

/// What the length of the time slice changes, for a kind that is preempted: some compute all the
/// time, and short requests come beside them.
struct slice_point {
  double slice = 0;                    ///< us
  figure work_per_second = {};         ///< units/s, of all that compute
  figure latency_p50 = {};             ///< us, of a short request
  figure latency_p99 = {};             ///< us
  figure preemptions_per_second = {};  ///< preemptions/s
  friend bool operator==(const slice_point&, const slice_point&) = default;
};

enum class nature : std::uint8_t {
  fiber,   ///< with a stack of its own, switched in user space
  thread,  ///< switched by the kernel
  task,    ///< without a stack: coroutines
  loop,    ///< an event loop by hand
};

/// One kind of server that was measured: what `cede serve` knows, or a peer.
struct subject {
  std::string name = {};   ///< "cooperative", "os-thread", "os-thread-fifo", "go", ...
  std::string title = {};  ///< "cooperative fibers", "Go", ...
  nature is = nature::fiber;
  std::string version = {};  ///< of a peer: "go1.19.8"; empty for cede's own
  /// Why nothing of it was measured: "SCHED_FIFO is not permitted"; the apt line of a peer.
  std::optional<std::string> missing_because = {};
  std::vector<load_point> at = {};
  figure churn = {};  ///< connections/s: connect, one echo, close
  std::vector<hog_outcome> hogs = {};
  std::vector<slice_point> slices = {};
  friend bool operator==(const subject&, const subject&) = default;
};

/// What the operations cost by themselves, in ns each.
struct bare_costs {
  std::string name = {};  ///< as in subject, or "pthread", "pthread-fifo"
  std::string title = {};
  nature is = nature::fiber;
  std::optional<std::string> missing_because = {};
  figure switch_one_way = {};
  figure yield = {};
  figure spawn_join = {};        ///< one at a time
  figure spawn_join_batch = {};  ///< each, in batches
  figure wake_same_cpu = {};     ///< until the woken one runs, one worker or CPU for both
  figure wake_other_cpu = {};    ///< on another worker or CPU
  friend bool operator==(const bare_costs&, const bare_costs&) = default;
};

struct refill_point {
  std::uint64_t working_set = 0;  ///< bytes that each of the two touches between switches
  figure per_switch = {};         ///< ns a switch, the touching taken off
  figure touch = {};              ///< ns to touch the set without a switch
  friend bool operator==(const refill_point&, const refill_point&) = default;
};

/// Two that alternate on one CPU, each with a working set of its own.
struct refill_curve {
  std::string name = {};
  std::string title = {};
  nature is = nature::fiber;
  std::optional<std::string> missing_because = {};
  std::vector<refill_point> points = {};
  friend bool operator==(const refill_curve&, const refill_curve&) = default;
};

/// Something that the reader must know before believing a figure.
struct warning {
  std::string about = {};  ///< "machine", "client", or the subject's name
  std::string text = {};
  friend bool operator==(const warning&, const warning&) = default;
};

struct results {
  int schema = schema_version;
  machine_facts machine = {};
  run_plan plan = {};
  std::vector<subject> kinds = {};
  std::vector<subject> peers = {};
  std::vector<bare_costs> bare = {};
  std::vector<refill_curve> refill = {};
  std::vector<warning> warnings = {};
  double seconds_taken = 0;
  friend bool operator==(const results&, const results&) = default;
};

}  // namespace cede::measure::report
