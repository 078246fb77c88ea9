/// \file
/// What all byte streams have in common, and what can be done with any of them.
///
///     cede::read_exact(stream, header, 5s);                 // all of `header`, or an error
///     cede::write_all(stream, "220 ready\r\n");
///     cede::buffered_reader lines(stream);
///     auto line = lines.read_until("\r\n", 8192);           // a view of the line and its end
///
/// One rule for the end: `read_some` gives 0 there; what wanted more bytes (`read_exact`,
/// `read_until`) fails with `errc::end_of_stream` and says how many had come.
#pragma once

#include <cede/deadline.hpp>
#include <cede/error.hpp>
#include <concepts>
#include <cstddef>
#include <expected>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace cede {

/// A byte stream. One fiber or thread may read while another writes; a second reader or writer at
/// the same time aborts with a message.
///   read_some       at least one byte, or 0 at the end; an empty span gives 0 at once.
///                   From call to return the span's contents are unspecified.
///   write_some      at least one byte taken; an empty span gives 0 at once
///   shutdown_write  the peer reads an end; reading goes on
///   close           from any thread; whoever is blocked in a call gets errc::closed
template <class S>
concept stream = requires(S& s, std::span<std::byte> in, std::span<const std::byte> out) {
  { s.read_some(in, never) } -> std::same_as<result<std::size_t>>;
  { s.write_some(out, never) } -> std::same_as<result<std::size_t>>;
  { s.shutdown_write() } -> std::same_as<result<>>;
  { s.close() } noexcept;
};

/// Fills `buffer`.
/// Errors: `end_of_stream`; those of read_some. Each with the bytes that had come: they are at the
/// front of `buffer`.
template <stream S>
[[nodiscard]] std::expected<void, transfer_error> read_exact(S& from, std::span<std::byte> buffer,
                                                             deadline until = never) {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const auto n = from.read_some(buffer.subspan(done), until);
    if (!n) return std::unexpected(transfer_error(n.error(), done));
    if (*n == 0) return std::unexpected(transfer_error(errc::end_of_stream, done));
    done += *n;
  }
  return {};
}

/// Writes all of `bytes`.
/// Errors: those of write_some, with the bytes that the system had taken.
template <stream S>
[[nodiscard]] std::expected<void, transfer_error> write_all(S& to, std::span<const std::byte> bytes,
                                                            deadline until = never) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto n = to.write_some(bytes.subspan(done), until);
    if (!n) return std::unexpected(transfer_error(n.error(), done));
    done += *n;
  }
  return {};
}

template <stream S>
[[nodiscard]] std::expected<void, transfer_error> write_all(S& to, std::string_view text,
                                                            deadline until = never) {
  return write_all(to, std::as_bytes(std::span(text)), until);
}

/// Any stream behind one type, for code that must not care whether there is TLS, TCP or a test
/// between it and its peer. Costs a virtual call and, once, an allocation.
/// After a move the source can only be destroyed or assigned to.
class any_stream {
 public:
  template <class S>
    requires(stream<S> && std::move_constructible<S> && !std::same_as<S, any_stream>)
  explicit any_stream(S s) : held_(std::make_unique<holder<S>>(std::move(s))) {}

  [[nodiscard]] result<std::size_t> read_some(std::span<std::byte> buffer, deadline until = never) {
    return held_->read_some(buffer, until);
  }
  [[nodiscard]] result<std::size_t> write_some(std::span<const std::byte> bytes,
                                               deadline until = never) {
    return held_->write_some(bytes, until);
  }
  [[nodiscard]] std::expected<void, transfer_error> write_all(std::span<const std::byte> bytes,
                                                              deadline until = never) {
    return cede::write_all(*this, bytes, until);
  }
  [[nodiscard]] std::expected<void, transfer_error> write_all(std::string_view text,
                                                              deadline until = never) {
    return cede::write_all(*this, text, until);
  }
  [[nodiscard]] result<> shutdown_write() { return held_->shutdown_write(); }
  void close() noexcept { held_->close(); }

 private:
  struct interface {
    virtual ~interface() = default;
    virtual result<std::size_t> read_some(std::span<std::byte> buffer, deadline until) = 0;
    virtual result<std::size_t> write_some(std::span<const std::byte> bytes, deadline until) = 0;
    virtual result<> shutdown_write() = 0;
    virtual void close() noexcept = 0;
  };

  template <class S>
  struct holder final : interface {
    explicit holder(S&& s) : value(std::move(s)) {}
    result<std::size_t> read_some(std::span<std::byte> buffer, deadline until) override {
      return value.read_some(buffer, until);
    }
    result<std::size_t> write_some(std::span<const std::byte> bytes, deadline until) override {
      return value.write_some(bytes, until);
    }
    result<> shutdown_write() override { return value.shutdown_write(); }
    void close() noexcept override { value.close(); }
    S value;
  };

  std::unique_ptr<interface> held_;
};

namespace detail {

// The bytes that buffered_reader has read and not yet handed out.
class read_buffer {
 public:
  explicit read_buffer(std::size_t capacity) : bytes_(capacity) {}

  [[nodiscard]] std::span<const std::byte> content() const noexcept {
    return std::span(bytes_).subspan(begin_, end_ - begin_);
  }
  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(bytes_.data()) + begin_, end_ - begin_};
  }
  [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
  // Room behind the content, at least one byte: moves it to the front, or grows.
  [[nodiscard]] std::span<std::byte> room();
  void added(std::size_t count) noexcept { end_ += count; }
  void drop(std::size_t count) noexcept { begin_ += count; }
  std::size_t take(std::span<std::byte> to) noexcept;

 private:
  std::vector<std::byte> bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace detail

/// Reads ahead, so that text can be taken line by line at the cost of few system calls. What it has
/// read ahead is only in here: read the stream through it from then on.
/// Requires: `from` outlives it. One reader at a time.
template <stream S>
class buffered_reader {
 public:
  explicit buffered_reader(S& from, std::size_t capacity = 4096)
      : from_(from), buffer_(capacity == 0 ? 1 : capacity) {}

  /// As the stream's; what was read ahead comes first.
  [[nodiscard]] result<std::size_t> read_some(std::span<std::byte> buffer, deadline until = never) {
    give_back_view();
    if (buffer_.size() == 0) return from_.read_some(buffer, until);
    return buffer_.take(buffer);
  }

  /// Fills `buffer`. Errors: as cede::read_exact.
  [[nodiscard]] std::expected<void, transfer_error> read_exact(std::span<std::byte> buffer,
                                                               deadline until = never) {
    give_back_view();
    const std::size_t had = buffer_.take(buffer);
    auto rest = cede::read_exact(from_, buffer.subspan(had), until);
    if (!rest) return std::unexpected(transfer_error(rest.error(), had + rest.error().transferred));
    return {};
  }

  /// The bytes up to the first `delimiter`, and it; at most `limit` bytes together. The view is
  /// valid until the next call. The memory used may grow to `limit`.
  /// Errors: `message_too_long` if `limit` bytes hold no delimiter, `end_of_stream`, those of
  /// read_some; nothing is lost then: the bytes that came (`transferred`) are still to be read.
  /// Requires: a delimiter that is not empty.
  [[nodiscard]] std::expected<std::string_view, transfer_error> read_until(
      std::string_view delimiter, std::size_t limit, deadline until = never) {
    give_back_view();
    for (std::size_t looked_at = 0;;) {
      const std::string_view text = buffer_.text().substr(0, limit);
      if (const auto at = text.find(delimiter, looked_at); at != std::string_view::npos) {
        handed_out_ = at + delimiter.size();
        return text.substr(0, handed_out_);
      }
      if (text.size() == limit) return std::unexpected(error(errc::message_too_long));
      looked_at = text.size() < delimiter.size() ? 0 : text.size() - delimiter.size() + 1;
      if (auto more = read_ahead(until); !more) return std::unexpected(error(more.error()));
    }
  }

 private:
  void give_back_view() noexcept { buffer_.drop(std::exchange(handed_out_, 0)); }

  result<> read_ahead(deadline until) {
    const auto n = from_.read_some(buffer_.room(), until);
    if (!n) return std::unexpected(n.error());
    if (*n == 0) return failure(errc::end_of_stream);
    buffer_.added(*n);
    return {};
  }

  transfer_error error(std::error_code why) const noexcept { return {why, buffer_.size()}; }

  S& from_;
  detail::read_buffer buffer_;
  std::size_t handed_out_ = 0;  // of the front of buffer_, as the view of the last line
};

}  // namespace cede
