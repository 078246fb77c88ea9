# The measuring layer, the program cede, the examples and the benchmarks.

if(NOT CEDE_BUILD_PROGRAM AND NOT CEDE_BUILD_BENCHMARKS AND NOT CEDE_BUILD_EXAMPLES)
  return()
endif()

function(cede_glob result)
  file(GLOB sources CONFIGURE_DEPENDS ${ARGN})
  list(FILTER sources EXCLUDE REGEX "_(test|benchmark)\\.cpp$")
  set(${result} ${sources} PARENT_SCOPE)
endfunction()

# src/measure and src/cli are static libraries of their own, so that their tests can link them.
# A folder in one of them is a room of that layer.
function(cede_upper_layer layer)
  cede_glob(sources
    ${PROJECT_SOURCE_DIR}/src/${layer}/*.cpp ${PROJECT_SOURCE_DIR}/src/${layer}/*/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/cli/main\\.cpp$")
  if(sources)
    add_library(cede_${layer} STATIC ${sources})
    target_link_libraries(cede_${layer}
      PUBLIC cede_static cede_fmt PRIVATE cede_internal ${ARGN})
  else()
    add_library(cede_${layer} INTERFACE)
    target_link_libraries(cede_${layer} INTERFACE cede_static cede_fmt ${ARGN})
  endif()
  file(GLOB tests CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/src/${layer}/*_test.cpp ${PROJECT_SOURCE_DIR}/src/${layer}/*/*_test.cpp)
  if(tests AND CEDE_BUILD_TESTS AND NOT CEDE_TEST_LAYERS)
    cede_test(cede_${layer}_test ${layer} ${tests})
    target_link_libraries(cede_${layer}_test PRIVATE cede_${layer} ${ARGN})
  endif()
endfunction()

if(CEDE_BUILD_PROGRAM OR CEDE_BUILD_BENCHMARKS)
  cede_upper_layer(measure cede_json)
  include(embed)
  set(page ${PROJECT_SOURCE_DIR}/src/measure/report/page)
  cede_embed(cede_measure chart_js ${CEDE_CHART_JS})
  cede_embed(cede_measure page_script ${page}/script.js)
  cede_embed(cede_measure page_style ${page}/style.css)
  # Where an installed program finds the peers that it is compared with: relative to itself, so
  # that the installed tree can be moved.
  file(RELATIVE_PATH peers ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_DATADIR}/cede/peers)
  file(RELATIVE_PATH libexec ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBEXECDIR}/cede)
  set_source_files_properties(${PROJECT_SOURCE_DIR}/src/measure/compare/peer_places.cpp PROPERTIES
    COMPILE_DEFINITIONS "CEDE_PEERS_FROM_PROGRAM=\"${peers}\";CEDE_LIBEXEC_FROM_PROGRAM=\"${libexec}\"")
endif()
if(CEDE_BUILD_PROGRAM)
  cede_upper_layer(cli cede_measure cede_cli11)
  if(EXISTS ${PROJECT_SOURCE_DIR}/src/cli/main.cpp)
    target_compile_definitions(cede_cli PRIVATE CEDE_VERSION="${PROJECT_VERSION}")
    add_executable(cede ${PROJECT_SOURCE_DIR}/src/cli/main.cpp)
    target_link_libraries(cede PRIVATE cede_cli cede_cli11 cede_internal)
    set_target_properties(cede PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
  endif()
endif()

# examples/<name>.cpp makes examples/<name>; an example sees the public headers only.
if(CEDE_BUILD_EXAMPLES)
  cede_glob(sources ${PROJECT_SOURCE_DIR}/examples/*.cpp)
  foreach(source IN LISTS sources)
    cmake_path(GET source STEM name)
    add_executable(example_${name} ${source})
    target_link_libraries(example_${name} PRIVATE cede::cede)
    target_compile_options(example_${name} PRIVATE -Wall -Wextra -Wpedantic -Wshadow)
    set_target_properties(example_${name} PROPERTIES
      OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples)
  endforeach()
endif()

if(NOT CEDE_BUILD_BENCHMARKS)
  return()
endif()

# src/<layer>/*_benchmark.cpp: one program, filtered by name when it runs.
file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*_benchmark.cpp)
if(sources AND benchmark_FOUND)
  add_executable(cede_benchmarks ${sources})
  target_link_libraries(cede_benchmarks PRIVATE
    cede_measure cede_internal benchmark::benchmark_main benchmark::benchmark)
  if(TARGET Boost::context)
    target_link_libraries(cede_benchmarks PRIVATE Boost::context)
    target_compile_definitions(cede_benchmarks PRIVATE CEDE_HAVE_BOOST_CONTEXT=1)
  endif()
  set_target_properties(cede_benchmarks PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
endif()

# bench/ holds whole servers and their load, each workload with a list of its own.
if(EXISTS ${PROJECT_SOURCE_DIR}/bench/CMakeLists.txt)
  add_subdirectory(${PROJECT_SOURCE_DIR}/bench)
endif()
