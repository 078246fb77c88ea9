#include "measure/compare/accounting.hpp"

#include <gtest/gtest.h>

namespace cede::measure::compare {
namespace {

constexpr std::uint64_t stack = 16384;

memory_look look(std::uint64_t connections, std::uint64_t user, std::uint64_t slab) {
  return {.process = {.user_bytes = 5'000'000 + connections * user,
                      .page_table_bytes = 90'000 + connections * 130,
                      .threads = 1 + connections},
          .slabs = {.sockets = 1000, .others = 7'000'000 + connections * slab, .by_cache = true}};
}

memory_sample thread_server() {
  return {.first = 100,
          .connections = 1100,
          .few = look(100, 4000, 7200),
          .idle = look(1100, 4000, 7200),
          .after_messages = look(1100, 8000, 7200)};
}

constexpr bare_connections bare{
    .connections = 1000, .growth = {.sockets = 7'600'000, .others = 200'000, .by_cache = true}};

TEST(Accounting, fixed_costs_do_not_count) {
  const owner_bytes bytes = idle_bytes(thread_server(), prices_from(bare, stack));
  EXPECT_DOUBLE_EQ(bytes.user, 4000);
  EXPECT_DOUBLE_EQ(bytes.page_tables, 130);
  EXPECT_DOUBLE_EQ(bytes.kernel_stack, 16384);
}

TEST(Accounting, the_clients_part_of_the_kernel_is_taken_off) {
  const owner_bytes bytes = idle_bytes(thread_server(), prices_from(bare, stack));
  EXPECT_DOUBLE_EQ(bytes.slab, 7000);
  EXPECT_DOUBLE_EQ(bytes.socket, 3800);
}

TEST(Accounting, the_total_is_the_sum_of_the_owners) {
  const owner_bytes bytes = idle_bytes(thread_server(), prices_from(bare, stack));
  EXPECT_DOUBLE_EQ(bytes.total(), 4000 + 130 + 16384 + 7000 + 3800);
}

TEST(Accounting, messages_are_charged_to_all_connections_that_had_one) {
  const owner_bytes bytes = bytes_after_messages(thread_server(), prices_from(bare, stack));
  EXPECT_DOUBLE_EQ(bytes.user, 8000);
  EXPECT_DOUBLE_EQ(bytes.slab, 7000);
}

TEST(Accounting, memory_that_is_given_back_shows) {
  memory_sample sample = thread_server();
  sample.after_messages = look(1100, 3000, 7200);
  EXPECT_DOUBLE_EQ(bytes_after_messages(sample, prices_from(bare, stack)).user, 3000);
}

TEST(Accounting, without_slabinfo_all_slabs_are_shared_out) {
  const bare_connections all{.connections = 1000, .growth = {.others = 8'000'000}};
  const kernel_prices prices = prices_from(all, stack);
  EXPECT_DOUBLE_EQ(prices.socket, 4000);
  EXPECT_DOUBLE_EQ(prices.others, 8000);
}

TEST(Accounting, a_single_connection_is_no_division_by_zero) {
  const memory_sample sample{.first = 1, .connections = 1};
  EXPECT_DOUBLE_EQ(idle_bytes(sample, prices_from({}, stack)).user, 0);
}

}  // namespace
}  // namespace cede::measure::compare
