#include "cli/echo_service.hpp"

#include <array>
#include <span>

namespace cede::cli {

void echo_service::serve(tcp_stream& peer) {
  // An idle connection waits in read_some, and what its stack has touched is what it costs. With
  // 2 KiB here and the frames below down to the switch that is one page; with 4 KiB it would be
  // two. A longer message takes more turns.
  std::array<std::byte, 2048> buffer;
  std::uint64_t echoed = 0;
  for (;;) {
    const auto n = peer.read_some(buffer);
    if (!n || *n == 0) return account(echoed, n ? std::error_code{} : n.error());
    if (echoed == 0 && hog_) before_first_reply(buffer.front());
    const auto written = peer.write_all(std::span(buffer).first(*n));
    if (!written) return account(echoed + written.error().transferred, written.error());
    echoed += *n;
  }
}

void echo_service::before_first_reply(std::byte first) noexcept {
  if (first == hog_->first_byte) spin(hog_->time, totals_.hogs);
}

// Relaxed: nobody concludes anything else from a total.
void echo_service::account(std::uint64_t bytes, std::error_code end) noexcept {
  totals_.connections.fetch_add(1, std::memory_order_relaxed);
  totals_.bytes.fetch_add(bytes, std::memory_order_relaxed);
  if (end == errc::cancelled) totals_.cut_off.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace cede::cli
