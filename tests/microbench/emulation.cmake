# SPDX-License-Identifier: Apache-2.0
# Kernels run thread by thread on the CPU. The emulator and the tests that run it are optimised in every build, the one
# with sanitizers included: they take most of its time.
set(folder ${CMAKE_CURRENT_SOURCE_DIR}/microbench)
file(GLOB emulation_sources CONFIGURE_DEPENDS ${folder}/emulation/*.cpp)
file(GLOB emulated_tests CONFIGURE_DEPENDS ${folder}/test_tensor_*.cpp)
target_sources(test_microbench PRIVATE ${emulation_sources})
target_include_directories(test_microbench PRIVATE ${folder} ${folder}/emulation)
set_source_files_properties(${emulated_tests} PROPERTIES COMPILE_OPTIONS "-O2")
set_source_files_properties(${emulation_sources} PROPERTIES COMPILE_OPTIONS "-O3")
