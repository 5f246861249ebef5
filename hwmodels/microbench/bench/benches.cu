// SPDX-License-Identifier: Apache-2.0
#include "bench/benches.h"

#include "bench/tensor_benches.h"
#include "host/registry.h"

namespace microbench {
namespace {

using Prepare = Prepared (*)(const Case&, const Device&);

Prepare prepare_of(std::string_view bench) {
    struct Entry {
        std::string_view bench;
        Prepare prepare;
    };
    static constexpr Entry entries[] = {
        {"stream", prepare_stream},   {"l2", prepare_l2},         {"latency", prepare_latency},
        {"launch", prepare_launch},   {"gemm", prepare_gemm},     {"small_ops", prepare_small_op},
        {"peer", prepare_peer},       {"nccl", prepare_nccl},     {"allreduce", prepare_all_reduce},
        {"overlap", prepare_overlap}, {"clocks", prepare_clocks},
    };
    for (const Entry& entry : entries) {
        if (entry.bench == bench) return entry.prepare;
    }
    return tensor_prepare(bench);
}

}   // namespace

std::vector<Bench> benches() {
    std::vector<Bench> all = listed_benches();
    for (Bench& bench : all) bench.prepare = prepare_of(bench.name);
    return all;
}

}   // namespace microbench
