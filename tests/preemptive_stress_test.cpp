// Preemptive fibers under libraries that know nothing of them: many fibers on two workers, with the
// shortest slice, each doing in turn what programs do, every result checked.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cede/cede.hpp>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#if CEDE_HAVE_OPENSSL
#include <openssl/evp.h>
#endif

extern char** environ;

namespace {

using namespace std::chrono_literals;

#define CEDE_STRESS_CHECK(condition)                                  \
  do {                                                                \
    if (!(condition)) throw std::runtime_error("wrong: " #condition); \
  } while (false)

using dice = std::mt19937;

void memory(dice& random) {
  std::vector<std::pair<unsigned char*, std::size_t>> blocks;
  for (int i = 0; i < 64; ++i) {
    const std::size_t size = 1 + random() % 5000;
    auto* const at = static_cast<unsigned char*>(std::malloc(size));
    std::memset(at, static_cast<int>(size & 0xff), size);
    blocks.emplace_back(at, size);
  }
  for (const auto& [at, size] : blocks) {
    for (std::size_t i = 0; i < size; ++i) CEDE_STRESS_CHECK(at[i] == (size & 0xff));
    std::free(at);
  }
}

void containers(dice& random) {
  std::map<std::string, unsigned> counts;
  unsigned sum = 0;
  for (int i = 0; i < 200; ++i) {
    const unsigned value = random() % 1000;
    counts["key " + std::to_string(value % 37)] += value;
    sum += value;
  }
  unsigned found = 0;
  for (const auto& [key, value] : counts) found += value;
  CEDE_STRESS_CHECK(found == sum);
}

void stdio(dice& random) {
  std::unique_ptr<FILE, int (*)(FILE*)> file(std::tmpfile(), &std::fclose);
  CEDE_STRESS_CHECK(file != nullptr);
  const unsigned value = random();
  for (unsigned i = 0; i < 50; ++i) std::fprintf(file.get(), "%u %a\n", value + i, std::sqrt(i));
  std::rewind(file.get());
  for (unsigned i = 0; i < 50; ++i) {
    unsigned whole = 0;
    double root = 0;
    CEDE_STRESS_CHECK(std::fscanf(file.get(), "%u %la", &whole, &root) == 2);
    CEDE_STRESS_CHECK(whole == value + i && root == std::sqrt(i));
  }
}

void iostreams(dice& random) {
  std::stringstream stream;
  const unsigned value = random();
  stream << value << ' ' << std::hex << value << " butter";
  unsigned decimal = 0;
  unsigned hexadecimal = 0;
  std::string word;
  stream >> std::dec >> decimal >> std::hex >> hexadecimal >> word;
  CEDE_STRESS_CHECK(decimal == value && hexadecimal == value && word == "butter");
}

unsigned thrower(unsigned depth) {
  if (depth == 0) throw std::out_of_range("llamas");
  return thrower(depth - 1) + 1;
}

void exceptions(dice& random) {
  for (int i = 0; i < 20; ++i) {
    try {
      thrower(random() % 12);
      CEDE_STRESS_CHECK(false);
    } catch (const std::out_of_range& outer) {
      try {
        thrower(1);
      } catch (const std::exception& inner) {
        CEDE_STRESS_CHECK(std::string(inner.what()) == "llamas");
      }
      CEDE_STRESS_CHECK(std::string(outer.what()) == "llamas");
    }
  }
}

void regular_expressions(dice& random) {
  const std::regex pattern("([a-z]+)-([0-9]+)");
  const std::string number = std::to_string(random());
  std::smatch match;
  const std::string text = "kangaroo-" + number;
  CEDE_STRESS_CHECK(std::regex_match(text, match, pattern) && match[2] == number);
}

#if defined(__x86_64__)
[[gnu::target("avx512f")]] double summed(const double* values, int count) {
  double sums[8] = {};
  for (int i = 0; i < count; i += 8)
    for (int lane = 0; lane < 8; ++lane) sums[lane] += values[i + lane] * 2;
  return std::accumulate(std::begin(sums), std::end(sums), 0.0);
}
#endif

void vectors(dice& random) {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx512f")) return;
  std::array<double, 4096> values;
  const double base = random() % 1000;
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = base + static_cast<double>(i);
  const double expected = 2 * (4096 * base + 4095.0 * 4096 / 2);
  for (int i = 0; i < 20; ++i) CEDE_STRESS_CHECK(summed(values.data(), 4096) == expected);
#else
  static_cast<void>(random);
#endif
}

thread_local std::uint64_t counter = 0;

void thread_locals(dice& random) {
  const std::uint64_t before = counter;
  const unsigned turns = 1000 + random() % 1000;
  for (unsigned i = 0; i < turns; ++i) {
    counter = counter + 1;
    errno = static_cast<int>(i);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    CEDE_STRESS_CHECK(errno == static_cast<int>(i));
  }
  CEDE_STRESS_CHECK(counter == before + turns);
}

void keys(dice& random) {
  pthread_key_t key{};
  CEDE_STRESS_CHECK(::pthread_key_create(&key, nullptr) == 0);
  const auto value = std::uintptr_t{1} + random();
  ::pthread_setspecific(key, reinterpret_cast<void*>(value));
  for (int i = 0; i < 500; ++i)
    CEDE_STRESS_CHECK(::pthread_getspecific(key) == reinterpret_cast<void*>(value));
  ::pthread_key_delete(key);
}

void libraries(dice&) {
  void* const library = ::dlopen("libm.so.6", RTLD_NOW);
  CEDE_STRESS_CHECK(library != nullptr);
  const auto round_down = reinterpret_cast<double (*)(double)>(::dlsym(library, "floor"));
  CEDE_STRESS_CHECK(round_down != nullptr && round_down(2.5) == 2.0);
  ::dlclose(library);
}

void processes(dice& random) {
  if (random() % 8 != 0) return;  // dear
  const char* const words[] = {"true", nullptr};
  pid_t child = 0;
  CEDE_STRESS_CHECK(::posix_spawn(&child, "/bin/true", nullptr, nullptr,
                                  const_cast<char* const*>(words), environ) == 0);
  int status = -1;
  while (::waitpid(child, &status, 0) < 0) CEDE_STRESS_CHECK(errno == EINTR);
  CEDE_STRESS_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

void names(dice&) {
  addrinfo* found = nullptr;
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_family = AF_INET;
  CEDE_STRESS_CHECK(::getaddrinfo("127.1.2.3", "80", &hints, &found) == 0);
  const auto* const address = reinterpret_cast<const sockaddr_in*>(found->ai_addr);
  CEDE_STRESS_CHECK(ntohl(address->sin_addr.s_addr) == 0x7f010203);
  ::freeaddrinfo(found);
}

void hashes(dice&) {
#if CEDE_HAVE_OPENSSL
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  CEDE_STRESS_CHECK(::EVP_Digest("abc", 3, digest.data(), &size, ::EVP_sha256(), nullptr) == 1);
  CEDE_STRESS_CHECK(size == 32 && digest[0] == 0xba && digest[1] == 0x78 && digest[31] == 0xad);
#endif
}

constexpr std::array works{&memory,
                           &containers,
                           &stdio,
                           &iostreams,
                           &exceptions,
                           &vectors,
                           &regular_expressions,
                           &thread_locals,
                           &keys,
                           &libraries,
                           &processes,
                           &names,
                           &hashes};

void stress(std::chrono::seconds time) {
  if (const char* const obstacle = cede::obstacle_to_preemptive()) GTEST_SKIP() << obstacle;
  constexpr unsigned fibers = 16;
  const auto end = cede::clock::now() + time;
  std::array<std::uint64_t, fibers> done{};
  const int code = cede::run({.workers = 2, .watchdog = 0ms, .slice = 500us}, [&] {
    cede::scope all;
    for (unsigned id = 0; id < fibers; ++id)
      all.spawn(cede::preemptive, {.stack_size = 1024 * 1024}, [&, id] {
        dice random(id);
        for (std::size_t turn = id; cede::clock::now() < end; ++turn) {
          works[turn % works.size()](random);
          ++done[id];
        }
      });
    EXPECT_TRUE(all.join());
  });
  EXPECT_EQ(code, 0);
  for (const std::uint64_t turns : done) EXPECT_GT(turns, 0U);
}

TEST(preemptive_stress, libraries_work_under_the_shortest_slice) { stress(10s); }

TEST(preemptive_stress_nightly, libraries_work_under_the_shortest_slice_for_long) { stress(60s); }

}  // namespace
