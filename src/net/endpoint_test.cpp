#include <gtest/gtest.h>

#include <cede/endpoint.hpp>

#include "net/socket_address.hpp"

namespace cede {
namespace {

TEST(endpoint, is_printed_as_it_is_parsed) {
  for (const char* text : {"127.0.0.1:80", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:7000",
                           "[2001:db8::42]:443", "[::ffff:10.0.0.1]:1", "[fe80::1%1]:9"})
    EXPECT_EQ(endpoint::parse(text).value().to_string(), text);
}

TEST(endpoint, knows_its_parts) {
  const endpoint e = endpoint::parse("[::1]:7000").value();
  EXPECT_TRUE(e.is_v6());
  EXPECT_FALSE(e.is_v4());
  EXPECT_EQ(e.port(), 7000);
  EXPECT_EQ(e.address(), "::1");
  EXPECT_EQ(endpoint().to_string(), "0.0.0.0:0");
}

TEST(endpoint, an_interface_name_becomes_its_number) {
  EXPECT_EQ(endpoint::parse("[fe80::1%lo]:9").value().scope(), 1U);
}

TEST(endpoint, what_is_no_address_with_port_is_refused) {
  for (const char* text :
       {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:8 ",
        "127.0.0.1:+8", "1.2.3:80", "256.0.0.1:80", "localhost:80", "::1:80", "[::1]",
        "[::1]:", "[::1:80", "[127.0.0.1]:80", "[fe80::1%nosuchinterface]:9", "[fe80::1%]:9",
        "[1234567890123456789012345678901234567890123456789]:1"})
    EXPECT_EQ(endpoint::parse(text).error(), errc::invalid_argument) << text;
}

TEST(endpoint, a_zero_byte_does_not_end_an_address) {
  using namespace std::string_view_literals;
  EXPECT_FALSE(endpoint::from_address("127.0.0.1\0.evil"sv, 80));
}

TEST(endpoint, survives_the_way_through_the_kernels_form) {
  for (const char* text : {"127.0.0.1:80", "[2001:db8::42]:443", "[fe80::1%1]:9"}) {
    const endpoint e = endpoint::parse(text).value();
    EXPECT_EQ(net::socket_address(e).to_endpoint(), e);
  }
}

TEST(endpoint, other_families_of_the_kernel_are_refused) {
  const sockaddr unix_address{.sa_family = AF_UNIX, .sa_data = {}};
  EXPECT_EQ(net::endpoint_from(&unix_address).error(), errc::not_supported);
}

TEST(endpoint, can_be_a_key) {
  const endpoint a = endpoint::parse("10.0.0.1:1").value();
  const endpoint b = endpoint::parse("10.0.0.1:2").value();
  EXPECT_LT(a, b);
  EXPECT_EQ(a, endpoint::from_address("10.0.0.1", 1));
}

}  // namespace
}  // namespace cede
