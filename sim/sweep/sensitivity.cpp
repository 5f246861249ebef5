// SPDX-License-Identifier: Apache-2.0
#include "moecost/sweep/sensitivity.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace moecost {
namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

template <class Tables>
void scale_efficiency(Tables& tables, double factor) {
    for (auto& table : tables) table.compute *= factor;
}
template <class Tables>
void scale_both(Tables& tables, double factor) {
    for (auto& table : tables) {
        table.compute *= factor;
        table.memory *= factor;
    }
}

template <class Tables>
double mean_error(const Tables& tables) {
    double sum = 0;
    for (const auto& table : tables) sum += table.fit.median_error;
    return tables.empty() ? 0 : sum / static_cast<double>(tables.size());
}

void scale_assumed(KernelTables& k, double f) {
    AssumedEfficiencies& a = k.assumed;
    for (double* share : {&a.mla_absorb_compute, &a.mla_absorb_memory, &a.recurrent_compute,
                          &a.recurrent_memory, &a.indexer_memory, &a.gather_bandwidth}) {
        *share *= f;
    }
}

void scale_all_reduce(KernelTables& k, double f) {
    for (AllReduceTable& t : k.all_reduce) {
        t.one_shot *= f;
        t.two_shot *= f;
        t.per_rank *= f;
        t.one_shot_bandwidth /= f;
        t.two_shot_bandwidth /= f;
    }
}

void scale_all_to_all(KernelTables& k, double f) {
    for (AllToAllTable& t : k.all_to_all) {
        t.dispatch *= f;
        t.combine *= f;
        t.dispatch_bandwidth *= 1 / f;
        t.combine_bandwidth *= 1 / f;
    }
}

/// Multiplies one input. `fit` gives the uncertainty of inputs whose spread stands in the profile.
struct Uncertain {
    std::string_view key;
    void (*scale)(Scenario& s, double factor);
    double (*fit)(const KernelTables& k) = nullptr;
};

constexpr Uncertain uncertain_inputs[] = {
    {"gemm", [](Scenario& s, double f) { scale_both(s.pool().profile.kernels->gemm, f); },
     [](const KernelTables& k) { return mean_error(k.gemm); }},
    {"moe", [](Scenario& s, double f) { scale_both(s.pool().profile.kernels->moe, f); },
     [](const KernelTables& k) { return mean_error(k.moe); }},
    {"decode_attention",
     [](Scenario& s, double f) {
         scale_both(s.pool().profile.kernels->decode_attention, f);
         scale_both(s.pool().profile.kernels->mla_decode, f);
     },
     [](const KernelTables& k) {
         return std::max(mean_error(k.decode_attention), mean_error(k.mla_decode));
     }},
    {"prefill_attention",
     [](Scenario& s, double f) {
         scale_efficiency(s.pool().profile.kernels->prefill_attention, f);
         scale_efficiency(s.pool().profile.kernels->mla_prefill, f);
     },
     [](const KernelTables& k) {
         return std::max(mean_error(k.prefill_attention), mean_error(k.mla_prefill));
     }},
    {"all_reduce", [](Scenario& s, double f) { scale_all_reduce(*s.pool().profile.kernels, f); },
     [](const KernelTables& k) { return mean_error(k.all_reduce); }},
    {"all_to_all", [](Scenario& s, double f) { scale_all_to_all(*s.pool().profile.kernels, f); },
     [](const KernelTables& k) { return mean_error(k.all_to_all); }},
    {"assumed",
     [](Scenario& s, double f) {
         if (s.pool().profile.kernels) scale_assumed(*s.pool().profile.kernels, f);
     }},
    {"floor_factor", [](Scenario& s, double f) { s.pool().profile.serving.floor_factor *= f; }},
    {"prefill_factor", [](Scenario& s, double f) { s.pool().profile.serving.prefill_factor *= f; }},
    {"host", [](Scenario& s, double f) { s.pool().profile.serving.host *= f; }},
    {"host_per_sequence", [](Scenario& s, double f) { s.pool().profile.serving.host_per_sequence *= f; }},
    {"expert_skew", [](Scenario& s, double f) { s.pool().profile.serving.expert_skew *= f; }},
    {"queueing",
     [](Scenario& s, double f) {
         s.pool().profile.serving.queue *= f;
         s.pool().profile.serving.queue_in_step *= f;
     }},
    {"first_token", [](Scenario& s, double f) { s.pool().profile.serving.first_token *= f; }},
    {"reserve",
     [](Scenario& s, double f) {
         Pool& p = s.pool();
         p.settings.reserve = reserve_per_gpu(s.architecture, p.layout, p.settings, p.rules) * f;
     }},
    {"usable_memory", [](Scenario& s, double f) { s.pool().cluster.gpu.memory *= f; }},
    {"link_bandwidth", [](Scenario& s, double f) { s.pool().cluster.gpu.link_bandwidth *= f; }},
    {"link_latency",
     [](Scenario& s, double f) {
         s.pool().cluster.link_latency *= f;
         s.pool().cluster.gpu.link_latency *= f;
     }},
    {"nic_bandwidth",
     [](Scenario& s, double f) {
         s.pool().cluster.nic_bandwidth *= f;
         s.pool().cluster.gpu.nic_bandwidth *= f;
     }},
    {"price", [](Scenario& s, double f) { s.pool().price.usd_per_gpu_hour *= f; }},
    {"power", [](Scenario& s, double f) { s.pool().cluster.gpu.tdp *= f; }},
    {"isl", [](Scenario& s, double f) { s.traffic.input *= f; }},
    {"osl", [](Scenario& s, double f) { s.traffic.output *= f; }},
    {"cached", [](Scenario& s,
                  double f) { s.traffic.prefix_hit_rate = std::min(s.traffic.prefix_hit_rate * f, 0.999); }},
    {"requests",
     [](Scenario& s, double f) {
         if (const auto size = size_of(s.traffic.load)) s.traffic.load = resized(s.traffic.load, *size * f);
     }},
};

const Uncertain& input_named(const Reader& r) {
    const std::string key = r.text("key");
    std::vector<std::string> known;
    for (const Uncertain& input : uncertain_inputs) {
        if (input.key == key) return input;
        known.emplace_back(input.key);
    }
    r.fail("key", "no such input", name_hint(key, known));
}

/// "neocloud_on_demand" of "neocloud_on_demand_nebius".
std::string_view kind_of_rent(std::string_view basis) {
    for (const std::string_view kind : {"neocloud_on_demand", "neocloud_reserved", "hyperscaler_on_demand",
                                        "hyperscaler_reserved", "neocloud_spot", "hyperscaler_spot"}) {
        if (basis.starts_with(kind)) return kind;
    }
    return {};
}

void set_provider_range(const DataStore& data, const Scenario& s, InputEffect& e) {
    const std::string_view kind = kind_of_rent(s.pool().price.basis);
    const double price = s.pool().price.usd_per_gpu_hour;
    for (const Price& p : prices_of(data, s.pool().cluster.gpu.id)) {
        if (kind.empty() || price <= 0 || kind_of_rent(p.basis) != kind) continue;
        e.low_factor = std::min(e.low_factor, p.usd_per_gpu_hour / price);
        e.high_factor = std::max(e.high_factor, p.usd_per_gpu_hour / price);
    }
}

double answer_of(const Scenario& scenario, const Figure& target) {
    const Expected<Estimate> estimate = evaluate(scenario);
    if (!estimate) return nothing;
    const View view{nullptr, &scenario, &*estimate, nullptr};
    return target.number(view);
}

double moved(const Scenario& scenario, const Uncertain& input, double factor, const Figure& target) {
    Scenario s = scenario;
    input.scale(s, factor);
    if (s.two_pools()) {                     // every row is about one pool: the other moves with it
        const Traffic traffic = s.traffic;   // once is enough
        std::swap(s.pools.front(), s.pools.back());
        input.scale(s, factor);
        std::swap(s.pools.front(), s.pools.back());
        s.traffic = traffic;
    }
    return answer_of(s, target);
}

const Figure& result_named(std::string_view name) {
    const Figure* figure = figure_named(name);
    if (figure != nullptr && figure->stage == FigureStage::result && figure->number != nullptr)
        return *figure;
    std::string message("'");
    message.append(name).append("' is no figure of a result");
    throw InputError({"--target"}, {}, message, name_hint(name, result_figures()));
}

}   // namespace

double InputEffect::effect(double answer) const {
    const double low = std::abs(low_answer / answer - 1);
    const double high = std::abs(high_answer / answer - 1);
    if (std::isnan(low) || std::isnan(high)) return std::numeric_limits<double>::infinity();
    return std::max(low, high);
}

Tornado tornado(const DataStore& data, const Scenario& scenario, std::string_view target) {
    const Figure& field = result_named(target);
    const Expected<Estimate> estimate = evaluate(scenario);
    if (!estimate) throw InputError({}, {}, to_text(estimate.error()));
    Tornado t;
    t.target = field.key;
    t.answer = answer_of(scenario, field);
    if (!std::isfinite(t.answer))
        throw InputError({"--target"}, {}, t.target + " has no value under this load");
    if (field.interval != nullptr) t.residual = field.interval({nullptr, &scenario, &*estimate, nullptr});

    const Document document = data.open("hwmodels", "uncertainty", "table");
    const Reader table(document);
    table.allow_only({"schema", "input"});
    for (const Reader& r : table.tables("input")) {
        r.allow_only({"key", "label", "low", "high", "from", "source"});
        const Uncertain& input = input_named(r);
        InputEffect e{r.text("key"), r.text("label"), r.text("source"), 1, 1, 0, 0, 0};
        const std::string from = r.text_or("from", "");
        if (from == "providers") {
            set_provider_range(data, scenario, e);
        } else if (from == "fit") {
            if (input.fit == nullptr) r.fail("from", "only kernels have a fit");
            const double error =
                scenario.pool().profile.kernels ? input.fit(*scenario.pool().profile.kernels) : 0;
            e.low_factor = 1 - error;
            e.high_factor = 1 + error;
        } else {
            e.low_factor = r.number("low", {0.01, 1});
            e.high_factor = r.number("high", {1, 100});
        }
        if (input.fit != nullptr && !scenario.pool().profile.kernels) continue;
        e.low_answer = moved(scenario, input, e.low_factor, field);
        e.high_answer = moved(scenario, input, e.high_factor, field);
        e.elasticity = std::log(moved(scenario, input, 1.01, field) / moved(scenario, input, 0.99, field)) /
                       std::log(1.01 / 0.99);
        constexpr double rounding = 1e-9;   // an input that moves the answer by no more does not move it
        if (e.effect(t.answer) > rounding || !(std::abs(e.elasticity) <= rounding))
            t.inputs.push_back(std::move(e));
    }
    std::stable_sort(t.inputs.begin(), t.inputs.end(), [&](const InputEffect& a, const InputEffect& b) {
        return a.effect(t.answer) > b.effect(t.answer);
    });
    return t;
}

}   // namespace moecost
