#include "measure/load/endpoint.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>

namespace cede::measure::load {
namespace {

std::string source_text(const char* host, std::uint32_t index) {
  const auto target = resolve(host, 7000);
  EXPECT_TRUE(target.has_value());
  const auto source = source_address(*target, index);
  if (!source) return "kernel's choice";
  char text[INET_ADDRSTRLEN];
  return inet_ntop(AF_INET, &*source, text, sizeof text);
}

TEST(endpoint, names_the_address_and_the_port) {
  EXPECT_EQ(resolve("127.0.0.1", 7000)->text, "127.0.0.1:7000");
  EXPECT_EQ(resolve("::1", 80)->text, "[::1]:80");
}

TEST(endpoint, a_bad_host_is_named_in_the_failure) {
  const auto target = resolve("127.0.0.999", 7000);
  ASSERT_FALSE(target.has_value());
  EXPECT_NE(target.error().line.find("127.0.0.999"), std::string::npos);
}

TEST(endpoint, few_connections_leave_the_source_to_the_kernel) {
  EXPECT_EQ(source_text("127.0.0.1", 0), "kernel's choice");
  EXPECT_EQ(source_text("127.0.0.1", 9'999), "kernel's choice");
}

TEST(endpoint, more_connections_than_ports_go_out_from_further_loopback_addresses) {
  EXPECT_EQ(source_text("127.0.0.1", 10'000), "127.1.0.1");
  EXPECT_EQ(source_text("127.0.0.1", 20'000), "127.1.0.2");
}

TEST(endpoint, a_target_that_is_not_ipv4_loopback_gets_no_source) {
  EXPECT_EQ(source_text("::1", 50'000), "kernel's choice");
  EXPECT_EQ(source_text("10.1.2.3", 50'000), "kernel's choice");
}

}  // namespace
}  // namespace cede::measure::load
