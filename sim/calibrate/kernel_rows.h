// SPDX-License-Identifier: Apache-2.0
// Kernel timing tables: what a folder of CSV files says about one accelerator, as series of rows that are fitted
// together.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moecost {

enum class KernelOp {
    gemm,
    moe,
    decode_attention,
    prefill_attention,
    mla_decode,
    mla_prefill,
    all_reduce,
    all_to_all
};
/// File name without ending: gemm, moe, attention_decode, attention_prefill, mla_decode, mla_prefill, allreduce,
/// deepep.
[[nodiscard]] std::string_view name_of(KernelOp op);

/// One timed shape. Numbers stand in the order of number_columns(op).
struct KernelRow {
    std::array<double, 8> at{};
    double seconds = 0;
};

/// Rows of one kernel of one engine in one number format.
struct KernelSeries {
    KernelOp op{};
    std::string engine;
    std::string version;   // several are joined by '/'
    std::string dtype;
    std::string cache;   // kv_dtype
    std::string kernel;
    std::string part;   // distribution (moe), scope (MLA), mode (collectives)
    std::vector<KernelRow> rows;
    std::map<std::string, std::size_t> dropped;   // rows left out, by reason
};

/// The columns of numbers of a table, in order:
///   gemm m n k;  moe tokens hidden inter top_k experts tp ep;  attention_decode batch q_heads kv_heads head_dim
///   context window;  attention_prefill batch q_heads kv_heads head_dim isl window prefix;  mla_decode batch heads
///   context;  mla_prefill batch heads isl prefix;  allreduce bytes gpus;  deepep hidden top_k experts tokens
///   dispatch_sms combine_us
[[nodiscard]] std::vector<std::string_view> number_columns(KernelOp op);

/// Everything there is about one accelerator.
struct Measurements {
    std::string gpu;                    // as the rows spell it
    std::vector<KernelSeries> series;   // sorted
    std::vector<std::string> missing;   // tables that the folder lacks
    std::map<std::pair<std::string, std::string>, std::size_t>
        present;   // rows by (gpu, engine), of every gpu
};

/// Reads DIR/<table>.csv or .csv.gz as a stream. Needed columns: gpu, engine, kernel, dtype, kv_dtype, mode,
/// distribution and the numbers, where the table has them, and latency_us (deepep: dispatch_us, nodes); engine_version,
/// suspect, scope, window, prefix and dispatch_sms may be missing. Rows with suspect = 1 are dropped. `accepts` says
/// which gpu names are read; empty: the one gpu of all rows. InputError: no folder or table, a missing column, a field
/// that is no positive number, damaged data, several gpus where one is expected.
[[nodiscard]] Measurements read_measurements(const std::string& folder,
                                             const std::function<bool(const std::string&)>& accepts,
                                             unsigned threads);

}   // namespace moecost
