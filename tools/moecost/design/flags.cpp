// SPDX-License-Identifier: Apache-2.0
// The flags of `design`: its own, those of the paper, and those of every deployment that it does not search over.
#include <algorithm>

#include "design/design.h"
#include "design/paper.h"
#include "moecost/estimate/inputs.h"

namespace moecost::cli {
namespace {

// Options of a single deployment that design searches over, or that name a model.
constexpr std::string_view searched[] = {
    "model",          "set",  "family",   "size",        "experts",    "top-k",     "granularity",
    "shared-experts", "gpus", "replicas", "concurrency", "ignore-key", "text-only", "host-tables"};

}   // namespace

/// Or of no use where each architecture runs on one pool.
bool is_searched(std::string_view key) {
    if (const Input* input = input_named(key)) {
        const bool of_pools =
            std::holds_alternative<PoolSlot>(input->slot) || input->key.starts_with("transfer-");
        if (of_pools || input->key == "redundant-experts" || input->key == "batch-overlap") return true;
    }
    return std::find(std::begin(searched), std::end(searched), key) != std::end(searched);
}

std::vector<Flag> design_flags() {
    constexpr std::string_view goal = "Goal";
    constexpr std::string_view models = "Models";
    constexpr std::string_view search = "Search";
    std::vector<Flag> flags{
        {"objective",
         "WHAT",
         goal,
         "cost, lifetime or loss: what is minimised",
         0,
         {},
         "cost, lifetime with --served-tokens",
         nullptr,
         "cost|lifetime|loss"},
        {"max-loss", "NATS", goal, "largest validation loss"},
        {"target-loss", "NATS", goal, "the same"},
        {"equal-to", "E", goal, "instead: the loss of the loss-optimal model of E experts at the budget"},
        {"budget", "FLOP", goal, "largest training compute"},
        {"max-tokens",
         "N",
         goal,
         "largest number of training tokens: what data there are, or unlimited",
         0,
         {},
         "3e13"},
        {"max-tokens-per-parameter",
         "N",
         goal,
         "of the parameters that training FLOP count: how far past its runs the law is trusted, or unlimited",
         0,
         {},
         "the law's own limit, else 100"},
        {"unique-tokens", "N", goal,
         "tokens beyond these repeat, and count less by Muennighoff et al. 2023 (default: none repeats)"},
        {"architecture-loss", "NATS", goal,
         "what a choice outside the law, such as the attention of --family, adds to the loss (default: 0)"},
        {"max-cost", "USD", goal, "largest price of a million tokens"},
        {"quantisation-loss", "NATS", goal,
         "what the formats of serving add to the loss of every model, the base included (default: 0)"},
        {"served-tokens", "N", goal, "tokens over the lifetime, as --cost-of counts them"},
        {"cost-of",
         "WHAT",
         goal,
         "tokens that share the rent: output (prompts included), total, or blended prices",
         0,
         {},
         "output",
         nullptr,
         "output|total|blended"},
        {"train-gpu", "NAME|FILE", goal, "accelerator of training", 0, {}, "h100_sxm", nullptr, "@gpu"},
        {"train-mfu", "SHARE", goal,
         "of its dense bf16 peak, for every architecture (default: a step is timed for each)"},
        {"train-gpus", "N", goal, "GPUs that train (default: 1024, more where the model does not fit)"},
        {"train-format",
         "FORMAT",
         goal,
         "of the products of training: bf16, fp8 or fp8-block",
         0,
         {},
         "bf16",
         nullptr,
         "bf16|fp8|fp8-block"},
        {"train-sequence", "N", goal, "tokens of a training sequence (default: 4096)"},
        {"train-batch", "N", goal, "tokens of a training step (default: 4194304)"},
        {"train-price", "USD|BASIS", goal, "dollars per GPU-hour of training", 0, {}, {}, nullptr, "@price"},
        {"family", "NAME|FILE", models, "family of architectures", 0, {}, "joint-moe", nullptr, "@family"},
        {"families", "LIST", models,
         "several families at one loss, NAME or NAME:NATS with what its attention adds to the loss"},
        {"law",
         "NAME|FILE",
         models,
         "loss law (moecost list laws)",
         0,
         {},
         "ludziejewski2025",
         nullptr,
         "@laws"},
        {"laws", "LIST", models,
         "several laws, NAME or NAME+BRIDGE: the winner under each, its regret under the others, and the "
         "safest design"},
        {"bridge",
         "NAME|FILE",
         models,
         "leverage that prices what the law lacks: tian2025",
         0,
         {},
         {},
         nullptr,
         "@laws"},
        {"experts", "LIST", models, "full-size experts, 1 is dense: 1,8,64 or 1..64 for powers of two"},
        {"top-k", "LIST", models, "full-size experts per token"},
        {"granularity", "LIST", models, "parts that a full-size expert is cut into"},
        {"shared-experts", "LIST", models, "of the width of a part"},
        {"sizes", "LIST", models,
         "dense-equivalent parameters: LOW..HIGH or a list (default: around the optimum)"},
        {"size-points", "N", models, "sizes between LOW and HIGH (default: 18)"},
        {"refine", "N", search, "halvings of the step in size around the best (default: 4)"},
        {"gpus", "LIST", search, "GPUs of an instance: 1,2,8 or 1..64 (default: 1..8)"},
        {"concurrency", "LIST", search,
         "requests in flight (default: as many as fit and as the objectives allow)"},
        {"cost-model",
         "NAME",
         search,
         "evaluate, or paper: the algorithms and the serving cost of Yun et al. 2024",
         0,
         {},
         "evaluate",
         nullptr,
         "evaluate|paper"},
        {"bootstrap", "N", search,
         "draws of the law, as its data allow (default: 200; of each of several laws 40)"},
        {"seed", "N", search, "of the samples (default: 1)"},
        {"threads", "N", search, "threads (default: all cores); the answer does not depend on it"},
        {"all", "", search, "with --format csv: every model instead of the frontier"}};
    for (const Flag& flag : paper_design_flags()) flags.push_back(flag);
    for (Flag flag : description_flags()) {
        if (is_searched(flag.key)) continue;
        if (flag.key == "gpu") {
            flag.help = "accelerators that compete, joined by commas";
            flag.usual = "h100_sxm,h200_sxm,b200_sxm";
        }
        if (flag.key == "kv") flag.usual = "bf16, on every accelerator";
        for (const std::string_view key : {"tp", "pp", "ep", "attention-dp", "all-to-all"}) {
            if (flag.key == key) flag.usual = "each that runs";
        }
        flags.push_back(flag);
    }
    return flags;
}

}   // namespace moecost::cli
