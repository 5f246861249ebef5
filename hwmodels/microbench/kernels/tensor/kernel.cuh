// SPDX-License-Identifier: Apache-2.0
// Launch of a kernel with more shared memory than the default allows.
#pragma once

#include "kernels/cuda.h"

namespace microbench::tensor {

template <class Arguments>
void launch(void (*kernel)(Arguments), dim3 grid, int threads, int shared_bytes, const Arguments& arguments,
            Stream stream, const char* name) {
    if (shared_bytes > 48 * 1024) {
        check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes), name);
    }
    kernel<<<grid, static_cast<unsigned>(threads), static_cast<std::size_t>(shared_bytes), stream>>>(
        arguments);
    check_launch(name);
}

inline dim3 grid_of(int x, int y = 1, int z = 1) {
    return {static_cast<unsigned>(x), static_cast<unsigned>(y), static_cast<unsigned>(z)};
}

}   // namespace microbench::tensor
