// SPDX-License-Identifier: Apache-2.0
// The grid that `moecost sweep --example` prints: runs as it stands and names everything a grid can hold.
#include "sweep/sweep.h"

namespace moecost::cli {

std::string_view example_grid() {
    return R"(# A grid of scenarios: moecost sweep THIS_FILE -o OUT.csv (or .csv.gz, .jsonl, .jsonl.gz)
title = "Mixtral and a finer-grained sister on H100 and H200"

# Conditions on inputs, before anything is computed: + - * / %, comparisons, and, or, not. Names are the keys of a
# scenario (tp, isl, gpus, ...), fields of the model (experts, top_k, layers, parameters, ...) and gpu.FIGURE.
filter = ["gpus == 4", "top_k < experts"]
# Conditions on results; times in seconds.
constraint = ["ttft <= 2", "tpot <= 0.05"]
# The points that nothing beats, 2 to 4 objectives; written to OUT.frontier.csv.
frontier = { maximise = ["tokens_per_s_per_user"], minimise = ["usd_per_mtok_output"] }
# Without columns: the axes and the usual results.
columns = ["gpu", "price", "experts", "top_k", "tp", "attention_dp", "concurrency", "tokens_per_s_per_user", "ttft_s",
           "output_tokens_per_s_per_gpu", "usd_per_mtok_output", "provenance"]

# What all points share: the keys of a scenario file (moecost estimate --help), or scenario = "FILE.toml".
[scenario]
model = "mixtral-8x7b"
engine = "vllm"
isl = 1024
osl = 512

# Axes: the last one turns fastest. Keys that move together are zipped.
[[axis]]
keys = ["gpu", "price"]
values = [["h100_sxm", "h200_sxm"], [2.5, 3.5]]

# set.FIELD edits the model: here the same active and total size in finer experts.
[[axis]]
keys = ["set.experts", "set.top_k", "set.expert_width"]
values = [[8, 16, 32], [2, 4, 8], [14336, 7168, 3584]]

# gpu.FIGURE would edit the accelerator: gpu.memory_bandwidth_tb_s, gpu.usable_gib, gpu.bf16_tflops, ...
[[axis]]
key = "tp"
values = [1, 2, 4]

[[axis]]
key = "attention_dp"
values = [1, 2, 4]

# Other axes: range = { from = 256, to = 4096, step = 256 }
[[axis]]
key = "concurrency"
log_range = { from = 1, to = 512, points = 19, round = true }
)";
}

}   // namespace moecost::cli
