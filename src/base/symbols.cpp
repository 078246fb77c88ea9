#include "base/symbols.hpp"

#include <cxxabi.h>
#include <dlfcn.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <memory>

#if CEDE_HAVE_LIBDW
#include <elfutils/libdwfl.h>
#endif

namespace cede::base::backtrace {

std::string demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(name, nullptr, nullptr, &status), &std::free);
  return status == 0 ? text.get() : name;
}

#if CEDE_HAVE_LIBDW

namespace {

// Separate debug files are looked up on this machine only: a report must not wait for a server.
int find_debug_file(Dwfl_Module* module, void** data, const char* name, Dwarf_Addr base,
                    const char* file, const char* link, GElf_Word checksum, char** found) {
  const char* const servers = std::getenv("DEBUGINFOD_URLS");
  if (servers != nullptr && servers[0] != '\0') return -1;
  return ::dwfl_standard_find_debuginfo(module, data, name, base, file, link, checksum, found);
}

constexpr Dwfl_Callbacks callbacks{.find_elf = ::dwfl_linux_proc_find_elf,
                                   .find_debuginfo = find_debug_file,
                                   .section_address = nullptr,
                                   .debuginfo_path = nullptr};

}  // namespace

symbol_source::symbol_source() : session_(::dwfl_begin(&callbacks)) {
  auto* const session = static_cast<Dwfl*>(session_);
  if (session == nullptr) return;
  if (::dwfl_linux_proc_report(session, ::getpid()) != 0 ||
      ::dwfl_report_end(session, nullptr, nullptr) != 0) {
    ::dwfl_end(session);
    session_ = nullptr;
  }
}

symbol_source::~symbol_source() {
  if (session_ != nullptr) ::dwfl_end(static_cast<Dwfl*>(session_));
}

symbol symbol_source::find(void* address) const {
  symbol found;
  if (session_ == nullptr) return found;
  const auto where = reinterpret_cast<std::uintptr_t>(address);
  Dwfl_Module* const module = ::dwfl_addrmodule(static_cast<Dwfl*>(session_), where);
  if (module == nullptr) return found;
  if (const char* const name = ::dwfl_module_addrname(module, where)) {
    found.function = demangled(name);
  }
  if (Dwfl_Line* const line = ::dwfl_module_getsrc(module, where)) {
    const char* const file = ::dwfl_lineinfo(line, nullptr, &found.line, nullptr, nullptr, nullptr);
    if (file != nullptr) found.file = file;
    return found;
  }
  // The call above needs an address table that clang does not write: ask unit by unit.
  Dwarf_Addr bias = 0;
  for (Dwarf_Die* unit = ::dwfl_module_nextcu(module, nullptr, &bias); unit != nullptr;
       unit = ::dwfl_module_nextcu(module, unit, &bias)) {
    if (::dwarf_haspc(unit, where - bias) != 1) continue;
    Dwarf_Line* const line = ::dwarf_getsrc_die(unit, where - bias);
    const char* const file = line != nullptr ? ::dwarf_linesrc(line, nullptr, nullptr) : nullptr;
    if (file != nullptr && ::dwarf_lineno(line, &found.line) == 0) found.file = file;
    break;
  }
  return found;
}

#else

symbol_source::symbol_source() : session_(nullptr) {}
symbol_source::~symbol_source() = default;

symbol symbol_source::find(void* address) const {
  Dl_info info{};
  if (::dladdr(address, &info) == 0 || info.dli_sname == nullptr) return {};
  return {.function = demangled(info.dli_sname), .file = {}, .line = 0};
}

#endif

}  // namespace cede::base::backtrace
