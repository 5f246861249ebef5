// SPDX-License-Identifier: Apache-2.0
// An estimate as one CSV row for each accelerator; columns end in their unit.
#include "estimate/estimate.h"
#include "moecost/base/format.h"
#include "sheet.h"

namespace moecost::cli {
namespace {

struct Fields {
    std::vector<Column> columns;
    std::vector<Cell> cells;
    void text(std::string_view key, std::string_view value) {
        columns.push_back({key, key, false});
        cells.push_back(text_cell(value));
    }
    void number(std::string_view key, double value) {
        columns.push_back({key, key, true});
        cells.push_back(number_cell(value, {}));
    }
};

void add_inputs(Fields& f, const Scenario& s) {
    f.text("model", s.architecture.name);
    f.text("gpu", s.cluster.gpu.id);
    f.text("engine", s.profile.engine);
    f.number("gpus", s.layout.gpus());
    f.number("tp", s.layout.tp);
    f.number("pp", s.layout.pp);
    f.number("ep", s.layout.ep);
    f.number("attention_dp", s.layout.attention_dp);
    f.number("replicas", s.layout.replicas);
    f.text("weights", info(s.precision.routed_experts).name);
    f.text("kv_cache", info(s.precision.kv_cache).name);
    f.number("input_tokens", s.traffic.input);
    f.number("output_tokens", s.traffic.output);
    f.number("prefix_hit_rate", s.traffic.prefix_hit_rate);
    f.text("load", name_of(s.traffic.load));
    f.number("requests", s.traffic.requests);
    f.number("draft_tokens", s.engine.draft_tokens);
    f.number("usd_per_gpu_hour", s.price.usd_per_gpu_hour);
    f.text("price_basis", s.price.basis);
    f.text("price_date", s.price.date);
}

void add_figures(Fields& f, const EstimateAnswer& a, const Estimate& e) {
    f.number("output_tokens_per_s", e.serving.output_tokens_per_s.value());
    f.number("output_tokens_per_s_per_gpu", e.serving.output_tokens_per_s.value() / a.scenario.layout.gpus());
    f.number("input_tokens_per_s", e.serving.input_tokens_per_s.value());
    f.number("requests_per_s", e.serving.requests_per_s.value());
    f.number("ttft_s", e.serving.ttft.value());
    f.number("ttft_queue_s", e.serving.ttft_queue.value());
    f.number("tpot_s", e.serving.tpot.value());
    f.number("e2e_s", e.serving.e2e.value());
    f.number("running", e.serving.running);
    f.number("max_concurrency", e.memory.max_concurrency);
    f.number("memory_capacity_bytes", e.memory.capacity.value());
    f.number("memory_weights_bytes", e.memory.weights.value());
    f.number("memory_reserve_bytes", e.memory.reserve.value());
    f.number("memory_cache_bytes", e.memory.cache.value());
    f.number("usd_per_mtok_output", e.cost.usd_per_mtok_output);
    f.number("usd_per_mtok_input", e.cost.usd_per_mtok_input);
    f.number("usd_per_mtok_cached", e.cost.usd_per_mtok_cached);
    f.number("usd_per_mtok_blended", e.cost.usd_per_mtok_blended);
    f.number("usd_per_hour", e.cost.usd_per_hour);
    f.number("joules_per_output_token", e.cost.joules_per_output_token.value());
    f.number("watts_per_gpu", e.cost.watts_per_gpu.value());
    f.number("decode_step_s", a.decode ? a.decode->time.total.value() : 0);
    f.text("decode_bound", a.decode ? bound_names[largest(a.decode->spent)] : "");
    f.number("prompt_step_s", a.prompt ? a.prompt->time.total.value() : 0);
    f.text("prompt_bound", a.prompt ? bound_names[largest(a.prompt->spent)] : "");
    f.text("provenance", name_of(e.provenance));
    f.text("slo_met", e.meets_slo ? "true" : "false");
}

}   // namespace

std::string estimate_csv(const std::vector<EstimateAnswer>& answers) {
    Sheet sheet;
    for (const EstimateAnswer& a : answers) {
        Fields f;
        add_inputs(f, a.scenario);
        const std::size_t inputs = f.columns.size();
        add_figures(f, a, a.estimate.value_or(Estimate{}));
        if (!a.estimate)
            std::fill(f.cells.begin() + static_cast<std::ptrdiff_t>(inputs), f.cells.end(), no_cell());
        f.text("infeasible", a.estimate ? std::string() : describe(a.why));
        sheet.columns = f.columns;
        sheet.rows.push_back(f.cells);
    }
    return print(sheet, Format::csv);
}

}   // namespace moecost::cli
