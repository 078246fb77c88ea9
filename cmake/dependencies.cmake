# What cede is built with. The library itself needs threads and, if it is there, libdw; all else
# belongs to the program, the tests and the benchmarks.

find_package(Threads REQUIRED)

set(CEDE_HAVE_LIBDW 0)
if(CEDE_LIBDW AND NOT CMAKE_CROSSCOMPILING)
  find_library(CEDE_LIBDW_LIBRARY dw)
  find_path(CEDE_LIBDW_INCLUDE elfutils/libdwfl.h)
  if(CEDE_LIBDW_LIBRARY AND CEDE_LIBDW_INCLUDE)
    set(CEDE_HAVE_LIBDW 1)
  endif()
endif()
target_compile_definitions(cede_internal INTERFACE CEDE_HAVE_LIBDW=${CEDE_HAVE_LIBDW})

# Copies a header-only dependency of this machine into the build tree: a cross build may use its
# text, but must not search /usr/include, where headers of another architecture lie beside it.
function(cede_stage_headers target folder)
  if(NOT EXISTS /usr/include/${folder})
    message(FATAL_ERROR "/usr/include/${folder} is missing: run ./dev setup")
  endif()
  file(COPY /usr/include/${folder} DESTINATION ${PROJECT_BINARY_DIR}/staged)
  add_library(${target} INTERFACE)
  target_include_directories(${target} SYSTEM INTERFACE ${PROJECT_BINARY_DIR}/staged)
endfunction()

# fmt is used header-only: the program then depends on no library beyond those of cede itself.
if(CEDE_BUILD_PROGRAM OR CEDE_BUILD_BENCHMARKS)
  if(CMAKE_CROSSCOMPILING)
    cede_stage_headers(cede_fmt fmt)
    target_compile_definitions(cede_fmt INTERFACE FMT_HEADER_ONLY=1)
    cede_stage_headers(cede_cli11 CLI)
  else()
    find_package(fmt REQUIRED)
    add_library(cede_fmt ALIAS fmt::fmt-header-only)
    find_package(CLI11 REQUIRED)
    add_library(cede_cli11 ALIAS CLI11::CLI11)
  endif()
endif()

if(CEDE_BUILD_TESTS)
  include(GoogleTest)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  if(CMAKE_CROSSCOMPILING)
    set(INSTALL_GTEST OFF)
    add_subdirectory(/usr/src/googletest ${PROJECT_BINARY_DIR}/googletest EXCLUDE_FROM_ALL SYSTEM)
  else()
    find_package(GTest REQUIRED)
  endif()
endif()

if(CEDE_BUILD_BENCHMARKS)
  find_package(benchmark QUIET)
  find_package(Boost QUIET COMPONENTS context)
  if(NOT benchmark_FOUND)
    message(STATUS "Google Benchmark is not installed: the micro-benchmarks are left out")
  endif()
endif()
