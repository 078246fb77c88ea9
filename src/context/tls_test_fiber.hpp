// For this layer's tests: a fiber with a TLS block of its own, switched to and from by hand.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include "context/fiber_context.hpp"
#include "context/tls_block.hpp"

// Where there are no blocks (aarch64, sanitizers, valgrind) there is nothing to test but the
// obstacle.
#define CEDE_SKIP_WITHOUT_OWN_TLS() \
  if (const char* why = ::cede::context::obstacle_to_own_tls(); why != nullptr) GTEST_SKIP() << why

namespace cede::context::testing {

class tls_test_fiber {
 public:
  explicit tls_test_fiber(std::function<void(tls_test_fiber&)> body)
      : memory_(std::make_unique<std::byte[]>(stack_bytes)), body_(std::move(body)) {
    const stack_slot slot{.bottom = memory_.get(), .top = memory_.get() + stack_bytes};
    block_ = make_tls_block(slot).value();
    context_.start_below(slot, block_.low(), &entry, this);
    context_.use_thread_pointer(block_.thread_pointer());
  }
  ~tls_test_fiber() {
    EXPECT_TRUE(over_) << "a test left its fiber parked";
    context_.destroy();
  }
  tls_test_fiber(const tls_test_fiber&) = delete;
  tls_test_fiber& operator=(const tls_test_fiber&) = delete;

  // Called by the test: runs the fiber until it parks or ends.
  void resume() {
    ASSERT_FALSE(over_);
    fiber_context outside;  // of this very thread, which need not be the last one's
    outside_ = &outside;
    switch_to(outside, context_);
    if (over_) free_tls_block(block_);
  }
  // Called by the fiber: back to the test.
  void park() { switch_to(context_, *outside_); }
  // Called by the fiber: goes on with another one, which then returns to this one's test.
  void go_on_with(fiber_context& other) { switch_to(context_, other); }

  // Where park() goes.
  fiber_context& outside() { return *outside_; }

  bool over() const { return over_; }
  thread_end end() const { return end_; }
  fiber_context& context() { return context_; }
  const tls_block& block() const { return block_; }

  static constexpr std::size_t stack_bytes = 256 * 1024;

 private:
  static void entry(void* argument) {
    auto& self = *static_cast<tls_test_fiber*>(argument);
    arrived(self.context_);
    self.end_ = run_as_thread(
        [](void* fiber) {
          auto& inner = *static_cast<tls_test_fiber*>(fiber);
          inner.body_(inner);
        },
        &self);
    self.over_ = true;
    switch_final(self.context_, *self.outside_);
  }

  std::unique_ptr<std::byte[]> memory_;
  std::function<void(tls_test_fiber&)> body_;
  tls_block block_;
  fiber_context* outside_ = nullptr;
  fiber_context context_;
  thread_end end_ = thread_end::returned;
  bool over_ = false;
};

}  // namespace cede::context::testing
