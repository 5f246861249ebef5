// SPDX-License-Identifier: Apache-2.0
// Grids as text, and sweeps of them into a scratch folder.
#pragma once

#include "../base/scratch.h"
#include "moecost/base/csv.h"
#include "moecost/base/file.h"
#include "moecost/sweep/sweep.h"

inline moecost::Document grid_document(const std::string& text) {
    return moecost::parse_toml(text, "grid.toml");
}

inline moecost::Grid grid_of(const std::string& text) {
    return moecost::read_grid(moecost::DataStore{}, grid_document(text));
}

/// 8 models x 4 layouts x 320 loads: ten blocks.
inline std::string wide_grid() {
    return R"(
filter = ["gpus % tp == 0", "tp * attention_dp <= 4", "top_k < experts"]
constraint = ["ttft <= 2"]
frontier = { maximise = ["tokens_per_s_per_user", "output_tokens_per_s_per_gpu"], minimise = ["usd_per_mtok_total"] }
[scenario]
model = "mixtral-8x7b"
gpu = "h100_sxm"
[[axis]]
key = "set.experts"
values = [4, 8, 16, 32]
[[axis]]
key = "set.top_k"
values = [2, 4]
[[axis]]
key = "tp"
values = [1, 2, 4]
[[axis]]
key = "attention_dp"
values = [1, 2]
[[axis]]
key = "isl"
range = { from = 256, to = 2048, step = 256 }
[[axis]]
key = "concurrency"
log_range = { from = 1, to = 256, points = 30, round = true }
)";
}

inline moecost::SweepOptions options_for(const std::string& path) {
    moecost::SweepOptions o;
    o.output = path;
    o.style = moecost::style_of_path(path);
    o.version = "test";
    return o;
}

inline moecost::SweepSummary sweep_into(const std::string& path, const std::string& grid,
                                        unsigned threads = 1) {
    const moecost::DataStore data;
    moecost::SweepOptions o = options_for(path);
    o.threads = threads;
    return moecost::run_sweep(data, moecost::read_grid(data, grid_document(grid)), o);
}
