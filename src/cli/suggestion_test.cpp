#include "cli/suggestion.hpp"

#include <gtest/gtest.h>

#include <array>

namespace cede::cli {
namespace {

constexpr std::array<std::string_view, 3> reactors{"auto", "epoll", "io_uring"};

TEST(suggestion, a_slip_of_the_pen_finds_its_word) {
  EXPECT_EQ(closest("epol", reactors), "epoll");
  EXPECT_EQ(closest("io-uring", reactors), "io_uring");
  EXPECT_EQ(closest("aut", reactors), "auto");
}

TEST(suggestion, a_word_of_another_kind_finds_none) {
  EXPECT_EQ(closest("kqueue", reactors), std::nullopt);
  EXPECT_EQ(closest("", reactors), std::nullopt);
  EXPECT_EQ(closest("epoll", {}), std::nullopt);
}

TEST(suggestion, a_very_long_text_finds_none) {
  EXPECT_EQ(closest(std::string(100'000, 'e'), reactors), std::nullopt);
}

TEST(suggestion, the_near_word_is_offered_else_all_are) {
  EXPECT_EQ(suggest("epol", reactors), "did you mean 'epoll'?");
  EXPECT_EQ(suggest("kqueue", reactors), "use one of: auto, epoll, io_uring");
  EXPECT_EQ(suggest("kqueue", std::span(reactors).first(1)), "use auto");
}

}  // namespace
}  // namespace cede::cli
