# SPDX-License-Identifier: Apache-2.0
# The CUDA program. The architectures are set before the language is enabled; sm_90a and sm_100a hold instructions of one chip only, and 80 covers the rest.
include(CheckLanguage)
if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  find_program(MICROBENCH_NVCC nvcc HINTS /usr/local/cuda/bin)
  if(MICROBENCH_NVCC)
    set(CMAKE_CUDA_COMPILER ${MICROBENCH_NVCC})
  endif()
endif()
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  message(STATUS "moecost-microbench: left out, no nvcc found (looked on PATH and in /usr/local/cuda/bin)")
  return()
endif()
if(NOT CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES "80-real;90a-real;100a-real" CACHE STRING "GPU architectures of the microbenchmarks")
endif()
enable_language(CUDA)
# CUDA targets take over the C++ standard and the features of what they link. CMake 3.25 refuses that for nvcc 13
# ("requires the language dialect CUDA20"): it is told the option here.
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
  list(APPEND CMAKE_CUDA_COMPILE_FEATURES cuda_std_20)
endif()
find_package(CUDAToolkit REQUIRED)

file(GLOB cuda_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/kernels/*.cu
     ${CMAKE_CURRENT_LIST_DIR}/kernels/tensor/*.cu ${CMAKE_CURRENT_LIST_DIR}/bench/*.cu
     ${CMAKE_CURRENT_LIST_DIR}/device/*.cu)
add_library(moecost_microbench_kernels STATIC ${cuda_sources})
target_include_directories(moecost_microbench_kernels PRIVATE ${CMAKE_CURRENT_LIST_DIR}
  ${CMAKE_CURRENT_LIST_DIR}/kernels/tensor/ptx ${MOECOST_INCLUDES})
set_target_properties(moecost_microbench_kernels PROPERTIES CUDA_STANDARD 20 CUDA_STANDARD_REQUIRED ON)
target_compile_options(moecost_microbench_kernels PRIVATE
  --expt-relaxed-constexpr -lineinfo --Werror=all-warnings -Xcompiler=-Wall,-Wextra)

add_executable(moecost-microbench ${CMAKE_CURRENT_LIST_DIR}/main.cpp)
target_link_libraries(moecost-microbench PRIVATE moecost_microbench_kernels moecost_microbench_host moecost_flags
  CUDA::cudart_static CUDA::cublasLt ${CMAKE_DL_LIBS})
set_target_properties(moecost-microbench PROPERTIES
  LINKER_LANGUAGE CXX RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
