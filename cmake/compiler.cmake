# Settings that every translation unit of the tree shares.

find_program(CEDE_CCACHE ccache)
if(CEDE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${CEDE_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CEDE_CCACHE})
endif()

# One spelling for each architecture: the name of its folder in src/context/.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
  set(CEDE_ARCH x86_64)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(CEDE_ARCH aarch64)
else()
  message(FATAL_ERROR "cede runs on x86_64 and aarch64, not on ${CMAKE_SYSTEM_PROCESSOR}")
endif()

# A sanitizer sees all of a program or none of it, so its flags go to everything below this folder.
if(CEDE_SANITIZE)
  add_compile_options(-fsanitize=${CEDE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${CEDE_SANITIZE})
  if(CEDE_SANITIZE MATCHES undefined)
    # The vptr check opens a pipe to look at memory and reports a false error where there are no
    # descriptors left, which is what some tests are about.
    add_compile_options(-fno-sanitize=vptr)
  endif()
endif()

# What cede's own code is compiled with; never installed, so users keep their own choice of warnings.
add_library(cede_internal INTERFACE)
target_include_directories(cede_internal INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_compile_options(cede_internal INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Wshadow>
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${CEDE_WERROR}>>:-Werror>)
if(CEDE_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # Instrumented code hides assignments from -Wmaybe-uninitialized, as GCC's manual warns; and
  # -Wtsan repeats that TSan does not model std::atomic_thread_fence.
  target_compile_options(cede_internal INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-Wno-maybe-uninitialized;-Wno-tsan>)
endif()
