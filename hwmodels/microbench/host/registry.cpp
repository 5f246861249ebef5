// SPDX-License-Identifier: Apache-2.0
#include "host/registry.h"

#include "bench/tensor_benches.h"
#include "host/cases/cases.h"

namespace microbench {

std::vector<Bench> listed_benches() {
    std::vector<Bench> benches{
        {"stream", "memory bandwidth: ceiling of every memory efficiency", stream_cases, nullptr},
        {"l2", "L2 bandwidth and the footprint beyond which it ends", l2_cases, nullptr},
        {"latency", "latency of a dependent load in L1, L2 and memory", latency_cases, nullptr},
        {"launch", "floor of a kernel: device gap and host time per launch", launch_cases, nullptr},
        {"gemm", "gemm: floor, compute, memory, overlap_exponent, wave_tail, split_k", gemm_cases, nullptr},
        {"small_ops", "small_op_passes: the small kernels of a layer", small_op_cases, nullptr},
        {"peer", "link bandwidth and latency between two GPUs", peer_cases, nullptr},
        {"nccl", "collectives: all-reduce, all-gather, reduce-scatter, all-to-all", nccl_cases, nullptr},
        {"allreduce", "all_reduce: one_shot, two_shot, bandwidths, per_rank", all_reduce_cases, nullptr},
        {"overlap", "how much communication hides behind a GEMM", overlap_cases, nullptr},
        {"clocks", "sustained clock and power under load", clock_cases, nullptr},
    };
    for (const Bench& bench : tensor_listing()) benches.push_back(bench);
    return benches;
}

}   // namespace microbench
