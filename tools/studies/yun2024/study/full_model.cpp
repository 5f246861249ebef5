// SPDX-License-Identifier: Apache-2.0
// Serving cost of moecost's own model for any N. evaluate() runs the two profiled neighbours with as many slots as N
// leaves memory for; seconds per token are linear in N between them, as in the paper's own profile.
#include <cmath>
#include <memory>

#include "moecost/moecost.h"
#include "study.h"

namespace moecost::yun2024 {
namespace {

constexpr int gpu_counts[] = {1, 2, 4, 8};   // tensor parallelism divides the heads of every member
constexpr double table_step = 1.02;          // of the sizes at which the cost is tabled

struct FullModel {
    Scenario node;   // of the paper's node and traffic; the model is exchanged
    std::map<int, std::vector<ProfiledModel>> models;
    std::map<int, std::vector<double>> cost;   // ln of GPU-seconds per token at least_size table_step^i
};

/// A100-40GB, vLLM, the mean lengths of ShareGPT, every slot busy.
Scenario node_of_paper(const World& world) {
    const PaperCostOptions traffic;
    Description d;
    d.model = "mixtral-8x7b";   // exchanged for the members
    d.gpu = "a100_sxm_40";
    d.tp = 8;
    d.isl = traffic.prompt;
    d.osl = traffic.output;
    d.load = Offline{};
    return *describe(world.data, d);
}

Scenario with_model(const Scenario& node, const Architecture& architecture, int gpus) {
    Scenario s = node;
    s.architecture = architecture;
    s.pool().precision = architecture.precision;
    s.pool().layout = Layout{.tp = gpus};
    return s;
}

/// Memory of a member on a node without bounds.
MemoryPlan needs_of(Scenario s) {
    Pool& p = s.pool();
    p.cluster.gpu.memory = Bytes{1e15};
    return *plan_memory(s.architecture, p.precision, weights_of(s), p.layout, p.cluster, p.settings,
                        s.traffic, &p.rules);
}

/// Seconds per output token of a member with so many slots, whatever its own memory.
double seconds_with(Scenario s, double slots) {
    s.pool().cluster.gpu.memory = Bytes{1e15};
    s.pool().settings.max_sequences = slots;
    const auto e = evaluate(s);
    return e ? 1 / e->serving.output_tokens_per_s.value() : std::nan("");
}

Expected<BusyNode> load_between(const Scenario& node, const ProfiledModel& low, const ProfiledModel& high,
                                double n, int gpus) {
    const Scenario a = with_model(node, low.architecture, gpus);
    const Scenario b = with_model(node, high.architecture, gpus);
    const double weight = (n - low.n) / (high.n - low.n);
    const MemoryPlan of_low = needs_of(a);
    const MemoryPlan of_high = needs_of(b);
    const Bytes weights = of_low.weights * (1 - weight) + of_high.weights * weight;
    const Bytes sequence = of_low.sequence * (1 - weight) + of_high.sequence * weight;
    const Pool& p = node.pool();
    const Bytes free = p.cluster.gpu.memory * p.settings.memory_fraction - of_low.reserve - weights;
    const double slots = std::min(std::floor(free / sequence), p.settings.max_sequences);
    if (slots < 1) return Infeasible{"the weights do not fit", "requests", {}, 1, 0};
    const double seconds = seconds_with(a, slots) * (1 - weight) + seconds_with(b, slots) * weight;
    if (std::isnan(seconds)) return Infeasible{"the layout does not run", "GPUs", {}, double(gpus), 0};
    return BusyNode{slots, 1 / seconds, gpus * seconds};
}

Expected<BusyNode> load_of(const FullModel& full, double n, int experts, int gpus) {
    const auto& models = full.models.at(experts);
    std::size_t i = 1;
    while (i + 1 < models.size() && models[i].n < n) ++i;
    return load_between(full.node, models[i - 1], models[i], n, gpus);
}

std::vector<double> tabled(const FullModel& full, int experts) {
    std::vector<double> ln_cost;
    for (double n = least_size; n < most_size * table_step; n *= table_step) {
        double least = std::nan("");
        for (const int g : gpu_counts) {
            const auto on = load_of(full, n, experts, g);
            if (on && !(on->gpu_seconds >= least)) least = on->gpu_seconds;
        }
        ln_cost.push_back(std::log(least));
    }
    return ln_cost;
}

Expected<double> cost_of(const FullModel& full, double n, double experts) {
    const std::vector<double>& table = full.cost.at(static_cast<int>(experts));
    const double at = std::log(n / least_size) / std::log(table_step);
    if (!(at >= 0 && at <= static_cast<double>(table.size() - 1)))
        return Infeasible{"the size lies outside the evaluated members", "N", "parameters", n, most_size};
    const std::size_t i = std::min(static_cast<std::size_t>(at), table.size() - 2);
    const double weight = at - static_cast<double>(i);
    const double cost = std::exp((1 - weight) * table[i] + weight * table[i + 1]);
    if (std::isnan(cost)) return Infeasible{"the weights do not fit on the node", "GPUs", {}, 9, 8};
    return cost;
}

Expected<double> step_of(const FullModel& full, double n, int experts, int gpus, double requests,
                         double context) {
    Scenario s = with_model(full.node, nearest_model(full.models.at(experts), n).architecture, gpus);
    s.traffic.load = DecodeOnly{requests};
    s.traffic.input = context - 1;   // mean context I + O/2
    s.traffic.output = 2;
    const auto e = evaluate(s);
    if (!e) return e.error();
    return e->serving.tpot.value();
}

}   // namespace

Case full_model_case(const World& world) {
    const auto full = std::make_shared<FullModel>();
    full->node = node_of_paper(world);
    full->models = world.servers.front().models;
    for (const int e : expert_counts) full->cost[e] = tabled(*full, e);
    Case c;
    c.law = world.yp;
    c.cost = [full](double n, double experts) { return cost_of(*full, n, experts); };
    c.load = [full](double n, int experts, int gpus) { return load_of(*full, n, experts, gpus); };
    c.step = [full](double n, int experts, int gpus, double requests, double context) {
        return step_of(*full, n, experts, gpus, requests, context);
    };
    return c;
}

}   // namespace moecost::yun2024
