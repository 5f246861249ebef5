// SPDX-License-Identifier: Apache-2.0
// Serving cost as Yun et al. 2024 compute it (Eq. 5 and 6), from step times profiled on members of a family.
// For its reproduction: evaluate() of moecost.h answers the same question with everything the paper leaves out.
#pragma once

#include <map>
#include <string_view>
#include <vector>

#include "moecost/base/data.h"
#include "moecost/base/expected.h"
#include "moecost/hardware/cluster.h"
#include "moecost/hardware/profile/profile.h"
#include "moecost/model/family/family.h"
#include "moecost/timing/step_timer.h"
#include "yun2024/paper_algorithms.h"

namespace moecost {

/// What Eq. 5 and 6 leave open, or differ in: one member each, so that a study can move one at a time.
struct PaperCostOptions {
    // Mean prompt and output tokens of a request; the paper takes ShareGPT without printing them. Values: the
    // ShareGPT trace of Kwon et al., vLLM, SOSP 2023 (public transcription, read 2026-08).
    double prompt = 161.31;
    double output = 337.99;
    double weight_bytes = 2;   // 16 bit, presumably
    double cache_bytes = 2;
    double memory_share = 1;    // of a GPU that weights and cache may fill (the paper: all)
    Bytes reserve;              // of a GPU for anything else (the paper: none)
    double most_requests = 0;   // cap on the batch; 0: memory alone bounds it, as in Eq. 6
    // Each expert runs on every token and what was not routed to it is multiplied by zero, as the Mixtral layer of vLLM did
    // before 0.3.0 (2024-01-30; issue 2459 of its repository describes it). Else a token runs through its experts alone.
    bool every_expert = false;
    int gpu_limit = 8;
};

/// A model whose step times are known, N as built.
struct ProfiledModel {
    double n = 0;
    Architecture architecture;
};

/// One node and the models profiled on it.
struct PaperServer {
    PaperCostOptions options;
    Cluster cluster;
    Profile profile;
    Precision precision;
    double mu = 0;                                      // h l = mu N^(2/3)
    std::map<int, std::vector<ProfiledModel>> models;   // by E, ascending N
};

struct Deployed {
    const Architecture& architecture;
    const Precision& precision;
    const Layout& layout;
    const CalibratedHardware& machine;
};
/// Seconds of one step. Where every expert runs on every token (every_expert), the experts of a rank, ceil(E/G) of them whole, run
/// one after the other, as vllm/model_executor/models/mixtral_quant.py (01bfb22b, which kept the code) spells out: three products
/// and seven small kernels each, on all tokens.
[[nodiscard]] Seconds step_time(const Deployed& on, const PaperCostOptions& options, const StepShape& shape);
/// Whether each of so many ranks gets a whole expert: that code refused more ranks than experts.
[[nodiscard]] bool shares_experts(const Architecture& architecture, int ranks);

/// The family with hidden sizes whose heads `gpus` GPUs can share: multiples of as many heads.
[[nodiscard]] Family shared_by(Family family, int gpus);
/// Sizes of a family of multi-head attention whose shape is exact, h = aspect l, for each hidden size that it allows:
/// N = l h (4 h + matrices f), f the rounded FFN width; ascending.
[[nodiscard]] std::vector<double> exact_sizes(const Family& family, double least, double most);

/// The members of these sizes, on an accelerator with the profile of an engine. memory_share and reserve are those of
/// the engine; mu is the geometric mean over the members. InputError: an unknown name. What the family lacks is left out.
[[nodiscard]] PaperServer profile_family(const DataStore& data, const Family& family, std::string_view gpu,
                                         std::string_view engine, const std::vector<int>& experts,
                                         const std::vector<double>& sizes);
/// Geometric mean of h l / N^(2/3) over the profiled models.
[[nodiscard]] double profiled_mu(const std::map<int, std::vector<ProfiledModel>>& models);

struct PaperServing {
    double gpu_seconds = 0;   // per output token: G/T, the cost at C_0 = 1 per GPU and second
    double tokens_per_s = 0;
    int gpus = 0;
    double requests = 0;       // b, not rounded
    Seconds prompt_step;       // L^P(b/n, G)
    Seconds decode_step;       // L^D(b, G)
    Bytes weights;             // w N_MoE
    Bytes cache_per_request;   // v (2p + n) h l
};

/// Eq. 6 on G GPUs, tensor parallel over all of them, every expert loaded:
///   b = (share G M_0 - w N_MoE - reserve G)/(v (2p + n) h l), at most most_requests;  h l = mu N^(2/3)
///   T = b/(L^P(b/n) + L^D(b));  cost = G/T  [GPU-seconds per output token]
/// Step times: linear in N between the two profiled neighbours, as in the paper. In the batch the step timer is asked
/// directly: a law has no noise that an interpolation of samples would average, and no cost of measuring.
/// L^P(x) of x < 1 prompts is x L^P(1): that share of the iterations carries one prompt.
/// Infeasible: weights or not one request fit, G does not divide the heads, N lies outside the profiled sizes.
[[nodiscard]] Expected<PaperServing> paper_serving_on(const PaperServer& server, double n, int experts,
                                                      int gpus);

/// Eq. 5: the least cost over G = 1 .. gpu_limit; infeasible G are skipped, Infeasible when all are.
[[nodiscard]] Expected<PaperServing> paper_serving(const PaperServer& server, double n, int experts);

/// Eq. 5 as the cost of the algorithms, in GPU-seconds per output token. Refers to the server, which must outlive it.
[[nodiscard]] ServingCost paper_cost(const PaperServer& server);

}   // namespace moecost
