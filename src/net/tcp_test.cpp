// TCP as every kind of execution, over loopback.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

#include <algorithm>
#include <cede/log.hpp>
#include <cede/tcp.hpp>
#include <mutex>
#include <string>
#include <vector>

#include "base/sys.hpp"
#include "io/test_execution.hpp"

namespace cede {
namespace {

using namespace std::chrono_literals;
using io::blocked_observer;
using io::companion;
using io::execution;

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

int option(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT_EQ(::getsockopt(fd, level, name, &value, &size), 0);
  return value;
}

class tcp : public io::each_execution {
 protected:
  struct connection {
    tcp_stream client;
    tcp_stream server;
  };
  static tcp_listener listen(std::string_view host = "127.0.0.1") {
    return tcp_listener::bind(host, 0).value();
  }
  // Loopback connects before it is accepted, so one fiber can do both.
  static connection connect(tcp_listener& to) {
    tcp_stream client = tcp_stream::connect(to.local_endpoint().value()).value();
    return {std::move(client), to.accept().value()};
  }
  static connection connect() {
    tcp_listener listener = listen();
    return connect(listener);
  }
};

INSTANTIATE_TEST_SUITE_P(executions, tcp, io::all_executions, io::name_of);

TEST_P(tcp, what_one_side_writes_the_other_reads_until_the_end) {
  run([&] {
    tcp_listener listener = listen();
    companion server = beside([&] {
      auto s = listener.accept().value();
      std::array<std::byte, 4096> buffer;
      while (auto n = s.read_some(buffer)) {
        if (*n == 0) break;
        if (!s.write_all(std::span(buffer).first(*n))) break;
      }
    });
    auto s = tcp_stream::connect("127.0.0.1", listener.local_endpoint()->port()).value();
    std::array<std::byte, 13> reply;
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(s.write_all("how do you do"));
      ASSERT_TRUE(s.read_exact(reply));
      EXPECT_EQ(text_of(reply), "how do you do");
    }
    EXPECT_TRUE(s.shutdown_write());
    EXPECT_EQ(s.read_some(reply), 0U);
    EXPECT_EQ(s.read_exact(reply).error(), errc::end_of_stream);
    server.join();
  });
}

TEST_P(tcp, ipv6_and_names_work_like_ipv4_addresses) {
  run([&] {
    for (const std::string_view host : {"::1", "localhost"}) {
      tcp_listener listener = listen(host);
      const std::uint16_t port = listener.local_endpoint()->port();
      auto client = tcp_stream::connect(host, port);
      ASSERT_TRUE(client) << host << ": " << client.error().message();
      tcp_stream server = listener.accept().value();
      EXPECT_EQ(client->remote_endpoint(), server.local_endpoint());
      EXPECT_EQ(client->local_endpoint(), server.remote_endpoint());
    }
  });
}

TEST_P(tcp, a_name_that_does_not_exist_is_the_resolvers_error) {
  run([&] {
    const auto s = tcp_stream::connect("no such host.invalid", 1);
    ASSERT_FALSE(s);
    EXPECT_EQ(s.error().category(), resolver_category());
    EXPECT_FALSE(s.error().message().empty());
    EXPECT_EQ(tcp_listener::bind("", 0).error(), errc::invalid_argument);
  });
}

TEST_P(tcp, a_port_that_nobody_listens_on_refuses) {
  run([&] {
    const endpoint gone = listen().local_endpoint().value();
    EXPECT_EQ(tcp_stream::connect(gone).error(), std::errc::connection_refused);
  });
}

TEST_P(tcp, a_connect_that_nobody_answers_ends_at_its_deadline) {
  run([&] {
    // A full backlog: the kernel drops further SYNs.
    tcp_listener listener = tcp_listener::bind("127.0.0.1", 0, {.backlog = 0}).value();
    const endpoint to = listener.local_endpoint().value();
    std::vector<tcp_stream> waiting;
    result<tcp_stream> last;
    while ((last = tcp_stream::connect(to, 20ms))) waiting.push_back(std::move(*last));
    EXPECT_EQ(last.error(), errc::deadline_exceeded);
  });
}

TEST_P(tcp, a_bound_port_cannot_be_bound_again) {
  run([&] {
    tcp_listener first = listen();
    const std::uint16_t port = first.local_endpoint()->port();
    EXPECT_EQ(tcp_listener::bind("127.0.0.1", port).error(), std::errc::address_in_use);
    EXPECT_EQ(tcp_listener::bind("192.0.2.1", 0).error(), std::errc::address_not_available);
    first.close();
    EXPECT_TRUE(tcp_listener::bind("127.0.0.1", port));
  });
}

TEST_P(tcp, listeners_share_a_port_if_both_say_so) {
  run([&] {
    const listen_options sharing{.reuse_port = toggle::on};
    auto first = tcp_listener::bind("127.0.0.1", 0, sharing).value();
    EXPECT_TRUE(tcp_listener::bind(first.local_endpoint().value(), sharing));
  });
}

TEST_P(tcp, a_listener_on_all_ipv6_addresses_takes_ipv4_unless_told_otherwise) {
  run([&] {
    tcp_listener both = listen("::");
    EXPECT_TRUE(tcp_stream::connect("127.0.0.1", both.local_endpoint()->port()));
    tcp_listener one = tcp_listener::bind("::", 0, {.v6_only = toggle::on}).value();
    EXPECT_EQ(tcp_stream::connect("127.0.0.1", one.local_endpoint()->port()).error(),
              std::errc::connection_refused);
  });
}

TEST_P(tcp, options_reach_the_socket) {
  run([&] {
    auto [client, server] = connect();
    for (const tcp_stream* s : {&client, &server}) {
      EXPECT_EQ(option(s->native_handle(), IPPROTO_TCP, TCP_NODELAY), 1);
      EXPECT_EQ(::fcntl(s->native_handle(), F_GETFL) & O_NONBLOCK, 0);
      EXPECT_EQ(::fcntl(s->native_handle(), F_GETFD), FD_CLOEXEC);
    }
    EXPECT_TRUE(client.set_no_delay(toggle::off));
    EXPECT_EQ(option(client.native_handle(), IPPROTO_TCP, TCP_NODELAY), 0);
    EXPECT_TRUE(client.set_keep_alive(keep_alive{.idle = 7s, .interval = 3s, .probes = 2}));
    EXPECT_EQ(option(client.native_handle(), SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(option(client.native_handle(), IPPROTO_TCP, TCP_KEEPIDLE), 7);
    EXPECT_TRUE(client.set_keep_alive(std::nullopt));
    EXPECT_EQ(option(client.native_handle(), SOL_SOCKET, SO_KEEPALIVE), 0);
    EXPECT_TRUE(client.set_send_buffer(64 * 1024));
    EXPECT_TRUE(client.set_receive_buffer(64 * 1024));
    EXPECT_GE(option(client.native_handle(), SOL_SOCKET, SO_SNDBUF), 64 * 1024);
    EXPECT_GE(option(client.native_handle(), SOL_SOCKET, SO_RCVBUF), 64 * 1024);
  });
}

TEST_P(tcp, a_connection_can_come_from_a_chosen_address) {
  run([&] {
    tcp_listener listener = listen("0.0.0.0");
    const endpoint to =
        endpoint::from_address("127.0.0.1", listener.local_endpoint()->port()).value();
    const endpoint from = endpoint::from_address("127.0.0.9", 0).value();
    const auto s = tcp_stream::connect(to, never, {.from = from}).value();
    EXPECT_EQ(s.local_endpoint()->address(), "127.0.0.9");
  });
}

TEST_P(tcp, what_was_never_opened_moved_away_or_closed_says_closed) {
  run([&] {
    std::array<std::byte, 4> buffer{};
    tcp_stream none;
    EXPECT_EQ(none.read_some(buffer).error(), errc::closed);
    EXPECT_EQ(none.write_all("x").error(), errc::closed);
    EXPECT_EQ(none.shutdown_write().error(), errc::closed);
    EXPECT_EQ(none.native_handle(), -1);
    none.close();
    auto [client, server] = connect();
    const tcp_stream moved = std::move(client);
    EXPECT_EQ(client.read_some(buffer).error(), errc::closed);
    server.close();
    EXPECT_EQ(server.read_some(buffer).error(), errc::closed);
    EXPECT_EQ(server.remote_endpoint().error(), errc::closed);
    EXPECT_EQ(server.set_no_delay(toggle::on).error(), errc::closed);
    tcp_listener nowhere;
    EXPECT_EQ(nowhere.accept().error(), errc::closed);
    nowhere.close();
  });
}

TEST_P(tcp, a_close_wakes_a_blocked_accept) {
  run([&] {
    tcp_listener listener = listen();
    blocked_observer seen;
    companion acceptor = beside([&] {
      seen.publish();
      EXPECT_EQ(listener.accept().error(), errc::closed);
    });
    seen.await_blocked();
    listener.close();
    acceptor.join();
    EXPECT_EQ(listener.accept().error(), errc::closed);
  });
}

TEST_P(tcp, a_cancel_ends_a_blocked_accept_and_a_deadline_too) {
  run([&] {
    tcp_listener listener = listen();
    EXPECT_EQ(listener.accept(2ms).error(), errc::deadline_exceeded);
    if (!can_be_cancelled()) return;
    blocked_observer seen;
    companion acceptor = beside([&] {
      seen.publish();
      EXPECT_EQ(listener.accept().error(), errc::cancelled);
    });
    seen.await_blocked();
    acceptor.cancel();
    acceptor.join();
  });
}

TEST_P(tcp, a_stream_is_read_and_written_at_the_same_time) {
  run([&] {
    auto [client, server] = connect();
    constexpr std::size_t total = 8 * 1024 * 1024;
    const std::vector<std::byte> bytes(total, std::byte{7});
    companion echo = beside([&] {
      std::vector<std::byte> buffer(64 * 1024);
      while (auto n = server.read_some(buffer)) {
        if (*n == 0) break;
        EXPECT_TRUE(server.write_all(std::span(buffer).first(*n)));
      }
    });
    companion writer = beside([&] {
      EXPECT_TRUE(client.write_all(bytes));
      EXPECT_TRUE(client.shutdown_write());
    });
    std::vector<std::byte> back(total);
    EXPECT_TRUE(client.read_exact(back));
    EXPECT_EQ(back, bytes);
    writer.join();
    echo.join();
  });
}

TEST_P(tcp, connections_that_fail_before_they_are_accepted_are_passed_over) {
  struct aborting final : base::sys::fault_hook {
    base::sys::fault on_call(base::sys::call which, int) noexcept override {
      if (which != base::sys::call::accept4) return {};
      constexpr std::array errors{ECONNABORTED, EINTR, EPROTO, ENETDOWN, EHOSTUNREACH, EPERM};
      return {.error = next < errors.size() ? errors[next++] : 0};
    }
    std::size_t next = 0;
  };
  run([&] {
    aborting faults;
    const base::sys::fault_injection injected(faults);
    EXPECT_TRUE(connect().server.write_all("x"));
    EXPECT_EQ(faults.next, 6U);
  });
}

// What accept says while it waits for descriptors.
struct log_capture {
  static inline std::mutex lock;
  static inline std::vector<std::string> lines;
  static void sink(log_level, std::string_view line) {
    const std::lock_guard hold(lock);
    lines.emplace_back(line);
  }
  log_capture() {
    lines.clear();
    previous = set_log_sink(&sink);
  }
  ~log_capture() { set_log_sink(previous); }
  static std::size_t count(std::string_view part) {
    const std::lock_guard hold(lock);
    return static_cast<std::size_t>(std::ranges::count_if(
        lines, [part](const std::string& l) { return l.find(part) != std::string::npos; }));
  }
  log_sink previous;
};

class no_more_descriptors {
 public:
  no_more_descriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit none = before_;
    const int lowest_free = ::dup(0);
    ::close(lowest_free);
    none.rlim_cur = static_cast<rlim_t>(lowest_free);
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~no_more_descriptors() { lift(); }
  void lift() const { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_P(tcp, an_accept_without_free_descriptors_waits_says_so_once_and_recovers) {
  run([&] {
    const log_capture log;
    tcp_listener listener = listen();
    const endpoint at = listener.local_endpoint().value();
    tcp_stream client = tcp_stream::connect(at).value();
    {
      const no_more_descriptors limit;
      EXPECT_EQ(listener.accept(35ms).error(), errc::deadline_exceeded);
      EXPECT_EQ(listener.accept(35ms).error(), errc::deadline_exceeded);
      blocked_observer seen;
      companion acceptor = beside([&] {
        seen.publish();
        EXPECT_TRUE(listener.accept()->write_all("late"));
      });
      seen.await_blocked();
      limit.lift();
      acceptor.join();
    }
    std::array<std::byte, 4> buffer;
    EXPECT_TRUE(client.read_exact(buffer));
    EXPECT_EQ(log.count("accept: Too many open files"), 1U);
    EXPECT_EQ(log.count("ulimit -n"), 1U);
  });
}

TEST_P(tcp, a_close_wakes_an_accept_that_waits_for_descriptors) {
  run([&] {
    const log_capture log;
    struct exhausted final : base::sys::fault_hook {
      base::sys::fault on_call(base::sys::call which, int) noexcept override {
        if (which != base::sys::call::accept4) return {};
        ++tries;
        return {.error = ENFILE};
      }
      std::atomic<int> tries = 0;
    } faults;
    const base::sys::fault_injection injected(faults);
    tcp_listener listener = listen();
    const endpoint at = listener.local_endpoint().value();
    blocked_observer seen;
    companion acceptor = beside([&] {
      seen.publish();
      EXPECT_EQ(listener.accept().error(), errc::closed);
    });
    seen.await_blocked();
    // Connections that come meanwhile do not make it spin.
    std::vector<tcp_stream> clients;
    for (int i = 0; i < 20; ++i) clients.push_back(tcp_stream::connect(at).value());
    EXPECT_LE(faults.tries.load(), 10);
    seen.await_blocked();
    listener.close();
    acceptor.join();
  });
}

}  // namespace
}  // namespace cede
