# SPDX-License-Identifier: Apache-2.0
# What the core needs where emcc compiles: headers of Debian packages that stand outside its sysroot, exceptions, and
# stand-ins for libraries that only the other parts of the library use, which are not built.
set(headers ${CMAKE_BINARY_DIR}/headers)
file(MAKE_DIRECTORY ${headers})
foreach(package toml++ rapidjson fmt fast_float)
  file(CREATE_LINK /usr/include/${package} ${headers}/${package} SYMBOLIC)
endforeach()
foreach(library Threads::Threads ZLIB::ZLIB Eigen3::Eigen tomlplusplus::tomlplusplus)
  if(NOT TARGET ${library})
    add_library(${library} INTERFACE IMPORTED GLOBAL)
  endif()
endforeach()
set(RAPIDJSON_INCLUDE_DIRS ${headers})
include_directories(SYSTEM ${headers})
add_compile_definitions(FMT_HEADER_ONLY)
add_compile_options(-fwasm-exceptions -include ${CMAKE_SOURCE_DIR}/tools/web/wasm/compat.h)
add_link_options(-fwasm-exceptions)
