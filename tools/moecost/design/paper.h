// SPDX-License-Identifier: Apache-2.0
// `design --cost-model paper`: the algorithms of Yun et al. 2024 with their serving cost, as text, JSON or CSV.
#pragma once

#include <string>
#include <vector>

#include "command.h"
#include "yun2024/paper_design.h"

namespace moecost::cli {

struct PaperDesignOptions {
    PaperAlgorithm algorithm = PaperAlgorithm::cost_at_loss;
    std::string law = "yun2024_yp";
    PaperQuestion question;                // budget, base experts, training compute
    std::vector<int> experts{8, 16, 32};   // candidates, ascending
    int gpu_limit = 8;
    std::string gpu = "a100_sxm_40";   // the paper's
    std::string engine = "vllm";
    std::string price;   // empty: the default basis of the accelerator
    double prompt = 0;   // 0: the defaults of PaperCostOptions
    double output = 0;
    double most_requests = 0;   // 0: memory alone bounds the batch
    double memory_share = 0;    // 0: that of the engine
};

/// The options that `design` does not have anyway: --algorithm, --base-experts, --gpu-limit, --training-compute.
[[nodiscard]] std::vector<Flag> paper_design_flags();
/// Whether --cost-model asks for the paper. InputError: an unknown model, or options of the paper without it.
[[nodiscard]] bool is_paper_design(const CommandLine& line);
/// From these and --law, --budget, --experts, --gpu, --engine, --price, --isl, --osl, --max-sequences,
/// --memory-fraction. InputError names the option and what is allowed.
[[nodiscard]] PaperDesignOptions paper_design_options(const CommandLine& line);
/// Status `infeasible` with the reason where the base, or every candidate, has no answer.
[[nodiscard]] Answer run_paper_design(const Invocation& invocation, const PaperDesignOptions& options);

}   // namespace moecost::cli
