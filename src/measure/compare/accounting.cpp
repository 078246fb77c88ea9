#include "measure/compare/accounting.hpp"

namespace cede::measure::compare {
namespace {

double growth(std::uint64_t before, std::uint64_t after, std::uint64_t connections) {
  if (connections == 0) return 0;
  return (static_cast<double>(after) - static_cast<double>(before)) /
         static_cast<double>(connections);
}

owner_bytes growth(const memory_look& before, const memory_look& after, std::uint64_t connections,
                   std::uint64_t thread_stack) {
  const process_memory& was = before.process;
  const process_memory& is = after.process;
  return {
      .user = growth(was.user_bytes, is.user_bytes, connections),
      .page_tables = growth(was.page_table_bytes, is.page_table_bytes, connections),
      .kernel_stack = growth(was.threads * thread_stack, is.threads * thread_stack, connections),
      .slab = growth(before.slabs.others, after.slabs.others, connections)};
}

}  // namespace

// Where /proc/slabinfo may not be read, all slabs are in `others`, sockets of both ends too.
kernel_prices prices_from(const bare_connections& bare, std::uint64_t thread_stack) {
  const double others = growth(0, bare.growth.others, bare.connections);
  const double both_ends =
      bare.growth.by_cache ? growth(0, bare.growth.sockets, bare.connections) : others;
  return {.socket = both_ends / 2, .others = others, .thread_stack = thread_stack};
}

owner_bytes idle_bytes(const memory_sample& sample, const kernel_prices& prices) {
  owner_bytes bytes =
      growth(sample.few, sample.idle, sample.connections - sample.first, prices.thread_stack);
  bytes.slab -= prices.others;
  bytes.socket = prices.socket;
  return bytes;
}

owner_bytes bytes_after_messages(const memory_sample& sample, const kernel_prices& prices) {
  owner_bytes bytes = idle_bytes(sample, prices);
  const owner_bytes more =
      growth(sample.idle, sample.after_messages, sample.connections, prices.thread_stack);
  bytes.user += more.user;
  bytes.page_tables += more.page_tables;
  bytes.kernel_stack += more.kernel_stack;
  bytes.slab += more.slab;
  return bytes;
}

}  // namespace cede::measure::compare
