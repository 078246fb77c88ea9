// From an address to the names in debug information and symbol tables.
#pragma once

#include <string>

namespace cede::base::backtrace {

struct symbol {
  std::string function;  // demangled; empty if unknown
  std::string file;      // empty if unknown, and then
  int line = 0;          // 0
};

// Reads debug information once for many addresses. One thread at a time.
class symbol_source {
 public:
  symbol_source();
  ~symbol_source();
  symbol_source(const symbol_source&) = delete;
  symbol_source& operator=(const symbol_source&) = delete;

  [[nodiscard]] symbol find(void* address) const;

 private:
  void* session_;  // of libdw; null without it
};

[[nodiscard]] std::string demangled(const char* name);

}  // namespace cede::base::backtrace
