// Libraries with thread_locals that are loaded while fibers with TLS blocks of their own live.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <cede/log.hpp>
#include <string>
#include <string_view>

#include "context/tls_block.hpp"
#include "context/tls_test_fiber.hpp"

namespace {

using namespace cede::context;
using cede::context::testing::tls_test_fiber;

class loaded_library {
 public:
  explicit loaded_library(const char* name)
      : handle_(dlopen((std::string(CEDE_FIXTURES "/") + name).c_str(), RTLD_NOW)) {
    EXPECT_NE(handle_, nullptr) << dlerror();
  }
  ~loaded_library() { dlclose(handle_); }
  loaded_library(const loaded_library&) = delete;
  loaded_library& operator=(const loaded_library&) = delete;

  template <class Function>
  Function* function(const char* name) const {
    return reinterpret_cast<Function*>(dlsym(handle_, name));
  }

 private:
  void* handle_;
};

class tls_block_library_test : public ::testing::Test {
 protected:
  void SetUp() override { CEDE_SKIP_WITHOUT_OWN_TLS(); }
};

TEST_F(tls_block_library_test, a_library_loaded_before_or_after_a_fiber_was_made_works_in_it) {
  tls_test_fiber early([](tls_test_fiber& self) {
    self.park();
    const loaded_library again("tls_dynamic.so");
    auto* next = again.function<long()>("tls_fixture_next");
    EXPECT_EQ(next(), 41);
    EXPECT_EQ(next(), 42);
    self.park();
    EXPECT_EQ(next(), 43);
  });
  early.resume();
  const loaded_library library("tls_dynamic.so");
  auto* next = library.function<long()>("tls_fixture_next");
  EXPECT_EQ(next(), 41);
  early.resume();
  tls_test_fiber late([&](tls_test_fiber&) {
    EXPECT_EQ(next(), 41);
    EXPECT_NE(library.function<void*()>("tls_fixture_memory")(), nullptr);
  });
  late.resume();
  EXPECT_EQ(*library.function<int>("tls_fixture_destroyed"), 1);
  early.resume();
  EXPECT_EQ(next(), 42);
}

TEST_F(tls_block_library_test, the_thread_locals_of_libraries_are_freed_with_the_fiber) {
  const loaded_library library("tls_dynamic.so");
  auto* next = library.function<long()>("tls_fixture_next");
  auto live = [&] {
    tls_test_fiber fiber([&](tls_test_fiber&) { EXPECT_EQ(next(), 41); });
    fiber.resume();
  };
  for (int i = 0; i < 10; ++i) live();
  const auto before = mallinfo2().uordblks;
  for (int i = 0; i < 1000; ++i) live();  // 32 KiB each
  EXPECT_LT(mallinfo2().uordblks, before + 100'000);
}

TEST_F(tls_block_library_test, a_library_may_be_loaded_and_unloaded_by_fibers_again_and_again) {
  for (int i = 0; i < 50; ++i) {
    tls_test_fiber fiber([](tls_test_fiber& self) {
      const loaded_library library("tls_dynamic.so");
      EXPECT_EQ(library.function<long()>("tls_fixture_next")(), 41);
      self.park();
    });
    fiber.resume();
    fiber.resume();
  }
}

TEST_F(tls_block_library_test, static_tls_of_a_library_loaded_later_is_right_in_new_fibers) {
  const loaded_library library("tls_initial_exec.so");
  auto* zero = library.function<int()>("tls_fixture_read_zero");
  auto* image = library.function<int()>("tls_fixture_read_image");
  tls_test_fiber fiber([&](tls_test_fiber&) {
    EXPECT_EQ(zero(), 0);
    EXPECT_EQ(image(), 42);
  });
  fiber.resume();
}

std::string last_warning;

TEST_F(tls_block_library_test, static_tls_that_comes_too_late_for_a_fiber_is_warned_about) {
  auto* const before =
      cede::set_log_sink([](cede::log_level, std::string_view line) { last_warning = line; });
  int (*image)() = nullptr;
  int (*zero)() = nullptr;
  tls_test_fiber early([&](tls_test_fiber& self) {
    self.park();
    EXPECT_EQ(zero(), 0);
    EXPECT_EQ(image(), 0) << "documented; if the fiber sees 42, the warning may go";
  });
  early.resume();
  last_warning.clear();
  {
    const loaded_library library("tls_initial_exec.so");
    image = library.function<int()>("tls_fixture_read_image");
    zero = library.function<int()>("tls_fixture_read_zero");
    tls_test_fiber late([&](tls_test_fiber&) { EXPECT_EQ(image(), 42); });
    late.resume();
    early.resume();
  }
  cede::set_log_sink(before);
  EXPECT_NE(last_warning.find("tls_initial_exec.so has static TLS"), std::string::npos)
      << last_warning;
}

}  // namespace
