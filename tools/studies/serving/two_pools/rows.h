// SPDX-License-Identifier: Apache-2.0
// Published runs of prefill and decode apart as tables of step times by component, so that a fit of the constants of
// hwmodels/pools.toml asks the step law once.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "moecost/serving/two_pools.h"
#include "moecost/validate/validate.h"

namespace two_pools {

/// Seconds of a step apart by the constant that multiplies them.
struct Parts {
    double other = 0;          // kernels that `step` multiplies
    double experts = 0;        // without an all-to-all
    double wide_experts = 0;   // behind one
    double all_to_all = 0;
    double across = 0;    // all-reduces that leave the domain, by their law
    double reduces = 0;   // how many of them
    double host = 0;
    bool mxfp4 = false;   // experts in MXFP4 on tensor cores that multiply it
};

inline constexpr std::size_t decode_nodes = 9;

struct Run {
    moecost::MeasuredPoint point;
    std::string gpu;
    double requests = 0, of_run = 0;   // in flight; of the whole run
    double prompt = 1, output = 1;
    double workers = 1, full_prompts = 1, side_by_side = 1;
    double decode_workers = 1, slots = 1, drafts = 0;
    double transfer = 0, transfer_per_prompt = 0;
    double gpus = 1;
    bool across = false;   // the prefill worker spans domains
    Parts full, lone;
    double batch_top = 2;   // sequences of the last decode node, the first is 1, equal ratios between
    std::array<Parts, decode_nodes> decode{};
};

/// Runs that can be predicted; `skipped` counts the others by reason.
[[nodiscard]] std::vector<Run> read_runs(const std::vector<std::string>& files,
                                         std::map<std::string, std::size_t>& skipped);

}   // namespace two_pools
