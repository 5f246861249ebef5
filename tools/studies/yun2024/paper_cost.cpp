// SPDX-License-Identifier: Apache-2.0
#include "yun2024/paper_cost.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "moecost/hardware/profile/relative.h"
#include "moecost/timing/step_timer.h"

namespace moecost {
namespace {

// Of an engine whose profile states none: the paper has one figure for all layouts.
constexpr Bytes flat_reserve{3e9};

/// How many requests fit beside the weights.
Expected<PaperServing> with_batch(const PaperServer& s, double n, int experts, int gpus) {
    const PaperCostOptions& o = s.options;
    PaperServing r;
    r.gpus = gpus;
    r.weights = Bytes{o.weight_bytes * n * total_share(experts)};
    r.cache_per_request = Bytes{o.cache_bytes * (2 * o.prompt + o.output) * s.mu * std::pow(n, 2.0 / 3)};
    const Bytes usable = (s.cluster.gpu.memory * o.memory_share - o.reserve) * gpus;
    if (r.weights >= usable) {
        return Infeasible{"the weights do not fit", "memory of all GPUs for weights", "GB",
                          r.weights.value() / 1e9, usable.value() / 1e9};
    }
    r.requests = (usable - r.weights) / r.cache_per_request;
    if (r.requests < 1) {
        return Infeasible{"not one request fits beside the weights", "cache of all GPUs for one request",
                          "GB", r.cache_per_request.value() / 1e9, (usable - r.weights).value() / 1e9};
    }
    if (o.most_requests > 0) r.requests = std::min(r.requests, o.most_requests);
    return r;
}

struct StepPair {
    Seconds prompt;
    Seconds decode;
};

/// L^P(b/n) and L^D(b) of one profiled model.
StepPair steps_of(const PaperServer& s, const CalibratedHardware& machine, const Layout& layout,
                  const Architecture& model, double requests) {
    const PaperCostOptions& o = s.options;
    const double entering = requests / o.output;
    const double prompts = std::max(entering, 1.0);
    StepShape prompt;
    prompt.prefill_tokens = prompts * o.prompt;
    prompt.prompt = o.prompt;
    StepShape decode;
    decode.decode_sequences = requests;
    decode.decode_context = o.prompt + o.output / 2;
    const double share = s.profile.serving.prefill_factor * std::min(entering, 1.0);
    const Deployed on{model, s.precision, layout, machine};
    return {step_time(on, o, prompt) * share, step_time(on, o, decode)};
}

/// The loop over the experts of one rank, each on all tokens: two products h to f, one f to h, and seven small kernels: the mask of
/// tokens, its product with the weights, their sum, the activation, the gate, the weighting and the addition.
Seconds loop_time(const MoeFfn& moe, const Deployed& on, double tokens) {
    const double h = on.architecture.hidden;
    const double f = moe.width;
    const auto product = [&](double n, double k) {
        const Gemm shape{tokens, n, k, on.precision.routed_experts};
        return operation_time({"expert", OpClass::routed_experts, 1, shape}, on.machine).total;
    };
    const Bytes moved{2 * tokens * (2 * f + 3 * f + 2 * h + 3 * h + 4.0 * moe.top_k)};
    const Seconds small =
        on.machine.profile->serving.small_kernel * 7 + moved / on.machine.memory_bandwidth();
    const double local = std::ceil(moe.experts / static_cast<double>(on.layout.tp));
    return (product(f, h) * 2 + product(h, f) + small) * local;
}

Infeasible not_profiled(double n, double bound) {
    return {"the size lies outside the profiled models", "N", "parameters", n, bound};
}

}   // namespace

Seconds step_time(const Deployed& on, const PaperCostOptions& options, const StepShape& shape) {
    StepTimer timer(on.architecture, on.precision, on.layout, on.machine);
    const StepTime step = timer.time(shape);
    if (!options.every_expert) return step.total;
    Seconds looped;
    for (const FfnGroup& group : on.architecture.ffns) {
        if (const auto* moe = std::get_if<MoeFfn>(&group.kind))
            looped += loop_time(*moe, on, shape.prefill_tokens + shape.decode_sequences) * group.count;
    }
    return step.total - step.by_class[static_cast<std::size_t>(OpClass::routed_experts)] + looped;
}

bool shares_experts(const Architecture& architecture, int ranks) {
    return std::all_of(architecture.ffns.begin(), architecture.ffns.end(), [&](const FfnGroup& group) {
        const auto* moe = std::get_if<MoeFfn>(&group.kind);
        return moe == nullptr || ranks <= moe->experts;
    });
}

double profiled_mu(const std::map<int, std::vector<ProfiledModel>>& models) {
    double sum = 0;
    double count = 0;
    for (const auto& [experts, sizes] : models) {
        for (const ProfiledModel& m : sizes) {
            const double width = static_cast<double>(m.architecture.hidden) * m.architecture.layers;
            sum += std::log(width / std::pow(m.n, 2.0 / 3));
            ++count;
        }
    }
    return std::exp(sum / count);
}

Family shared_by(Family family, int gpus) {
    const int heads = static_cast<int>(std::lround(family.hidden_per_head)) * gpus;
    family.hidden_multiple = std::lcm(family.hidden_multiple, heads);
    return family;
}

std::vector<double> exact_sizes(const Family& family, double least, double most) {
    const double step = family.hidden_multiple;
    std::vector<double> sizes;
    for (double hidden = step;; hidden += step) {
        const double layers = std::round(hidden / family.hidden_per_layer);
        const double tile = family.width_multiple;
        const double width = std::round(family.ffn_ratio * hidden / tile) * tile;
        const double n = layers * hidden * (4 * hidden + family.matrices * width);
        if (n > most) return sizes;
        if (n >= least) sizes.push_back(n);
    }
}

PaperServer profile_family(const DataStore& data, const Family& family, std::string_view gpu,
                           std::string_view engine, const std::vector<int>& experts,
                           const std::vector<double>& sizes) {
    PaperServer s;
    const Accelerator accelerator = load_accelerator(data, gpu);
    s.cluster = cluster_of(accelerator);
    s.profile = load_profile(data, accelerator, engine);
    s.options.memory_share = s.profile.defaults.memory_fraction;
    s.options.reserve = s.profile.defaults.reserve.value_or(flat_reserve);
    for (const int e : experts) {
        std::vector<ProfiledModel>& models = s.models[e];
        for (const double size : sizes) {
            FamilyRequest request;
            request.size = size;
            request.experts = e;
            const auto member = member_of(family, request);
            if (!member) continue;
            const double n = member->dense_equivalent;
            if (models.empty() || n > models.back().n) models.push_back({n, member->architecture});
        }
    }
    s.mu = profiled_mu(s.models);
    return s;
}

Expected<PaperServing> paper_serving_on(const PaperServer& s, double n, int experts, int gpus) {
    const auto found = s.models.find(experts);
    if (found == s.models.end() || found->second.size() < 2)
        return Infeasible{"no model with as many experts was profiled", "experts", {}, double(experts), 0};
    const std::vector<ProfiledModel>& models = found->second;
    if (n < models.front().n) return not_profiled(n, models.front().n);
    if (n > models.back().n) return not_profiled(n, models.back().n);
    Expected<PaperServing> result = with_batch(s, n, experts, gpus);
    if (!result) return result;

    const auto above = std::upper_bound(models.begin() + 1, models.end() - 1, n,
                                        [](double x, const ProfiledModel& m) { return x < m.n; });
    const ProfiledModel& low = *(above - 1);
    const ProfiledModel& high = *above;
    const Layout layout{.tp = gpus};
    if (const auto why = layout_problem(low.architecture, layout)) return *why;
    if (const auto why = layout_problem(high.architecture, layout)) return *why;
    if (s.options.every_expert && !shares_experts(high.architecture, gpus))
        return Infeasible{
            "the loop gives each GPU whole experts", "experts", {}, double(gpus), double(experts)};
    const CalibratedHardware machine = calibrated_hardware(s.cluster, s.profile, s.precision);
    const StepPair a = steps_of(s, machine, layout, low.architecture, result->requests);
    const StepPair b = steps_of(s, machine, layout, high.architecture, result->requests);
    const double weight = (n - low.n) / (high.n - low.n);
    result->prompt_step = a.prompt * (1 - weight) + b.prompt * weight;
    result->decode_step = a.decode * (1 - weight) + b.decode * weight;
    const Seconds iteration = result->prompt_step + result->decode_step;
    result->tokens_per_s = result->requests / iteration.value();
    result->gpu_seconds = gpus / result->tokens_per_s;
    return result;
}

Expected<PaperServing> paper_serving(const PaperServer& server, double n, int experts) {
    Expected<PaperServing> best = Infeasible{"no GPU is allowed", "GPUs", {}, 1, 0};
    for (int g = 1; g <= server.options.gpu_limit; ++g) {
        const Expected<PaperServing> on = paper_serving_on(server, n, experts, g);
        if (on ? !best || on->gpu_seconds < best->gpu_seconds : !best) best = on;
    }
    return best;
}

ServingCost paper_cost(const PaperServer& server) {
    return [&server](double n, double experts) -> Expected<double> {
        const auto serving = paper_serving(server, n, static_cast<int>(experts));
        if (!serving) return serving.error();
        return serving->gpu_seconds;
    };
}

}   // namespace moecost
