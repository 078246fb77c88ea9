#include "context/x86_64/glibc_symbols.hpp"

#include <dlfcn.h>

#include <cstring>

namespace cede::context {

void* find_in_process(const char* name) noexcept { return dlsym(RTLD_DEFAULT, name); }

// In the order of the members of glibc_symbols.
const std::array<const char*, 17> glibc_symbol_names = {
    "_dl_allocate_tls",
    "_dl_allocate_tls_init",
    "_dl_get_tls_static_info",
    "__ctype_init",
    "__call_tls_dtors",
    "__pthread_register_cancel",
    "__rseq_offset",
    "_thread_db_sizeof_pthread",
    "_thread_db_pthread_dtvp",
    "_thread_db_pthread_list",
    "_thread_db_pthread_tid",
    "_thread_db_pthread_cancelhandling",
    "_thread_db_pthread_specific",
    "_thread_db_pthread_report_events",
    "_thread_db_pthread_start_routine",
    "_thread_db_pthread_eventbuf",
    "_thread_db_pthread_schedpolicy",
};

std::expected<glibc_symbols, std::string> find_glibc_symbols(symbol_lookup lookup) {
  std::array<void*, glibc_symbol_names.size()> found{};
  for (std::size_t i = 0; i < found.size(); ++i) {
    found[i] = lookup(glibc_symbol_names[i]);
    if (found[i] == nullptr)
      return std::unexpected(std::string("the C library does not export ") + glibc_symbol_names[i] +
                             " (statically linked, or not glibc 2.36)");
  }
  glibc_symbols symbols;
  static_assert(sizeof(symbols) == sizeof(found), "one name for each member");
  std::memcpy(static_cast<void*>(&symbols), found.data(), sizeof(symbols));
  return symbols;
}

}  // namespace cede::context
