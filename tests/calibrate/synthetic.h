// SPDX-License-Identifier: Apache-2.0
// A device that does not exist: rows of known constants, with noise of a fixed seed, for every kind of table.
#pragma once

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "moecost/base/data.h"
#include "moecost/base/format.h"
#include "moecost/base/numerics.h"
#include "moecost/calibrate/kernel_fit.h"

namespace synthetic {

using namespace moecost;

/// An H200 without a name.
inline Accelerator accelerator() { return load_accelerator(DataStore(), "h200_sxm"); }

/// Every combination of the values of each column.
inline std::vector<KernelRow> grid(const std::vector<std::vector<double>>& columns) {
    std::vector<KernelRow> rows{KernelRow{}};
    for (std::size_t c = 0; c < columns.size(); ++c) {
        std::vector<KernelRow> more;
        for (const KernelRow& row : rows) {
            for (const double value : columns[c]) {
                more.push_back(row);
                more.back().at[c] = value;
            }
        }
        rows = std::move(more);
    }
    return rows;
}

inline std::vector<double> powers_of_two(double low, double high) {
    std::vector<double> values;
    for (double v = low; v <= high; v *= 2) values.push_back(v);
    return values;
}

/// 1.5 % of log-normal noise.
inline double noise(std::uint64_t& state) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    const double uniform = (static_cast<double>(state >> 11) + 0.5) * 0x1p-53;
    return std::exp(0.015 * normal_quantile(uniform));
}

struct Table {
    KernelSeries series;
    std::vector<double> constants;
    KernelForm form;
};

/// Seconds of every row by the law, then noise. All rows must lie inside the form.
inline Table timed(KernelSeries series, std::vector<double> constants) {
    Table t{std::move(series), std::move(constants), {}};
    t.series.engine = "microbench";
    t.series.version = "0";
    t.form = form_of(t.series, accelerator(), 8).form;
    t.form.law = load_law_constants(DataStore()).kernels;
    const KernelTables tables = tables_of(t.form, t.constants, {});
    std::uint64_t state = 7;
    for (KernelRow& row : t.series.rows) {
        row.seconds = t.series.part == "kernel" ? 1e-5 : 1;   // so that no filter drops the shape
        KernelSeries one = t.series;
        one.rows = {row};
        const FormRows alone = rows_of(t.form, one);
        if (alone.size() != 1) continue;
        predict(t.form, tables, alone.operations, {&row.seconds, 1});
        row.seconds *= noise(state);
    }
    return t;
}

inline Table gemm(const char* dtype = "bfloat16") {
    KernelSeries s{KernelOp::gemm, {}, {}, dtype, {}, "cublaslt", {}, {}, {}};
    s.rows = grid({{1, 8, 16, 48, 64, 129, 256, 512, 1025, 2048, 4096, 8192},
                   {256, 512, 1024, 2048, 4096, 6144, 12288, 28672},
                   {256, 512, 1024, 2048, 4096, 8192, 16384}});
    return timed(std::move(s), {2.5, 5e-4, 0.8, 0.85, 2.2, 0.4, 2400, 1.5});
}
inline Table moe() {
    KernelSeries s{KernelOp::moe, {}, {}, "bfloat16", {}, "grouped", "balanced", {}, {}};
    s.rows = grid(
        {powers_of_two(1, 16384), {2048, 4096, 7168}, {768, 1536, 4096}, {2, 8}, {16, 128}, {1, 4}, {1, 8}});
    return timed(std::move(s), {25, 0.65, 0.85, 2, 48, 2, 0.5, 150, 200, 1});
}
inline Table decode() {
    KernelSeries s{KernelOp::decode_attention, {}, {}, {}, "bfloat16", "split", {}, {}, {}};
    s.rows =
        grid({{1, 4, 16, 64, 256}, {8, 32, 64}, {1, 4, 8}, {64, 128}, {64, 512, 2048, 8192, 32768}, {0}});
    return timed(std::move(s), {8, 0.3, 0.85, 2, 0.04, 400, 0.6});
}
inline Table prefill() {
    KernelSeries s{KernelOp::prefill_attention, {}, {}, "bfloat16", "bfloat16", "flash", {}, {}, {}};
    s.rows = grid(
        {{1, 2, 8, 32}, {8, 32, 64}, {1, 4, 8}, {64, 128, 256}, {128, 512, 1024, 4096, 16384}, {0}, {0}});
    return timed(std::move(s), {12, 0.7, 150, 3, 30, 0.6});
}
inline Table mla_decode() {
    KernelSeries s{KernelOp::mla_decode, {}, {}, {}, "bfloat16", "latent", "kernel", {}, {}};
    s.rows = grid({{1, 4, 16, 64, 256, 1024}, {8, 16, 32, 64, 128}, {64, 512, 2048, 8192, 32768}});
    return timed(std::move(s), {14, 0.6, 0.85, 2, 0.03});
}
inline Table mla_prefill() {
    KernelSeries s{KernelOp::mla_prefill, {}, {}, {}, "bfloat16", "latent", "kernel", {}, {}};
    s.rows = grid({{1, 2, 8, 32}, {4, 16, 64, 128}, {64, 256, 512, 1024, 4096, 16384}, {0}});
    return timed(std::move(s), {15, 0.6, 120, 2, 20, 0.6});
}
inline Table all_reduce() {
    KernelSeries s{KernelOp::all_reduce, {}, {}, {}, {}, {}, "graph", {}, {}};
    s.rows = grid({powers_of_two(256, 1 << 29), {2, 4, 8}});
    return timed(std::move(s), {3, 0.6, 9, 0.75, 0.1});
}
inline Table all_to_all() {
    KernelSeries s{KernelOp::all_to_all, {}, {}, {}, {}, "1", "low_latency", {}, {}};
    s.rows = grid({{2048, 4096, 7168}, {4, 8}, {128, 256}, powers_of_two(1, 1024), {0}, {1}});
    return timed(std::move(s), {10, 280, 0.3});
}

inline std::vector<Table> every_table() {
    return {gemm(),       gemm("fp8"),   moe(),        decode(),    prefill(),
            mla_decode(), mla_prefill(), all_reduce(), all_to_all()};
}

/// The rows as a CSV file with the columns that calibrate reads.
inline std::string csv_of(const Table& t, const std::string& gpu) {
    const KernelSeries& s = t.series;
    const bool exchange = s.op == KernelOp::all_to_all;
    std::string text = "gpu,engine,engine_version,dtype,kv_dtype,kernel,nodes,scope,distribution,mode";
    for (const auto name : number_columns(s.op)) text.append(",").append(name);
    text.append(exchange ? ",dispatch_us\n" : ",latency_us\n");
    for (const KernelRow& row : s.rows) {
        text.append(gpu).append(",").append(s.engine).append(",").append(s.version).append(",");
        text.append(s.dtype).append(",").append(s.cache).append(",").append(s.kernel).append(",");
        text.append(s.kernel);
        for (int i = 0; i < 3; ++i) text.append(",").append(s.part);
        for (std::size_t i = 0; i < number_columns(s.op).size(); ++i)
            text.append(",").append(shortest(row.at[i]));
        text.append(",").append(shortest(row.seconds * 1e6)).append("\n");
    }
    return text;
}

}   // namespace synthetic
