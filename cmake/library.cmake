# The library: every layer from base to runtime, compiled once and archived as libcede.a and
# libcede.so alike.

set(CEDE_LIBRARY_LAYERS base context sched sync scope io net runtime)

set(sources)
foreach(layer IN LISTS CEDE_LIBRARY_LAYERS)
  file(GLOB found CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${layer}/*.cpp)
  list(APPEND sources ${found})
endforeach()
file(GLOB found CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/src/context/${CEDE_ARCH}/*.cpp
  ${PROJECT_SOURCE_DIR}/src/context/${CEDE_ARCH}/*.S
  ${PROJECT_SOURCE_DIR}/src/sched/*/*.cpp)
list(APPEND sources ${found})
list(FILTER sources EXCLUDE REGEX "_(test|benchmark)\\.cpp$")

# One compilation serves both libraries, so the code is position independent. What that would cost
# the static one is taken back: -fno-semantic-interposition lets the compiler inline and bind calls
# within cede, and the initial-exec model reads a thread_local without calling __tls_get_addr (the
# linker turns it into a plain fs-relative load in a program).
add_library(cede_objects OBJECT ${sources})
set_target_properties(cede_objects PROPERTIES POSITION_INDEPENDENT_CODE ON)
target_compile_features(cede_objects PUBLIC cxx_std_23)
target_compile_options(cede_objects PRIVATE
  $<$<COMPILE_LANGUAGE:CXX>:-fno-semantic-interposition;-ftls-model=initial-exec>)
target_include_directories(cede_objects PUBLIC ${PROJECT_SOURCE_DIR}/include)
target_link_libraries(cede_objects PRIVATE cede_internal Threads::Threads)

function(cede_library target kind export_name)
  add_library(${target} ${kind} $<TARGET_OBJECTS:cede_objects>)
  add_library(cede::${export_name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME cede EXPORT_NAME ${export_name}
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  target_compile_features(${target} PUBLIC cxx_std_23)
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${target} PUBLIC Threads::Threads)
  if(CEDE_HAVE_LIBDW)
    target_link_libraries(${target} PRIVATE dw)
  endif()
  # The first call through a lazy PLT entry saves every vector register on the caller's stack, a
  # fiber's small one, and takes the loader's lock: programs that use cede bind at start.
  target_link_options(${target} PUBLIC LINKER:-z,now)
endfunction()
cede_library(cede_static STATIC static)
cede_library(cede_shared SHARED shared)
target_link_options(cede_shared PRIVATE LINKER:-Bsymbolic-functions)
add_library(cede::cede ALIAS cede_static)
