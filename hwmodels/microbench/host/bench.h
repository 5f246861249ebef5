// SPDX-License-Identifier: Apache-2.0
// What the harness and the kernels agree on: a case is one row of an output table; a bench lists its cases and prepares
// one at a time; a back end times what was prepared. Plain C++: no CUDA header, so that all of it is tested without one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct CUstream_st;

namespace microbench {

using Stream = CUstream_st*;   // cudaStream_t

/// Work of one call by the formulas of host/formulas.h.
struct Work {
    double flop = 0;
    double bytes = 0;   // that must cross the memory (or, for collectives, the links) once
};

/// One shape of one operation.
struct Case {
    std::string table{};    // output file without .csv: gemm, moe, attention_decode, stream, ...
    std::string kernel{};   // implementation: cublaslt, mma_grouped, ...
    std::string dtype{};    // as measured tables spell it: bfloat16, fp8, nvfp4
    std::vector<std::pair<std::string, double>>
        shape{};   // columns of the table that identify the case, in order
    Work work{};
    double device_bytes = 0;      // memory the case needs, all rotating copies included
    std::string distribution{};   // of tokens over experts; empty where there is none
    std::vector<std::pair<std::string, std::string>>
        labels{};            // other text columns: kv_dtype, op, mode, ...
    double operations = 1;   // in one launch: the time of a sample is divided by it

    /// "gemm/cublaslt/bfloat16/n=4096/k=4096/m=64": unique; what --filter matches. Labels stand before the shape.
    [[nodiscard]] std::string name() const;
};

/// One timed sample of one call. Zero where it is not known.
struct Sample {
    double time_us = 0;
    double sm_mhz = 0;    // mean clock of the multiprocessors while it ran
    double power_w = 0;   // mean board power
};

/// A case ready to run on the device. The memory it holds is freed with it.
struct Prepared {
    /// Enqueues one call on operand copy `copy` of `copies` (rotating beyond the L2 cache). Captured into a graph.
    std::function<void(Stream, int copy)> launch{};
    int copies = 1;
    /// Runs once, compares with the CPU reference (float64 accumulation): largest error over `tolerance`; <= 1 passes.
    std::function<double()> error{};
    std::string reference{};   // what it was compared with, one line
    std::shared_ptr<void> memory{};
    bool capture =
        true;   // false: launched call by call, not as a graph (several devices, graphs themselves)
    std::function<Sample()> sample{};   // where set, it times one call itself and `launch` is not used
};

/// What is known of the device before anything runs.
struct Device {
    std::string name{};
    int compute_capability = 0;   // 90, 100, ...
    int multiprocessors = 0;
    double memory_bytes = 0;
    double free_bytes = 0;
    double l2_bytes = 0;
    double shared_bytes_per_block = 0;
    int count = 1;   // devices in the machine, for peer copies and collectives
};

/// One group of cases of one table. `prepare` throws SkipCase with one line when the case cannot run here; it is null
/// in the program without CUDA, which only lists and replays.
struct Bench {
    std::string_view name{};         // as in --list
    std::string_view calibrates{};   // which parameters its rows decide
    std::vector<Case> (*cases)(const Device&) = nullptr;
    Prepared (*prepare)(const Case&, const Device&) = nullptr;
};

/// A case that cannot run on this device: not enough memory, unsupported type, missing library.
struct SkipCase {
    std::string reason;
};

}   // namespace microbench
