// SPDX-License-Identifier: Apache-2.0
// peer, nccl, allreduce and overlap. Sizes count as in the common tables: `bytes` is the whole buffer.
#include <algorithm>

#include "host/cases/cases.h"
#include "host/cases/sizes.h"
#include "host/formulas.h"

namespace microbench {
namespace {

/// Groups of GPUs that are measured: 2, 4, 8, as many as there are.
std::vector<double> groups(const Device& device) {
    std::vector<double> sizes;
    for (const double n : {2., 4., 8.}) {
        if (n <= device.count) sizes.push_back(n);
    }
    return sizes;
}

/// Calls that follow each other on every device before the streams of the devices meet again: meeting costs a few
/// microseconds, which a single small message would be charged with.
double calls_per_launch(double bytes) { return bytes <= 4 * mib ? 16 : 2; }

}   // namespace

std::vector<Case> peer_cases(const Device& device) {
    std::vector<Case> cases;
    if (device.count < 2) return cases;
    for (const char* op : {"one_way", "both_ways", "all_pairs"}) {
        const bool all = std::string_view(op) == "all_pairs";
        if (all && device.count < 3) continue;
        for (const double bytes : geometric(4 * kib, gib, 4)) {
            Case c{.table = "peer", .kernel = "copy_engine", .dtype = ""};
            c.labels = {{"op", op}};
            c.shape = {{"gpus", all ? std::min(device.count, 8) : 2.}, {"size", bytes}};
            c.work = work("peer_copy", {bytes});
            c.operations = calls_per_launch(bytes);
            c.device_bytes = bytes * (all ? 2 * std::min(device.count, 8) : 2);
            cases.push_back(std::move(c));
        }
    }
    return cases;
}

std::vector<Case> nccl_cases(const Device& device) {
    std::vector<Case> cases;
    for (const double gpus : groups(device)) {
        for (const char* op :
             {"all_reduce", "all_gather", "reduce_scatter", "alltoall", "alltoall_one_busy_receiver"}) {
            for (const double bytes : geometric(512, 512 * mib, 4)) {
                Case c{.table = "nccl", .kernel = "", .dtype = "half"};
                c.labels = {{"op", op}};
                c.shape = {{"gpus", gpus}, {"elements", bytes / 2}, {"bytes", bytes}};
                const std::string_view name = op;
                c.work = work(name.starts_with("alltoall") ? "alltoall" : name, {bytes, gpus});
                c.operations = calls_per_launch(bytes);
                c.device_bytes = bytes * (1 + std::max(1.0, gpus / 2));   // a busy receiver gets half of all
                cases.push_back(std::move(c));
            }
        }
    }
    return cases;
}

std::vector<Case> all_reduce_cases(const Device& device) {
    // Engines hand messages above this size to NCCL; below it one-shot over peer memory is faster on NVLink.
    constexpr double one_shot_limit = 512 * kib;
    std::vector<Case> cases;
    for (const double gpus : groups(device)) {
        for (const double bytes : geometric(256, 512 * mib, 2)) {
            Case c{.table = "allreduce", .dtype = "bfloat16"};
            c.labels = {{"mode", "graph"}, {"algorithm", bytes <= one_shot_limit ? "one_shot" : "nccl"}};
            c.shape = {{"gpus", gpus}, {"elements", bytes / 2}, {"bytes", bytes}};
            c.work = work("all_reduce", {bytes, gpus});
            c.operations = calls_per_launch(bytes);
            c.device_bytes = 2 * bytes + 1e6;
            cases.push_back(std::move(c));
        }
    }
    return cases;
}

std::vector<Case> overlap_cases(const Device& device) {
    const bool several = device.count >= 2;
    std::vector<Case> cases;
    for (const double m : {256., 2048., 8192.}) {
        for (const double bytes : {mib, 16 * mib, 64 * mib}) {
            for (const char* part : {"gemm", "communication", "both"}) {
                Case c{.table = "overlap", .kernel = several ? "nccl_all_reduce" : "device_copy"};
                c.dtype = "bfloat16";
                c.labels = {{"part", part}};
                c.shape = {{"m", m}, {"n", 4096}, {"k", 4096}, {"size", bytes}};
                const Work gemm = work("gemm", {m, 4096, 4096, 2});
                const Work other = several ? work("all_reduce", {bytes, static_cast<double>(device.count)})
                                           : work("copy", {bytes});
                const std::string_view p = part;
                if (p != "communication") c.work = gemm;
                if (p != "gemm") c.work.bytes += other.bytes;
                c.device_bytes = 8 * gemm.bytes + 4 * bytes + 64e6;
                cases.push_back(std::move(c));
            }
        }
    }
    return cases;
}

}   // namespace microbench
