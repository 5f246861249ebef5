# SPDX-License-Identifier: Apache-2.0
# The Python module beside the program, and its notebook, where pybind11 was found (tools/python/CMakeLists.txt).
if(NOT TARGET moecost_python)
  add_test(NAME python COMMAND ${CMAKE_COMMAND} -E echo "skipped: pybind11-dev and python3-dev are not installed")
  set_tests_properties(python PROPERTIES SKIP_REGULAR_EXPRESSION "skipped:")
  return()
endif()
set_target_properties(moecost_python PROPERTIES EXCLUDE_FROM_ALL FALSE)
foreach(name python python_notebook)
  add_test(NAME ${name} COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/python/${name}.sh ${Python_EXECUTABLE} ${CMAKE_BINARY_DIR}
           ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 900)
endforeach()
