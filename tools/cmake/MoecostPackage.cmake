# SPDX-License-Identifier: Apache-2.0
# Debian packages by CPack: moecost (program, manual, completion) and libmoecost-dev (library, headers, CMake package).
# tools/packaging/package.sh builds both and asks lintian; the manual and the completions are what the program prints.
set(manual ${CMAKE_BINARY_DIR}/manual)
add_custom_target(manual
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${manual}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${manual}/man1 ${manual}/man7 ${manual}/completion
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/packaging/manual.sh $<TARGET_FILE:moecost_cli> ${manual}
          ${CMAKE_SOURCE_DIR}/tools/packaging/changelog
  DEPENDS moecost_cli VERBATIM)

# Optional: an installation without the target `manual` goes without them.
foreach(section man1 man7)
  install(DIRECTORY ${manual}/${section}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/${section} COMPONENT moecost OPTIONAL)
endforeach()
install(FILES ${manual}/completion/moecost DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
        COMPONENT moecost OPTIONAL)
install(FILES ${manual}/completion/_moecost DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions
        COMPONENT moecost OPTIONAL)
install(FILES ${manual}/completion/moecost.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d
        COMPONENT moecost OPTIONAL)
foreach(package moecost libmoecost-dev)
  set(doc ${CMAKE_INSTALL_DATADIR}/doc/${package})
  install(FILES ${CMAKE_CURRENT_SOURCE_DIR}/packaging/copyright DESTINATION ${doc} COMPONENT ${package})
  install(FILES ${manual}/changelog.gz DESTINATION ${doc} COMPONENT ${package} OPTIONAL)
endforeach()
install(FILES ${CMAKE_CURRENT_SOURCE_DIR}/examples/estimate.cpp
        DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/libmoecost-dev/examples COMPONENT libmoecost-dev)

set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL moecost libmoecost-dev)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
    WORLD_READ WORLD_EXECUTE)
set(CPACK_PACKAGE_NAME moecost)
set(CPACK_PACKAGE_CONTACT "moecost maintainers <maintainers@users.noreply.github.com>")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_MOECOST_PACKAGE_NAME moecost)
set(CPACK_DEBIAN_MOECOST_PACKAGE_SECTION science)
# The first line of both is that of the project; CPack puts a blank before each line of these.
set(CPACK_DEBIAN_MOECOST_DESCRIPTION "Answers in closed form what a deployment of a language model delivers and
costs: tokens per second, latency, memory, dollars and joules per token, from
calibrated laws of accelerators, engines and models.
.
It also finds the deployment to rent for a load within objectives, and the
model to train so that serving at equal loss is cheapest.")
set(CPACK_DEBIAN_LIBMOECOST-DEV_PACKAGE_NAME libmoecost-dev)
set(CPACK_DEBIAN_LIBMOECOST-DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_LIBMOECOST-DEV_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_LIBMOECOST-DEV_PACKAGE_DEPENDS "libtomlplusplus-dev, zlib1g-dev, libc6-dev, libstdc++-12-dev")
set(CPACK_DEBIAN_LIBMOECOST-DEV_DESCRIPTION "The C++20 library behind the program moecost: deployments described and
evaluated in microseconds; sweeps, plans and designs over them.
.
Static libraries, headers and the package that find_package(moecost) finds.")
include(CPack)
