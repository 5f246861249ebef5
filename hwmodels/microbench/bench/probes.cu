// SPDX-License-Identifier: Apache-2.0
// latency: dependent loads. launch: what a kernel costs when it does nothing.
#include <algorithm>
#include <chrono>

#include "bench/benches.h"
#include "device/resources.h"
#include "host/shape.h"
#include "kernels/cuda.h"
#include "kernels/index/chase.h"
#include "kernels/probe.h"
#include "kernels/stream.h"

namespace microbench {
namespace {

constexpr std::uint64_t cycle_seed = 5;

/// Links in device memory, one in each cache line.
std::shared_ptr<std::uint64_t> upload_links(const std::vector<std::uint64_t>& next) {
    constexpr std::size_t step = chase_stride / sizeof(std::uint64_t);
    std::vector<std::uint64_t> spaced(next.size() * step);
    for (std::size_t i = 0; i < next.size(); ++i) spaced[i * step] = next[i];
    auto links = allocate_array<std::uint64_t>(spaced.size());
    upload(links.get(), spaced);
    return links;
}

using Clock = std::chrono::steady_clock;

double us_since(Clock::time_point start) {
    return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

struct EmptyKernels {
    OwnedStream stream = make_stream();
    OwnedGraph graph;
    std::shared_ptr<unsigned long long> counter = allocate_array<unsigned long long>(1);
};

OwnedGraph empty_graph(cudaStream_t stream, int nodes, unsigned long long* counter) {
    check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "begin to capture");
    for (int i = 0; i < nodes; ++i) launch_empty(counter, false, stream);
    cudaGraph_t graph = nullptr;
    check(cudaStreamEndCapture(stream, &graph), "end the capture");
    cudaGraphExec_t executable = nullptr;
    const cudaError_t status = cudaGraphInstantiate(&executable, graph, 0);
    (void)cudaGraphDestroy(graph);
    check(status, "instantiate the graph");
    return OwnedGraph(executable);
}

/// All nodes must have run once, whichever way they are launched.
double count_error(const std::string& mode, int nodes) {
    EmptyKernels e;
    check(cudaMemset(e.counter.get(), 0, sizeof(unsigned long long)), "clear the counter");
    if (mode.ends_with("graph")) {
        e.graph = empty_graph(e.stream.get(), nodes, e.counter.get());
        check(cudaGraphLaunch(e.graph.get(), e.stream.get()), "launch the graph");
    } else {
        for (int i = 0; i < nodes; ++i) launch_empty(e.counter.get(), mode == "dependent", e.stream.get());
    }
    wait(e.stream.get());
    return download(e.counter.get(), 1)[0] == static_cast<unsigned long long>(nodes) ? 0 : 2;
}

/// Host time of submitting, on an idle stream that is waited for afterwards.
std::function<Sample()> host_sampler(std::shared_ptr<EmptyKernels> e, int nodes) {
    return [e, nodes] {
        const auto start = Clock::now();
        if (e->graph) {
            check(cudaGraphLaunch(e->graph.get(), e->stream.get()), "launch the graph");
        } else {
            for (int i = 0; i < nodes; ++i) launch_empty(nullptr, false, e->stream.get());
        }
        const double us = us_since(start);
        wait(e->stream.get());
        return Sample{us, 0, 0};
    };
}

}   // namespace

Prepared prepare_latency(const Case& c, const Device& device) {
    const auto bytes = static_cast<std::uint64_t>(dimension(c, "footprint"));
    const int hops = static_cast<int>(c.operations);
    const auto next =
        std::make_shared<std::vector<std::uint64_t>>(random_cycle(bytes / chase_stride, cycle_seed));
    const auto links = upload_links(*next);
    const auto place = allocate_array<std::uint64_t>(1);
    check(cudaMemset(place.get(), 0, sizeof(std::uint64_t)), "start of the chase");
    const auto sink = allocate_array<unsigned long long>(1);
    Prepared p;
    p.launch = [links, place, hops](Stream s, int) { launch_chase(links.get(), place.get(), hops, s); };
    p.error = [=, launch = p.launch, blocks = device.multiprocessors * 4] {
        run_once(launch);
        std::uint64_t at = 0;
        for (int i = 0; i < hops; ++i) at = (*next)[at];
        const bool same = download(place.get(), 1)[0] == at;
        // Reads the whole buffer once: what fits into the L2 cache is there before the first sample.
        launch_read(links.get(), static_cast<long long>(bytes / 16), 1, sink.get(), blocks, nullptr);
        wait(nullptr);
        return same ? 0.0 : 2.0;
    };
    p.reference = "the same walk on the CPU";
    return p;
}

Prepared prepare_launch(const Case& c, const Device&) {
    const std::string mode = label(c, "mode");
    const int nodes = static_cast<int>(dimension(c, "nodes"));
    const auto e = std::make_shared<EmptyKernels>();
    if (mode.ends_with("graph")) {
        e->graph = empty_graph(e->stream.get(), nodes, nullptr);
        check(cudaGraphUpload(e->graph.get(), e->stream.get()), "upload the graph");
        wait(e->stream.get());
    }
    Prepared p;
    p.error = [mode, nodes] { return count_error(mode, nodes); };
    p.reference = "number of kernels that ran";
    if (mode.starts_with("host_")) {
        p.sample = host_sampler(e, nodes);
        return p;
    }
    p.capture = mode == "dependent";   // a graph of graphs would time something else
    if (mode == "graph") {
        p.launch = [e](Stream s, int) { check(cudaGraphLaunch(e->graph.get(), s), "launch the graph"); };
    } else {
        p.launch = [nodes, dependent = mode == "dependent"](Stream s, int) {
            for (int i = 0; i < nodes; ++i) launch_empty(nullptr, dependent, s);
        };
    }
    return p;
}

}   // namespace microbench
