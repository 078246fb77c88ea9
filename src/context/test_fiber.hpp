// For this layer's tests: a fiber that runs a function and switches to and from the test by hand.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include "context/fiber_context.hpp"

// Set by the build of the tests: whether they run under an emulator of another processor.
#ifndef CEDE_EMULATED
#define CEDE_EMULATED 0
#endif

namespace cede::context::testing {

// Death tests here start the program anew, as fork keeps one thread of several; an emulator cannot.
inline void isolate_death_tests() {
  GTEST_FLAG_SET(death_test_style, CEDE_EMULATED ? "fast" : "threadsafe");
}

class test_fiber {
 public:
  explicit test_fiber(std::function<void(test_fiber&)> body) : body_(std::move(body)) {
    context_.start_on(slot(), &entry, this);
  }
  test_fiber(stack_slot slot, std::function<void(test_fiber&)> body) : body_(std::move(body)) {
    context_.start_on(slot, &entry, this);
  }
  ~test_fiber() {
    EXPECT_TRUE(over_) << "a test left its fiber parked";
    context_.destroy();
  }
  test_fiber(const test_fiber&) = delete;
  test_fiber& operator=(const test_fiber&) = delete;

  // Called by the test: runs the fiber until it parks or ends.
  void resume() { switch_to(outside_, context_); }
  // Called by the fiber: back to the test.
  void park() { switch_to(context_, outside_); }

  bool over() const { return over_; }
  fiber_context& context() { return context_; }

 private:
  static constexpr std::size_t stack_bytes = 256 * 1024;

  stack_slot slot() {
    memory_ = std::make_unique<std::byte[]>(stack_bytes);
    return {.bottom = memory_.get(), .top = memory_.get() + stack_bytes};
  }

  static void entry(void* argument) {
    auto& self = *static_cast<test_fiber*>(argument);
    arrived(self.context_);
    self.body_(self);
    self.over_ = true;
    switch_final(self.context_, self.outside_);
  }

  std::function<void(test_fiber&)> body_;
  std::unique_ptr<std::byte[]> memory_;
  fiber_context outside_;
  fiber_context context_;
  bool over_ = false;
};

}  // namespace cede::context::testing
