// SPDX-License-Identifier: Apache-2.0
// The cases: one default, and every other with one assumption changed.
#include <algorithm>
#include <cmath>

#include "moecost/law/law_toml.h"
#include "moecost/timing/step_timer.h"
#include "study.h"

namespace moecost::yun2024 {
namespace {

constexpr std::string_view gpu_of_paper = "a100_sxm_40";

PaperServer profiled(const World& world, std::string_view gpu, std::string_view engine) {
    const std::vector<int> experts(std::begin(expert_counts), std::end(expert_counts));
    return profile_family(world.data, world.node_family, gpu, engine, experts, world.sizes);
}

Expected<BusyNode> load_on(const PaperServer& s, double n, int experts, int gpus) {
    const auto r = paper_serving_on(s, n, experts, gpus);
    if (!r) return r.error();
    return BusyNode{r->requests, r->tokens_per_s, r->gpu_seconds};
}

/// The profiled model nearest to N, decoding.
Expected<double> decode_step(const PaperServer& s, double n, int experts, int gpus, double requests,
                             double context) {
    const ProfiledModel& nearest = nearest_model(s.models.at(experts), n);
    const Layout layout{.tp = gpus};
    const CalibratedHardware machine = calibrated_hardware(s.cluster, s.profile, s.precision);
    const StepShape decode{.decode_sequences = requests, .decode_context = context};
    return step_time({nearest.architecture, s.precision, layout, machine}, s.options, decode).value();
}

Case served_case(World& world, PaperServer server, std::string id, std::string what) {
    const PaperServer& s = world.servers.emplace_back(std::move(server));
    Case c;
    c.id = std::move(id);
    c.what = std::move(what);
    c.law = world.yp;
    c.cost = paper_cost(s);
    c.load = [&s](double n, int experts, int gpus) { return load_on(s, n, experts, gpus); };
    c.step = [&s](double n, int experts, int gpus, double requests, double context) {
        return decode_step(s, n, experts, gpus, requests, context);
    };
    return c;
}

Case proportional_case(const World& world, double kappa, std::string id, std::string what) {
    Case c;
    c.id = std::move(id);
    c.what = std::move(what);
    c.law = world.yp;
    c.cost = proportional_cost(kappa);
    return c;
}

}   // namespace

const ProfiledModel& nearest_model(const std::vector<ProfiledModel>& models, double n) {
    const auto distance = [n](const ProfiledModel& m) { return std::abs(std::log(m.n / n)); };
    return *std::min_element(
        models.begin(), models.end(),
        [&](const ProfiledModel& a, const ProfiledModel& b) { return distance(a) < distance(b); });
}

World read_world() {
    World w;
    w.node_family = shared_by(load_family(w.data, "yun2024"), 8);
    w.sizes = exact_sizes(w.node_family, 2e7, 3e10);
    w.yp = load_law(w.data, "yun2024_yp");
    w.yc = load_law(w.data, "yun2024_yc");
    w.joint = load_law(w.data, "ludziejewski2025");
    w.clark = load_law(w.data, "clark2022_refit_s_base");
    w.dense = load_law(w.data, "besiroglu2024");
    return w;
}

std::vector<Case> make_cases(World& world) {
    std::vector<Case> cases;
    /// The default server with its options changed.
    const auto add = [&](std::string id, std::string what, auto change) -> Case& {
        PaperServer s = profiled(world, gpu_of_paper, "vllm");
        change(s);
        return cases.emplace_back(served_case(world, std::move(s), std::move(id), std::move(what)));
    };
    const auto nothing = [](PaperServer&) {};
    const auto batch = [](double most) { return [most](PaperServer& s) { s.options.most_requests = most; }; };
    add("default", "Y-P; Eq. 5 and 6; vLLM profile on A100-40GB; batch by memory; 6ND", nothing);
    add("y-c", "law Y-C", nothing).law = world.yc;
    const auto early = [](PaperServer& s) {
        s.options.every_expert = true;
        s.options.most_requests = 256;
    };
    add("engine-2024", "every expert computes every token, at most 256 requests: vLLM before 0.3.0", early);
    add("engine-2024-y-c", "the same, law Y-C", early).law = world.yc;
    add("engine-2026", "fused experts, at most 256 requests: vLLM of today on this node", batch(256));
    add("engine-2026-y-c", "the same, law Y-C", batch(256)).law = world.yc;
    add("loop", "every expert computes every token, batch by memory",
        [](PaperServer& s) { s.options.every_expert = true; });
    add("batch-64", "at most 64 requests in a batch", batch(64));
    add("batch-32", "at most 32 requests in a batch", batch(32));
    add("batch-16", "at most 16 requests in a batch", batch(16));
    add("all-memory", "all memory to weights and cache, no reserve", [](PaperServer& s) {
        s.options.memory_share = 1;
        s.options.reserve = Bytes{0};
    });
    add("narrow-cache", "cache per token of the printed 730M row, mu = 0.032",
        [](PaperServer& s) { s.mu = 0.032; });
    add("long-requests", "prompts and outputs twice as long", [](PaperServer& s) {
        s.options.prompt *= 2;
        s.options.output *= 2;
    });
    add("one-byte", "Eq. 6 read with one byte per weight and per cache element",
        [](PaperServer& s) { s.options.weight_bytes = s.options.cache_bytes = 1; });
    cases.push_back(served_case(world, profiled(world, "a100_sxm_80", "vllm"), "a100-80gb", "A100-80GB"));
    PaperServer ideal = profiled(world, gpu_of_paper, "ideal");
    ideal.options = world.servers.front().options;
    cases.push_back(
        served_case(world, std::move(ideal), "ideal", "ideal roofline instead of the vLLM profile"));
    add("8nd", "training counted as 8ND for E > 1 (active parameters)", nothing).compute =
        TrainingCompute::active;
    cases.push_back(proportional_case(world, 1, "kappa-1", "cost in proportion to N (1 + (E-1)/3)"));
    cases.push_back(proportional_case(world, 0.4, "kappa-0.4", "cost in proportion to N (1 + 0.4 (E-1)/3)"));
    Case full = full_model_case(world);
    full.id = "full";
    full.what = "full model: evaluate() instead of Eq. 5 and 6";
    cases.push_back(full);
    full.id = "full-y-c";
    full.what = "full model, law Y-C";
    full.law = world.yc;
    cases.push_back(full);
    return cases;
}

}   // namespace moecost::yun2024
