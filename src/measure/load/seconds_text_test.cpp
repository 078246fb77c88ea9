#include "measure/load/seconds_text.hpp"

#include <gtest/gtest.h>

namespace cede::measure::load {
namespace {

using namespace std::chrono_literals;

TEST(seconds_text, has_no_needless_digits) {
  EXPECT_EQ(seconds_text(10s), "10 s");
  EXPECT_EQ(seconds_text(250ms), "0.25 s");
}

}  // namespace
}  // namespace cede::measure::load
