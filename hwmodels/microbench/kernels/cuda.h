// SPDX-License-Identifier: Apache-2.0
// What every .cu file of the suite uses of the CUDA runtime: errors, device memory, transfers, random operands.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "host/bench.h"

namespace microbench {

/// A call of the CUDA runtime failed. The case is reported and left out.
class CudaError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Throws CudaError with the text of `status` unless it is success.
void check(cudaError_t status, const char* what);
/// Checks a launch: the error of the launch itself, without waiting for it.
inline void check_launch(const char* what) { check(cudaGetLastError(), what); }

/// Device memory of `bytes` on the current device; SkipCase when there is not enough.
[[nodiscard]] std::shared_ptr<std::byte> allocate(std::size_t bytes);

template <class T>
[[nodiscard]] std::shared_ptr<T> allocate_array(std::size_t elements) {
    const std::shared_ptr<std::byte> memory = allocate(elements * sizeof(T));
    return {memory, reinterpret_cast<T*>(memory.get())};
}

template <class T>
[[nodiscard]] std::vector<T> download(const T* device, std::size_t elements) {
    std::vector<T> host(elements);
    check(cudaMemcpy(host.data(), device, elements * sizeof(T), cudaMemcpyDeviceToHost), "copy to the host");
    return host;
}

template <class T>
void upload(T* device, const std::vector<T>& host) {
    check(cudaMemcpy(device, host.data(), host.size() * sizeof(T), cudaMemcpyHostToDevice),
          "copy to the device");
}

/// Element i becomes bf16(scale * random_uniform(seed, i)), or the e4m3 of it, or random bytes.
void fill_bf16(__nv_bfloat16* device, std::size_t elements, std::uint64_t seed, float scale = 1);
void fill_e4m3(std::uint8_t* device, std::size_t elements, std::uint64_t seed, float scale = 1);
void fill_bytes(std::uint8_t* device, std::size_t elements, std::uint64_t seed);

/// Waits for the stream and throws CudaError when anything in it failed.
inline void wait(Stream stream) { check(cudaStreamSynchronize(stream), "wait for the stream"); }

/// Runs `prepared.launch` once on the default stream with operand copy 0, and waits: what error() does first.
inline void run_once(const std::function<void(Stream, int)>& launch) {
    launch(nullptr, 0);
    wait(nullptr);
}

}   // namespace microbench
