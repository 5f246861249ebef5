# SPDX-License-Identifier: Apache-2.0
# cmake --install: the program, the library with its headers, and a package that find_package(moecost) finds.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS moecost_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT moecost)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME libmoecost-dev)
install(TARGETS moecost moecost_core moecost_search moecost_fit moecost_flags EXPORT moecostTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/sim/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/moecost
        FILES_MATCHING PATTERN "*.h")

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/moecost)
install(EXPORT moecostTargets NAMESPACE moecost:: DESTINATION ${package})
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/moecostConfig.cmake @ONLY CONTENT
"include(CMakeFindDependencyMacro)
find_dependency(tomlplusplus CONFIG)
find_dependency(Threads)
find_dependency(ZLIB)
include(\${CMAKE_CURRENT_LIST_DIR}/moecostTargets.cmake)
")
write_basic_package_version_file(${CMAKE_BINARY_DIR}/moecostConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/moecostConfig.cmake ${CMAKE_BINARY_DIR}/moecostConfigVersion.cmake
        DESTINATION ${package})
