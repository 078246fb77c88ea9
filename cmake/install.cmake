# What cmake --install lays down: headers, both libraries, the program, the CMake package and the
# pkg-config file.

include(CMakePackageConfigHelpers)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/cede DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.hpp")
install(TARGETS cede_static cede_shared EXPORT cede_targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET cede)
  install(TARGETS cede RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
# The servers that `cede compare` compares with: the hand-written ones as programs, the others as
# sources, since it builds them when it is asked to.
foreach(baseline IN ITEMS epoll uring threads)
  if(TARGET echo_baseline_${baseline})
    install(TARGETS echo_baseline_${baseline} RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/cede)
  endif()
endforeach()
if(TARGET cede)
  foreach(peer IN ITEMS go tokio asio)
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/bench/peers/${peer}
      DESTINATION ${CMAKE_INSTALL_DATADIR}/cede/peers)
  endforeach()
endif()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/cede)
install(EXPORT cede_targets NAMESPACE cede:: FILE cede-targets.cmake DESTINATION ${package_folder})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/cede-config.cmake.in
  ${PROJECT_BINARY_DIR}/cede-config.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cede-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/cede-config.cmake ${PROJECT_BINARY_DIR}/cede-config-version.cmake
  DESTINATION ${package_folder})

set(CEDE_PRIVATE_LIBRARIES)
if(CEDE_HAVE_LIBDW)
  set(CEDE_PRIVATE_LIBRARIES -ldw)
endif()
file(RELATIVE_PATH CEDE_PREFIX_FROM_PC
  /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(${PROJECT_SOURCE_DIR}/cmake/cede.pc.in ${PROJECT_BINARY_DIR}/cede.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/cede.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
