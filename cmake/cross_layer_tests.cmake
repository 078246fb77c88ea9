# Tests of more than one layer: tests/*_test.cpp makes cede_tests; tests/*_test.py and
# tests/cli/*_test.py are tests of their own (label "program"), tests/project/*_test.py test the
# tools of this project, and tests/install builds an outside project (label "install").

if(CEDE_TEST_LAYERS)
  return()
endif()

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/*_test.cpp)
if(sources)
  cede_test(cede_tests cross_layer ${sources})
  if(TARGET cede_measure)
    target_link_libraries(cede_tests PRIVATE cede_measure)
  endif()
  if(TARGET cede)
    add_dependencies(cede_tests cede)
  endif()
  # A library that preemptive fibers are tried with.
  find_package(OpenSSL QUIET COMPONENTS Crypto)
  target_compile_definitions(cede_tests PRIVATE CEDE_HAVE_OPENSSL=$<BOOL:${OPENSSL_FOUND}>)
  if(OPENSSL_FOUND)
    target_link_libraries(cede_tests PRIVATE OpenSSL::Crypto)
  endif()
endif()

# A script runs a program many times, under a sanitizer slowly.
set(CEDE_SCRIPT_TIMEOUT 300)

function(cede_script_tests label)
  foreach(script IN LISTS ARGN)
    cmake_path(GET script STEM name)
    add_test(NAME ${name} COMMAND ${Python3_EXECUTABLE} ${script})
    set_tests_properties(${name} PROPERTIES
      LABELS ${label} TIMEOUT ${CEDE_SCRIPT_TIMEOUT} ENVIRONMENT "${CEDE_TEST_ENVIRONMENT}")
  endforeach()
endfunction()

file(GLOB scripts CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/tests/*_test.py ${PROJECT_SOURCE_DIR}/tests/cli/*_test.py)
# Whole comparisons take minutes: once as built for users and once under ASan and UBSan is enough.
if(CEDE_SANITIZE MATCHES thread OR CMAKE_CXX_COMPILER_ID MATCHES Clang)
  list(FILTER scripts EXCLUDE REGEX "/compare(_[a-z]+)?_test\\.py$")
endif()
# The valgrind of Debian 12 cannot read the debug information of clang 19.
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  list(FILTER scripts EXCLUDE REGEX "/valgrind_test\\.py$")
endif()
cede_script_tests(program ${scripts})
# A page that several processes share counts in parts: other tests that run the program would change
# what a server's memory is found to be.
if(TEST compare_test)
  set_tests_properties(compare_test PROPERTIES RUN_SERIAL TRUE)
endif()
# The example of a server binds the port that the documentation shows.
set_tests_properties(examples_test PROPERTIES RESOURCE_LOCK port_7000)

# A sanitizer would find nothing in these: one run of them is enough.
if(NOT CEDE_SANITIZE AND NOT CMAKE_CROSSCOMPILING)
  file(GLOB scripts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/project/*_test.py)
  cede_script_tests(project ${scripts})
  add_test(NAME outside_project
    COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/install/outside_project.py
      --build ${PROJECT_BINARY_DIR} --cmake ${CMAKE_COMMAND} --compiler ${CMAKE_CXX_COMPILER})
  set_tests_properties(outside_project PROPERTIES
    LABELS install TIMEOUT 300 RESOURCE_LOCK port_7000)
endif()
