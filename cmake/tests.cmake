# Unit tests: src/<layer>/*_test.cpp makes cede_<layer>_test. A test whose name contains "nightly"
# carries the label nightly and is left out of the daily run.

set(CEDE_TEST_TIMEOUT 120 CACHE STRING "Seconds after which a test has hung")

# Where tests that run a whole program find it.
set(CEDE_TEST_ENVIRONMENT
  "CEDE_PROGRAM=${PROJECT_BINARY_DIR}/cede"
  "CEDE_EXAMPLES=${PROJECT_BINARY_DIR}/examples"
  "CEDE_SOURCE=${PROJECT_SOURCE_DIR}"
  "CEDE_SANITIZE=${CEDE_SANITIZE}")

# One variable for the unit tests: gtest_discover_tests takes a list in a property apart.
set(CEDE_SANITIZER_ENVIRONMENT "")
if(CEDE_SANITIZE MATCHES thread)
  set(CEDE_SANITIZER_ENVIRONMENT "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1")
elseif(CEDE_SANITIZE MATCHES undefined)
  set(CEDE_SANITIZER_ENVIRONMENT "UBSAN_OPTIONS=print_stacktrace=1")
endif()
if(CEDE_SANITIZER_ENVIRONMENT)
  list(APPEND CEDE_TEST_ENVIRONMENT ${CEDE_SANITIZER_ENVIRONMENT})
  set(CEDE_UNIT_TEST_ENVIRONMENT ENVIRONMENT ${CEDE_SANITIZER_ENVIRONMENT})
endif()

# Under an emulator memory and mappings are not all the test's own: a test of limits skips itself.
set(CEDE_EMULATED 0)
if(CMAKE_CROSSCOMPILING_EMULATOR)
  set(CEDE_EMULATED 1)
endif()

# tests/fixtures/<name>.cpp makes <name>.so, for tests that load a library.
set(CEDE_FIXTURES ${PROJECT_BINARY_DIR}/tests/fixtures)
file(GLOB fixtures CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/fixtures/*.cpp)
foreach(source IN LISTS fixtures)
  cmake_path(GET source STEM name)
  add_library(fixture_${name} MODULE ${source})
  set_target_properties(fixture_${name} PROPERTIES
    PREFIX "" OUTPUT_NAME ${name} LIBRARY_OUTPUT_DIRECTORY ${CEDE_FIXTURES})
  list(APPEND fixture_targets fixture_${name})
endforeach()

function(cede_test target label)
  add_executable(${target} ${ARGN})
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  target_link_libraries(${target} PRIVATE cede_static cede_internal GTest::gtest_main GTest::gmock)
  target_compile_definitions(${target} PRIVATE
    CEDE_EMULATED=${CEDE_EMULATED} CEDE_FIXTURES="${CEDE_FIXTURES}")
  add_dependencies(${target} ${fixture_targets})
  cede_discover(${target} "-*nightly*" ${label})
  cede_discover(${target} "*nightly*" nightly)
endfunction()

function(cede_discover target filter label)
  string(MAKE_C_IDENTIFIER "${target}_${label}_tests" list)
  gtest_discover_tests(${target}
    TEST_FILTER ${filter} TEST_LIST ${list}
    NO_PRETTY_VALUES DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS ${label} TIMEOUT ${CEDE_TEST_TIMEOUT} ${CEDE_UNIT_TEST_ENVIRONMENT})
endfunction()

# What the compiler does with the registers of AVX-512; its test looks whether they are there.
set_source_files_properties(${PROJECT_SOURCE_DIR}/src/context/x86_64/switch_avx512_code_test.cpp
  PROPERTIES COMPILE_OPTIONS "-O2;-mavx512f;-mavx512bw;-mavx512dq")

foreach(layer IN LISTS CEDE_LIBRARY_LAYERS)
  if(CEDE_TEST_LAYERS AND NOT layer IN_LIST CEDE_TEST_LAYERS)
    continue()
  endif()
  file(GLOB sources CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/src/${layer}/*_test.cpp
    ${PROJECT_SOURCE_DIR}/src/${layer}/${CEDE_ARCH}/*_test.cpp)
  if(layer STREQUAL sched)
    file(GLOB nested CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/sched/*/*_test.cpp)
    list(APPEND sources ${nested})
  endif()
  if(sources)
    cede_test(cede_${layer}_test ${layer} ${sources})
  endif()
endforeach()
