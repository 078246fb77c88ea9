// What is built on any stream, tried on one that hands out its text in pieces of chosen sizes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cede/stream.hpp>
#include <cstring>
#include <deque>
#include <string>

namespace cede {
namespace {

struct script {
  std::deque<std::string> pieces = {};  // what the reads return, one after the other; then the end
  std::error_code end_with = {};        // instead of the end
  std::string written = {};
  std::size_t takes_at_once = 3;
  std::size_t takes_in_all = 1000;
  bool closed = false;
};

class scripted_stream {
 public:
  explicit scripted_stream(script& s) : script_(&s) {}

  result<std::size_t> read_some(std::span<std::byte> buffer, deadline = never) {
    if (buffer.empty()) return 0;
    if (script_->pieces.empty()) {
      if (script_->end_with) return std::unexpected(script_->end_with);
      return 0;
    }
    std::string& piece = script_->pieces.front();
    const std::size_t n = std::min(piece.size(), buffer.size());
    std::memcpy(buffer.data(), piece.data(), n);
    piece.erase(0, n);
    if (piece.empty()) script_->pieces.pop_front();
    return n;
  }

  result<std::size_t> write_some(std::span<const std::byte> bytes, deadline = never) {
    const std::size_t n = std::min(
        {bytes.size(), script_->takes_at_once, script_->takes_in_all - script_->written.size()});
    if (n == 0 && !bytes.empty()) return failure_from(EPIPE);
    script_->written.append(reinterpret_cast<const char*>(bytes.data()), n);
    return n;
  }

  result<> shutdown_write() { return {}; }
  void close() noexcept { script_->closed = true; }

 private:
  script* script_;
};

static_assert(stream<scripted_stream>);
static_assert(stream<any_stream>);
static_assert(stream<any_stream&>);

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(read_exact, puts_the_pieces_together) {
  script s{.pieces = {"kan", "g", "aroos"}};
  scripted_stream in(s);
  std::array<std::byte, 8> buffer;
  ASSERT_TRUE(read_exact(in, buffer));
  EXPECT_EQ(text_of(buffer), "kangaroo");
}

TEST(read_exact, says_at_the_end_how_much_had_come) {
  script s{.pieces = {"llam"}};
  scripted_stream in(s);
  std::array<std::byte, 8> buffer;
  const auto read = read_exact(in, buffer);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error(), errc::end_of_stream);
  EXPECT_EQ(read.error().transferred, 4U);
}

TEST(read_exact, passes_errors_on_with_the_bytes_before_them) {
  script s{.pieces = {"ab", "c"}, .end_with = errc::deadline_exceeded};
  scripted_stream in(s);
  std::array<std::byte, 8> buffer;
  const auto read = read_exact(in, buffer);
  EXPECT_EQ(read.error(), errc::deadline_exceeded);
  EXPECT_EQ(read.error().transferred, 3U);
}

TEST(write_all, goes_on_until_everything_is_taken) {
  script s;
  scripted_stream out(s);
  EXPECT_TRUE(write_all(out, "pass the butter"));
  EXPECT_EQ(s.written, "pass the butter");
  EXPECT_TRUE(write_all(out, ""));
}

TEST(write_all, says_how_much_was_taken_before_the_error) {
  script s{.takes_in_all = 7};
  scripted_stream out(s);
  const auto written = write_all(out, "pass the butter");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error(), std::errc::broken_pipe);
  EXPECT_EQ(written.error().transferred, 7U);
}

TEST(any_stream, passes_every_call_on) {
  script s{.pieces = {"hello"}};
  any_stream any{scripted_stream(s)};
  std::array<std::byte, 5> buffer;
  EXPECT_TRUE(read_exact(any, buffer));
  EXPECT_EQ(text_of(buffer), "hello");
  EXPECT_TRUE(any.write_all("answer"));
  EXPECT_EQ(s.written, "answer");
  EXPECT_TRUE(any.shutdown_write());
  any_stream moved = std::move(any);
  moved.close();
  EXPECT_TRUE(s.closed);
}

TEST(buffered_reader, takes_lines_out_of_pieces_of_any_shape) {
  script s{.pieces = {"GET / HT", "TP/1.1\r", "\nHost: x\r\n\r\nbo", "dy"}};
  scripted_stream in(s);
  buffered_reader reader(in, 4);
  EXPECT_EQ(reader.read_until("\r\n", 100).value(), "GET / HTTP/1.1\r\n");
  EXPECT_EQ(reader.read_until("\r\n", 100).value(), "Host: x\r\n");
  EXPECT_EQ(reader.read_until("\r\n", 100).value(), "\r\n");
  std::array<std::byte, 4> body;
  ASSERT_TRUE(reader.read_exact(body));
  EXPECT_EQ(text_of(body), "body");
}

TEST(buffered_reader, finds_a_delimiter_that_two_reads_divide) {
  script s{.pieces = {"ab\r", "\r\ncd\r\n"}};
  scripted_stream in(s);
  buffered_reader reader(in);
  EXPECT_EQ(reader.read_until("\r\n", 100).value(), "ab\r\r\n");
  EXPECT_EQ(reader.read_until("\r\n", 100).value(), "cd\r\n");
}

TEST(buffered_reader, a_line_longer_than_the_limit_is_an_error_that_loses_nothing) {
  script s{.pieces = {"0123456789\n"}};
  scripted_stream in(s);
  buffered_reader reader(in);
  EXPECT_EQ(reader.read_until("\n", 10).error(), errc::message_too_long);
  EXPECT_EQ(reader.read_until("\n", 11).value(), "0123456789\n");
}

TEST(buffered_reader, the_end_before_the_delimiter_is_an_error_that_loses_nothing) {
  script s{.pieces = {"no newline"}};
  scripted_stream in(s);
  buffered_reader reader(in);
  const auto line = reader.read_until("\n", 100);
  EXPECT_EQ(line.error(), errc::end_of_stream);
  EXPECT_EQ(line.error().transferred, 10U);
  std::array<std::byte, 32> rest;
  EXPECT_EQ(reader.read_some(rest), 10U);
  EXPECT_EQ(text_of(std::span(rest).first(10)), "no newline");
  EXPECT_EQ(reader.read_some(rest), 0U);
}

TEST(buffered_reader, an_exact_read_counts_what_was_read_ahead) {
  script s{.pieces = {"a\nbc"}};
  scripted_stream in(s);
  buffered_reader reader(in);
  EXPECT_EQ(reader.read_until("\n", 10).value(), "a\n");
  std::array<std::byte, 8> buffer;
  const auto read = reader.read_exact(buffer);
  EXPECT_EQ(read.error(), errc::end_of_stream);
  EXPECT_EQ(read.error().transferred, 2U);
}

TEST(transfer_error, is_an_error_code_for_those_who_do_not_count) {
  const std::error_code code = transfer_error(errc::closed, 3);
  EXPECT_EQ(code, errc::closed);
}

}  // namespace
}  // namespace cede
