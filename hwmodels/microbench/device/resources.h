// SPDX-License-Identifier: Apache-2.0
// Streams, events and graphs of the CUDA runtime that are destroyed with their owner.
#pragma once

#include <cuda_runtime.h>

#include <memory>

#include "kernels/cuda.h"

namespace microbench {

struct DestroyStream {
    void operator()(cudaStream_t s) const { (void)cudaStreamDestroy(s); }
};
struct DestroyEvent {
    void operator()(cudaEvent_t e) const { (void)cudaEventDestroy(e); }
};
struct DestroyGraph {
    void operator()(cudaGraphExec_t g) const { (void)cudaGraphExecDestroy(g); }
};
using OwnedStream = std::unique_ptr<std::remove_pointer_t<cudaStream_t>, DestroyStream>;
using OwnedEvent = std::unique_ptr<std::remove_pointer_t<cudaEvent_t>, DestroyEvent>;
using OwnedGraph = std::unique_ptr<std::remove_pointer_t<cudaGraphExec_t>, DestroyGraph>;

[[nodiscard]] inline OwnedStream make_stream() {
    cudaStream_t stream = nullptr;
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "create a stream");
    return OwnedStream(stream);
}

/// `timing`: for elapsed times; events that only order streams are cheaper without.
[[nodiscard]] inline OwnedEvent make_event(bool timing = true) {
    cudaEvent_t event = nullptr;
    check(cudaEventCreateWithFlags(&event, timing ? cudaEventDefault : cudaEventDisableTiming),
          "create an event");
    return OwnedEvent(event);
}

/// Makes a device current and the former one again at the end of the scope.
class CurrentDevice {
  public:
    explicit CurrentDevice(int device) {
        check(cudaGetDevice(&former_), "current device");
        check(cudaSetDevice(device), "choose a device");
    }
    ~CurrentDevice() { (void)cudaSetDevice(former_); }
    CurrentDevice(const CurrentDevice&) = delete;
    CurrentDevice& operator=(const CurrentDevice&) = delete;

  private:
    int former_ = 0;
};

}   // namespace microbench
