// SPDX-License-Identifier: Apache-2.0
#include "device/backend.h"

#include <cublasLt.h>

#include <chrono>

#include "device/nccl.h"
#include "device/nvml.h"
#include "device/timer.h"
#include "host/rotation.h"
#include "host/session.h"
#include "kernels/cuda.h"

namespace microbench {
namespace {

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int device_count() {
    int count = 0;
    const cudaError_t status = cudaGetDeviceCount(&count);
    if (status != cudaSuccess) {
        throw NoDevice{std::string("no CUDA device: ").append(cudaGetErrorString(status))};
    }
    if (count == 0) throw NoDevice{"no CUDA device"};
    return count;
}

double free_memory() {
    std::size_t available = 0;
    std::size_t total = 0;
    check(cudaMemGetInfo(&available, &total), "free memory");
    return static_cast<double>(available);
}

Device describe(int count) {
    check(cudaSetDevice(0), "choose a device");
    cudaDeviceProp p{};
    check(cudaGetDeviceProperties(&p, 0), "properties of the device");
    Device d;
    d.name = p.name;
    d.compute_capability = 10 * p.major + p.minor;
    d.multiprocessors = p.multiProcessorCount;
    d.memory_bytes = static_cast<double>(p.totalGlobalMem);
    d.free_bytes = free_memory();
    d.l2_bytes = p.l2CacheSize;
    d.shared_bytes_per_block = static_cast<double>(p.sharedMemPerBlockOptin);
    d.count = count;
    return d;
}

std::string version_text(int version) {   // 13000 is 13.0
    return std::to_string(version / 1000).append(".").append(std::to_string(version % 1000 / 10));
}

std::vector<std::pair<std::string, std::string>> facts() {
    std::vector<std::pair<std::string, std::string>> all;
    int version = 0;
    if (cudaRuntimeGetVersion(&version) == cudaSuccess)
        all.emplace_back("cuda_runtime", version_text(version));
    if (cudaDriverGetVersion(&version) == cudaSuccess)
        all.emplace_back("cuda_driver_api", version_text(version));
    all.emplace_back("cublaslt", std::to_string(cublasLtGetVersion()));
    all.emplace_back("nccl", nccl_version());
    for (auto& fact : PowerMeter(0).facts()) all.push_back(std::move(fact));
    return all;
}

/// An error of an earlier case may have spoiled the context of this process; a new one is made then.
void clean_context() {
    (void)cudaGetLastError();
    if (cudaDeviceSynchronize() == cudaSuccess) return;
    check(cudaDeviceReset(), "start again after an error");
    check(cudaSetDevice(0), "choose a device");
}

Opened open_case(const Bench& bench, const Case& c, const Device& device) {
    if (bench.prepare == nullptr) throw SkipCase{"no kernel for it in this build"};
    clean_context();
    const auto prepared = std::make_shared<Prepared>(bench.prepare(c, device));
    if (!prepared->error) throw SkipCase{"it has no reference to be checked against"};
    Opened opened;
    opened.error = prepared->error();
    opened.reference = prepared->reference;
    opened.warm = c.operations == 1 && c.work.bytes > 0 && prepared->launch != nullptr &&
                  warm(c.work.bytes, prepared->copies, device.l2_bytes);
    if (!(opened.error <= 1)) return opened;   // measure() refuses it: nothing is timed
    if (prepared->sample) {
        opened.sample = [prepared] { return prepared->sample(); };
    } else {
        opened.sample = make_sampler(prepared, c.operations);
    }
    return opened;
}

}   // namespace

Backend cuda_backend() {
    Backend backend;
    backend.name = "cuda";
    backend.device = describe(device_count());
    backend.facts = facts();
    backend.clock = now;
    backend.recover = [] {
        try {
            clean_context();
            return true;
        } catch (const CudaError&) {
            return false;
        }
    };
    backend.open = [device = backend.device](const Bench& bench, const Case& c) {
        return open_case(bench, c, device);
    };
    return backend;
}

}   // namespace microbench
