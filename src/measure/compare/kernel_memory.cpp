#include "measure/compare/kernel_memory.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <span>
#include <string_view>
#include <thread>

#include "measure/compare/proc_file.hpp"
#include "measure/load/proc_fields.hpp"

namespace cede::measure::compare {
namespace {

constexpr std::uint64_t kib = 1024;

// Caches of these names, and of names that continue them.
constexpr std::array<std::string_view, 7> of_sockets = {
    "TCP", "tcp_bind", "request_sock_TCP", "sock_inode_cache", "skbuff", "filp", "lsm_file"};
constexpr std::array<std::string_view, 18> of_others = {
    "eventpoll",   "ep_head",    "io_kiocb", "task_struct", "task_delay", "signal_cache",
    "sighand",     "sigqueue",   "fs_cache", "files_cache", "pid",        "cred",
    "vm_area_str", "maple_node", "anon_vma", "vmap_area",   "mm_struct",  "kmalloc"};

bool belongs(std::string_view name, std::span<const std::string_view> starts) {
  return std::ranges::any_of(starts,
                             [name](std::string_view start) { return name.starts_with(start); });
}

const slab_cache* find(const std::vector<slab_cache>& caches, std::string_view name) {
  const auto found = std::ranges::find(caches, name, &slab_cache::name);
  return found == caches.end() ? nullptr : &*found;
}

}  // namespace

slab_bytes of_processes(const std::vector<slab_cache>& caches) {
  slab_bytes sum{.by_cache = true};
  for (const slab_cache& cache : caches) {
    const std::uint64_t bytes = cache.objects * cache.object_bytes;
    if (belongs(cache.name, of_sockets)) sum.sockets += bytes;
    if (belongs(cache.name, of_others)) sum.others += bytes;
  }
  // A socket has a directory entry and a security label too. Those caches are everybody's, so each
  // socket counts one object of both, whatever the caches say.
  if (const slab_cache* const sockets = find(caches, "sock_inode_cache"))
    for (const std::string_view name : {"dentry", "lsm_inode_cache"})
      if (const slab_cache* const other = find(caches, name))
        sum.sockets += sockets->objects * other->object_bytes;
  return sum;
}

outcome<slab_bytes> sample_slabs() {
  if (const auto text = read_file("/proc/slabinfo"))
    if (const auto caches = slab_caches_of(*text)) return of_processes(*caches);
  const auto meminfo = read_file("/proc/meminfo");
  if (!meminfo) return std::unexpected(meminfo.error());
  const auto slab = load::proc_field(*meminfo, "Slab");
  if (!slab) return fail("/proc/meminfo does not tell Slab");
  return slab_bytes{.others = *slab * kib};
}

outcome<slab_bytes> sample_slabs_at_rest() {
  using namespace std::chrono_literals;
  constexpr auto between_looks = 20ms;
  constexpr int enough = 3;  // looks that are not lower; grace periods take some 20 ms
  const auto end = std::chrono::steady_clock::now() + 1s;
  auto last = sample_slabs();
  for (int steady = 0; last && steady < enough && std::chrono::steady_clock::now() < end;) {
    std::this_thread::sleep_for(between_looks);
    const auto now = sample_slabs();
    if (!now) return now;
    const bool falls = now->sockets < last->sockets || now->others < last->others;
    steady = falls ? 0 : steady + 1;
    last = now;
  }
  return last;
}

// All stacks have one size, a power of two. Stacks of threads that are just ending, or kept for the
// next, make the quotient a little larger than that.
std::uint64_t stack_bytes(std::uint64_t all_stacks, std::uint64_t all_threads) {
  const std::uint64_t each = all_stacks / std::max<std::uint64_t>(all_threads, 1);
  const std::uint64_t below = std::bit_floor(std::max<std::uint64_t>(each, 1));
  return each - below < below / 2 ? below : below * 2;
}

outcome<std::uint64_t> kernel_stack_bytes() {
  const auto meminfo = read_file("/proc/meminfo");
  if (!meminfo) return std::unexpected(meminfo.error());
  const auto loadavg = read_file("/proc/loadavg");
  if (!loadavg) return std::unexpected(loadavg.error());
  const auto stacks = load::proc_field(*meminfo, "KernelStack");
  const auto load = load_of(*loadavg);
  if (!stacks || !load) return fail("/proc does not tell KernelStack and the number of threads");
  return stack_bytes(*stacks * kib, load->threads);
}

}  // namespace cede::measure::compare
