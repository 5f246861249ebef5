// SPDX-License-Identifier: Apache-2.0
#include "device/timer.h"

#include "device/latch.h"
#include "device/resources.h"
#include "kernels/cuda.h"

namespace microbench {
namespace {

/// Direct launches that surely fit the queue behind the latch.
constexpr int most_direct = 64;

struct TimedCase {
    std::shared_ptr<Prepared> prepared;
    double operations = 1;
    int launches = 1;
    OwnedStream stream = make_stream();
    OwnedEvent start = make_event();
    OwnedEvent stop = make_event();
    OwnedGraph graph;   // null: launched directly
    Latch latch;
    ClockMeter meter;
};

double between_us(const OwnedEvent& start, const OwnedEvent& stop) {
    float ms = 0;
    check(cudaEventElapsedTime(&ms, start.get(), stop.get()), "time between events");
    return 1e3 * static_cast<double>(ms);
}

void enqueue(const TimedCase& t) {
    if (t.graph) {
        check(cudaGraphLaunch(t.graph.get(), t.stream.get()), "launch the graph");
        return;
    }
    for (int i = 0; i < t.launches; ++i) t.prepared->launch(t.stream.get(), i % t.prepared->copies);
}

/// One call, after one that loads the code.
double one_launch_us(const TimedCase& t) {
    t.prepared->launch(t.stream.get(), 0);
    check(cudaEventRecord(t.start.get(), t.stream.get()), "record an event");
    t.prepared->launch(t.stream.get(), 1 % t.prepared->copies);
    check(cudaEventRecord(t.stop.get(), t.stream.get()), "record an event");
    wait(t.stream.get());
    return between_us(t.start, t.stop);
}

OwnedGraph capture(const TimedCase& t) {
    check(cudaStreamBeginCapture(t.stream.get(), cudaStreamCaptureModeThreadLocal), "begin to capture");
    cudaGraph_t graph = nullptr;
    try {
        for (int i = 0; i < t.launches; ++i) t.prepared->launch(t.stream.get(), i % t.prepared->copies);
    } catch (...) {   // leaves the stream usable, then the case is reported
        (void)cudaStreamEndCapture(t.stream.get(), &graph);
        if (graph != nullptr) (void)cudaGraphDestroy(graph);
        throw;
    }
    check(cudaStreamEndCapture(t.stream.get(), &graph), "end the capture");
    cudaGraphExec_t executable = nullptr;
    const cudaError_t status = cudaGraphInstantiate(&executable, graph, 0);
    (void)cudaGraphDestroy(graph);
    check(status, "instantiate the graph");
    OwnedGraph owned(executable);
    check(cudaGraphUpload(executable, t.stream.get()), "upload the graph");
    wait(t.stream.get());
    return owned;
}

Sample take(TimedCase& t) {
    t.latch.hold(t.stream.get());
    try {
        t.meter.begin(t.stream.get());
        check(cudaEventRecord(t.start.get(), t.stream.get()), "record an event");
        enqueue(t);
        check(cudaEventRecord(t.stop.get(), t.stream.get()), "record an event");
        t.meter.end(t.stream.get());
    } catch (...) {
        t.latch.release();
        throw;
    }
    t.latch.release();
    wait(t.stream.get());
    if (t.latch.gave_up()) throw SkipCase{"the launch queue was full before timing began"};
    return {between_us(t.start, t.stop) / (t.launches * t.operations), t.meter.mhz(), 0};
}

}   // namespace

std::function<Sample()> make_sampler(std::shared_ptr<Prepared> prepared, double operations) {
    auto t = std::make_shared<TimedCase>();
    t->prepared = std::move(prepared);
    t->operations = operations;
    t->launches = launches_for(one_launch_us(*t), t->prepared->copies);
    if (t->prepared->capture) {
        t->graph = capture(*t);
    } else {
        t->launches = std::min(t->launches, most_direct);
    }
    return [t] { return take(*t); };
}

}   // namespace microbench
