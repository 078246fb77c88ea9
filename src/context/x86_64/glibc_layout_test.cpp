// Every probe is made to fail once: the answer must be a line that names it, never a guess.
#include "context/x86_64/glibc_layout.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "context/tls_test_fiber.hpp"
#include "context/x86_64/exit_duties.hpp"

namespace {

using namespace cede::context;
using ::testing::HasSubstr;

const char* missing = nullptr;

void* all_but_missing(const char* name) {
  return std::strcmp(name, missing) == 0 ? nullptr : find_in_process(name);
}

// A true picture of this process, to be spoilt.
class glibc_layout_test : public ::testing::Test {
 protected:
  void SetUp() override {
    CEDE_SKIP_WITHOUT_OWN_TLS();
    symbols_ = find_glibc_symbols(&find_in_process).value();
    newborn_ = observe_newborn_thread(symbols_).value();
    const auto real = code_around(reinterpret_cast<const void*>(symbols_.call_tls_dtors));
    copy_.assign(real.bytes.begin(), real.bytes.end());
    code_ = {real.base, copy_};
    layout_ = deduce_layout(symbols_, newborn_, code_).value();
  }

  std::string complaint() const {
    const auto layout = deduce_layout(symbols_, newborn_, code_);
    return layout ? "no complaint" : layout.error();
  }
  std::uint64_t& word(std::size_t offset) { return newborn_.words[offset / 8]; }
  std::byte& code_byte(std::uintptr_t address) { return copy_[address - code_.base]; }

  // Spoils one word of the newborn's control block.
  std::string complaint_with(std::size_t offset, std::uint64_t value) {
    const auto before = std::exchange(word(offset), value);
    auto text = complaint();
    word(offset) = before;
    return text;
  }
  // Lets a description for debuggers lie about one field.
  std::string complaint_with(const field_place* glibc_symbols::* which, field_place lie) {
    const auto before = std::exchange(symbols_.*which, &lie);
    auto text = complaint();
    symbols_.*which = before;
    return text;
  }

  glibc_symbols symbols_;
  newborn_thread newborn_;
  std::vector<std::byte> copy_;
  code_bytes code_;
  glibc_layout layout_;
};

TEST_F(glibc_layout_test, each_missing_name_is_reported_by_name) {
  for (const char* name : glibc_symbol_names) {
    missing = name;
    const auto symbols = find_glibc_symbols(&all_but_missing);
    ASSERT_FALSE(symbols) << name;
    EXPECT_THAT(symbols.error(), HasSubstr(name));
  }
}

TEST_F(glibc_layout_test, a_control_block_of_impossible_size_is_refused_before_it_is_read) {
  for (const std::uint32_t size : {0U, 1023U, 1025U, 1U << 20}) {
    symbols_.sizeof_pthread = &size;
    const auto newborn = observe_newborn_thread(symbols_);
    ASSERT_FALSE(newborn) << size;
    EXPECT_THAT(newborn.error(), HasSubstr("_thread_db_sizeof_pthread"));
  }
}

TEST_F(glibc_layout_test, an_impossible_static_size_is_refused) {
  symbols_.get_tls_static_info = [](std::size_t* size, std::size_t* alignment) {
    *size = 1;
    *alignment = 64;
  };
  EXPECT_THAT(complaint(), HasSubstr("_dl_get_tls_static_info"));
  symbols_.get_tls_static_info = [](std::size_t* size, std::size_t* alignment) {
    *size = 4224;
    *alignment = 48;
  };
  EXPECT_THAT(complaint(), HasSubstr("_dl_get_tls_static_info"));
}

TEST_F(glibc_layout_test, a_control_block_elsewhere_than_at_the_top_is_refused) {
  newborn_.stack_bytes += 4096;
  EXPECT_THAT(complaint(), HasSubstr("top of its stack"));
}

TEST_F(glibc_layout_test, each_field_of_the_header_is_checked) {
  EXPECT_THAT(complaint_with(0x00, 1), HasSubstr("its own address"));
  EXPECT_THAT(complaint_with(0x10, 1), HasSubstr("its own address"));
  EXPECT_THAT(complaint_with(0x08, 0), HasSubstr("_thread_db_pthread_dtvp"));
  EXPECT_THAT(complaint_with(0x18, 0), HasSubstr("multiple_threads"));
  EXPECT_THAT(complaint_with(0x28, word(0x28) + 1), HasSubstr("stack guard"));
  EXPECT_THAT(complaint_with(0x30, word(0x30) + 1), HasSubstr("pointer guard"));
  EXPECT_THAT(complaint_with(0x48, word(0x48) + 1), HasSubstr("control-flow features"));
}

TEST_F(glibc_layout_test, each_described_field_is_checked_against_the_newborn) {
  EXPECT_THAT(complaint_with(layout_.list, 0), HasSubstr("_thread_db_pthread_list"));
  EXPECT_THAT(complaint_with(layout_.tid & ~std::size_t{7}, ~std::uint64_t{0}),
              HasSubstr("_thread_db_pthread_tid"));
  EXPECT_THAT(complaint_with(layout_.flags & ~std::size_t{7}, 0), HasSubstr("flags"));
  EXPECT_THAT(complaint_with(layout_.cleanup_buffer, 8), HasSubstr("cleanup_jmp_buf"));
  EXPECT_THAT(complaint_with(layout_.specific, 0), HasSubstr("_thread_db_pthread_specific"));
  EXPECT_THAT(complaint_with(layout_.user_stack & ~std::size_t{7}, 0), HasSubstr("user_stack"));
}

TEST_F(glibc_layout_test, a_description_that_lies_is_noticed) {
  using s = glibc_symbols;
  EXPECT_THAT(complaint_with(&s::dtv, {64, 1, 16}), HasSubstr("_thread_db_pthread_dtvp"));
  EXPECT_THAT(complaint_with(&s::list, {64, 1, 704}), HasSubstr("_thread_db_pthread_list"));
  EXPECT_THAT(complaint_with(&s::tid, {32, 1, 1U << 30}), HasSubstr("_thread_db_pthread_tid"));
  EXPECT_THAT(complaint_with(&s::cancel_handling, {32, 2, 776}),
              HasSubstr("_thread_db_pthread_cancelhandling"));
  EXPECT_THAT(complaint_with(&s::specific, {1024, 1, 1296}),
              HasSubstr("_thread_db_pthread_specific"));
  EXPECT_THAT(complaint_with(&s::report_events, {32, 1, 1553}),
              HasSubstr("_thread_db_pthread_report_events"));
  EXPECT_THAT(complaint_with(&s::start_routine, {64, 1, 1U << 20}),
              HasSubstr("_thread_db_pthread_start_routine"));
  EXPECT_THAT(complaint_with(&s::sched_policy, {64, 1, 1588}),
              HasSubstr("_thread_db_pthread_schedpolicy"));
  // Nothing in the newborn tells of these; but a wrong place leaves a word unexplained.
  EXPECT_THAT(complaint_with(&s::start_routine, {64, 1, 1024}), HasSubstr("unknown field"));
}

TEST_F(glibc_layout_test, the_robust_list_is_checked) {
  EXPECT_THAT(complaint_with(layout_.robust_head, 0), HasSubstr("robust list"));
  EXPECT_THAT(complaint_with(layout_.robust_head - 8, 0), HasSubstr("robust list"));
  EXPECT_THAT(complaint_with(layout_.robust_head + 8, 32), HasSubstr("robust list"));
  EXPECT_THAT(complaint_with(layout_.robust_head + 16, 1), HasSubstr("robust list"));
  newborn_.robust_head = 0;
  EXPECT_THAT(complaint(), HasSubstr("get_robust_list"));
}

TEST_F(glibc_layout_test, what_is_found_by_scanning_must_be_found_once) {
  EXPECT_THAT(complaint_with(layout_.stack_block, 0), HasSubstr("stack is not described once"));
  const auto spare = layout_.stack_block - 32;  // two words that are zero
  word(spare) = newborn_.stack_low;
  word(spare + 8) = newborn_.stack_bytes;
  EXPECT_THAT(complaint(), HasSubstr("stack is not described once"));
  word(spare) = word(spare + 8) = 0;
  newborn_.join_id_at = 0;
  EXPECT_THAT(complaint(), HasSubstr("pthread_detach"));
}

TEST_F(glibc_layout_test, the_resolvers_state_must_lie_in_the_block) {
  const auto before = std::exchange(newborn_.resolver_state, newborn_.thread_pointer - 8);
  EXPECT_THAT(complaint(), HasSubstr("__res_state"));
  newborn_.resolver_state = before;
  newborn_.resolver_pointer = 0;
  EXPECT_THAT(complaint(), HasSubstr("__resp"));
  newborn_.resolver_pointer = newborn_.thread_pointer + (std::uintptr_t{1} << 20);
  EXPECT_THAT(complaint(), HasSubstr("__resp"));
}

TEST_F(glibc_layout_test, the_rseq_area_must_lie_in_the_block) {
  for (const std::ptrdiff_t offset : {std::ptrdiff_t{-100000}, std::ptrdiff_t{100000}}) {
    symbols_.rseq_offset = &offset;
    EXPECT_THAT(complaint(), HasSubstr("__rseq_offset"));
  }
}

TEST_F(glibc_layout_test, a_word_that_nobody_can_account_for_is_an_unknown_glibc) {
  const auto unknown = (layout_.resolver_state + 64) & ~std::size_t{7};
  ASSERT_EQ(word(unknown), 0U);
  EXPECT_THAT(complaint_with(unknown, 1), HasSubstr("unknown field"));
}

TEST_F(glibc_layout_test, a_start_routine_that_glibc_did_not_call_is_refused) {
  newborn_.returns_to = reinterpret_cast<std::uintptr_t>(&all_but_missing);
  EXPECT_THAT(complaint(), HasSubstr("interposed"));
  code_ = {};
  EXPECT_THAT(complaint(), HasSubstr("interposed"));
}

TEST_F(glibc_layout_test, the_calls_at_a_threads_end_are_recognised_or_refused) {
  ASSERT_EQ(layout_.exit_duty_count, 3U);
  const auto dtors = reinterpret_cast<std::uintptr_t>(symbols_.call_tls_dtors);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(layout_.exit_duties[0]), dtors);

  // Nothing but one-byte no-operations where the start routine returns to.
  std::vector<std::byte> before = copy_;
  for (int i = 0; i < 64; ++i) code_byte(newborn_.returns_to + i) = std::byte{0x90};
  EXPECT_THAT(complaint(), HasSubstr("does not call __call_tls_dtors"));
  copy_ = before;
  code_.bytes = copy_;

  const auto tsd = reinterpret_cast<std::uintptr_t>(layout_.exit_duties[1]);
  for (int i = 0; i < 64; ++i) code_byte(tsd + i) = std::byte{0x90};
  EXPECT_THAT(complaint(), HasSubstr("__nptl_deallocate_tsd"));
}

TEST_F(glibc_layout_test, another_number_of_calls_at_a_threads_end_is_refused) {
  // Find the row of calls again: it ends right before the first byte that is no call.
  const auto freeres = reinterpret_cast<std::uintptr_t>(layout_.exit_duties[2]);
  for (std::size_t i = 0; i + 5 <= copy_.size(); ++i) {
    std::int32_t distance;
    std::memcpy(&distance, &copy_[i + 1], 4);
    if (copy_[i] == std::byte{0xe8} &&
        code_.base + i + 5 + static_cast<std::uintptr_t>(std::intptr_t{distance}) == freeres)
      copy_[i] = std::byte{0x90};
  }
  EXPECT_THAT(complaint(), HasSubstr("three calls in a row"));
}

TEST_F(glibc_layout_test, no_truncated_code_is_read_past_its_end) {
  // Each cut leaves the search at the edge at another byte; ASan or valgrind would see an overrun.
  const auto at = newborn_.returns_to - code_.base;
  for (std::size_t length = at; length < at + 48; ++length) {
    std::vector<std::byte> cut(copy_.begin(), copy_.begin() + static_cast<std::ptrdiff_t>(length));
    glibc_layout layout = layout_;
    const auto found = find_exit_duties(symbols_, newborn_, {code_.base, cut}, layout);
    EXPECT_FALSE(found && layout.exit_duties != layout_.exit_duties) << length;
  }
}

}  // namespace
