// SPDX-License-Identifier: Apache-2.0
// An estimate for programs: schema moecost.estimate/1, SI units and the inputs that produced it.
#include "estimate/estimate.h"
#include "moecost/base/json_writer.h"

namespace moecost::cli {
namespace {

void write_model(JsonWriter& json, const Scenario& s, const Description& d) {
    const Counts counts = count(s.architecture);
    json.begin_object("model");
    json.text("name", s.architecture.name);
    json.number("parameters", counts.total);
    json.number("active_incl_embeddings", counts.active_incl_embeddings);
    json.begin_object("edits");
    for (const auto& [key, value] : d.edits) json.text(key, value);
    json.end_object();
    json.end_object();
}

void write_hardware(JsonWriter& json, const Scenario& s) {
    json.text("gpu", s.cluster.gpu.id);
    json.text("gpu_name", s.cluster.gpu.name);
    json.text("cluster", s.cluster.id);
    json.text("engine", s.profile.engine);
    json.text("profile", s.profile.id);
    json.begin_object("layout");
    json.number("gpus", s.layout.gpus());
    json.number("tp", s.layout.tp);
    json.number("pp", s.layout.pp);
    json.number("ep", s.layout.ep);
    json.number("attention_dp", s.layout.attention_dp);
    json.number("replicas", s.layout.replicas);
    json.text("all_to_all", name_of(s.layout.exchange));
    json.end_object();
}

void write_precision(JsonWriter& json, const Precision& p) {
    const auto format = [&](std::string_view name, DType type) { json.text(name, info(type).name); };
    json.begin_object("precision");
    format("attention", p.attention);
    format("output_projection", p.output_projection.value_or(p.attention));
    format("dense_ffn", p.dense_ffn);
    format("shared_experts", p.shared_experts);
    format("routed_experts", p.routed_experts);
    format("embeddings", p.embeddings);
    format("head", p.head);
    format("kv_cache", p.kv_cache);
    json.end_object();
}

void write_traffic(JsonWriter& json, const Scenario& s) {
    const Traffic& t = s.traffic;
    json.begin_object("traffic");
    if (t.name.empty())
        json.null("name");
    else
        json.text("name", t.name);
    json.number("input_tokens", t.input);
    json.number("output_tokens", t.output);
    json.number("prefix_hit_rate", t.prefix_hit_rate);
    json.flag("equal_lengths", t.equal_lengths);
    json.text("load", name_of(t.load));
    json.number("requests", t.requests);
    json.end_object();
    const EngineSettings& e = s.engine;
    json.begin_object("engine_settings");
    json.text("batching", e.batching == Batching::chunked_prefill ? "chunked_prefill" : "prefill_first");
    json.number("chunk_tokens", e.chunk_tokens);
    json.number("max_sequences", e.max_sequences);
    json.text("memory_basis", e.memory_basis == MemoryBasis::total ? "total" : "free");
    json.number("memory_fraction", e.memory_fraction);
    json.number("reserve_bytes", e.reserve.value());
    json.number("output_reserve", e.output_reserve);
    json.number("admission_steps", e.admission_steps);
    json.number("draft_tokens", e.draft_tokens);
    json.number("acceptance", e.acceptance);
    json.end_object();
}

void write_price(JsonWriter& json, const Scenario& s) {
    json.begin_object("price");
    json.number("usd_per_gpu_hour", s.price.usd_per_gpu_hour);
    json.text("basis", s.price.basis);
    json.text("provider", s.price.provider);
    json.text("date", s.price.date);
    json.text("source", s.price.source);
    json.end_object();
    json.number("blend_input_parts", s.blend_input_parts);
}

void write_inputs(JsonWriter& json, const EstimateAnswer& a) {
    json.begin_object("inputs");
    json.text("version", MOECOST_VERSION);
    write_model(json, a.scenario, a.description);
    write_hardware(json, a.scenario);
    write_precision(json, a.scenario.precision);
    write_traffic(json, a.scenario);
    write_price(json, a.scenario);
    json.end_object();
}

void write_serving(JsonWriter& json, const EstimateAnswer& a, const Estimate& e) {
    const Serving& s = e.serving;
    const double gpus = a.scenario.layout.gpus();
    json.begin_object("serving");
    json.number("output_tokens_per_s", s.output_tokens_per_s.value());
    json.number("output_tokens_per_s_per_gpu", s.output_tokens_per_s.value() / gpus);
    json.number("input_tokens_per_s", s.input_tokens_per_s.value());
    json.number("requests_per_s", s.requests_per_s.value());
    json.number("ttft_s", s.ttft.value());
    json.number("ttft_queue_s", s.ttft_queue.value());
    json.number("tpot_s", s.tpot.value());
    json.number("e2e_s", s.e2e.value());
    json.number("running", s.running);
    json.number("decoding", s.decoding);
    json.number("tokens_per_step", a.scenario.engine.tokens_per_step());
    json.number("max_concurrency", e.memory.max_concurrency);
    json.number("prefill_share", s.prefill_share);
    json.number("prefill_steps_share", s.prefill_steps_share);
    json.end_object();
}

void write_memory(JsonWriter& json, const MemoryPlan& m) {
    json.begin_object("memory");
    json.number("capacity", m.capacity.value());
    json.number("weights", m.weights.value());
    json.number("reserve", m.reserve.value());
    json.number("cache", m.cache.value());
    json.number("sequence", m.sequence.value());
    json.end_object();
}

/// p10 and p90 by the residuals of measured servers; null where none was measured.
void write_intervals(JsonWriter& json, const Estimate& e) {
    const auto write = [&](std::string_view name, const Interval& i) {
        if (!i.known()) return json.null(name);
        json.begin_array(name);
        json.number({}, i.low);
        json.number({}, i.high);
        json.end_array();
    };
    json.begin_object("p10_p90");
    write("output_tokens_per_s", e.output_tokens_per_s);
    write("tpot_s", e.tpot_s);
    write("ttft_s", e.ttft_s);
    write("usd_per_mtok_output", e.usd_per_mtok_output);
    json.end_object();
}

void write_cost(JsonWriter& json, const Cost& c) {
    json.begin_object("cost");
    json.number("usd_per_mtok_output", c.usd_per_mtok_output);
    json.number("usd_per_mtok_input", c.usd_per_mtok_input);
    json.number("usd_per_mtok_cached", c.usd_per_mtok_cached);
    json.number("usd_per_mtok_blended", c.usd_per_mtok_blended);
    json.number("usd_per_mtok_total", c.usd_per_mtok_total);
    json.number("usd_per_hour", c.usd_per_hour);
    json.number("joules_per_output_token", c.joules_per_output_token.value());
    json.number("watts_per_gpu", c.watts_per_gpu.value());
    json.end_object();
}

void write_deployment(JsonWriter& json, const EstimateAnswer& a, const Estimate& e) {
    const double replicas = a.scenario.layout.replicas;
    json.begin_object("deployment");
    json.number("replicas", replicas);
    json.number("gpus", replicas * a.scenario.layout.gpus());
    json.number("output_tokens_per_s", replicas * e.serving.output_tokens_per_s.value());
    json.number("input_tokens_per_s", replicas * e.serving.input_tokens_per_s.value());
    json.number("requests_per_s", replicas * e.serving.requests_per_s.value());
    json.number("usd_per_hour", replicas * e.cost.usd_per_hour);
    json.end_object();
}

void write_operation(JsonWriter& json, const TimedOperation& op) {
    json.begin_object();
    json.text("name", op.operation.name);
    json.text("class", name_of(op.operation.op_class));
    json.number("count", op.operation.count);
    json.number("total_s", op.timed.total.value());
    json.number("compute_s", op.timed.compute.value());
    json.number("memory_s", op.timed.memory.value());
    json.number("network_s", op.timed.network.value());
    json.number("floor_s", op.timed.floor.value());
    json.text("bound", name_of(op.timed.bound()));
    json.text("provenance", name_of(op.timed.provenance));
    json.number("flop", op.work.flop.value());
    json.number("weight_bytes", op.work.weights.value());
    json.number("activation_bytes", op.work.activations.value());
    json.number("cache_bytes", op.work.cache.value());
    json.number("message_bytes", op.work.message.value());
    if (const auto* experts = std::get_if<ExpertFfn>(&op.operation.shape)) {
        json.number("distinct_experts", experts->distinct);
    }
    json.end_object();
}

void write_step(JsonWriter& json, std::string_view name, const std::optional<StepAnswer>& step,
                double prefill_factor) {
    if (!step) return json.null(name);
    json.begin_object(name);
    json.number("total_s", step->time.total.value());
    json.number("roofline_s", step->time.roofline.value());
    json.text("bound", bound_names[largest(step->spent)]);
    json.number("sequences", step->shape.decode_sequences);
    json.number("context", step->shape.decode_context);
    json.number("prompt_tokens", step->shape.prefill_tokens);
    json.number("prefill_factor", prefill_factor);
    json.begin_object("by_class");
    for (std::size_t c = 0; c < step->time.by_class.size(); ++c) {
        json.number(name_of(static_cast<OpClass>(c)), step->time.by_class[c].value());
    }
    json.end_object();
    json.begin_object("by_bound");
    for (std::size_t b = 0; b < bound_names.size(); ++b) json.number(bound_names[b], step->spent[b]);
    json.end_object();
    json.begin_array("operations");
    for (const TimedOperation& op : step->operations) write_operation(json, op);
    json.end_array();
    json.end_object();
}

void write_trust(JsonWriter& json, const EstimateAnswer& a, const Estimate& e) {
    json.text("provenance", name_of(e.provenance));
    const Slo& slo = a.scenario.slo;
    json.begin_object("slo");
    if (slo.ttft_s > 0)
        json.number("ttft_s", slo.ttft_s);
    else
        json.null("ttft_s");
    if (slo.tpot_s > 0)
        json.number("tpot_s", slo.tpot_s);
    else
        json.null("tpot_s");
    json.flag("met", e.meets_slo);
    json.end_object();
}

void write_infeasible(JsonWriter& json, const EstimateAnswer& a) {
    json.begin_object("infeasible");
    json.text("reason", a.why.reason);
    json.text("quantity", a.why.quantity);
    json.text("unit", a.why.unit);
    json.number("needed", a.why.needed);
    json.number("available", a.why.available);
    json.number("shortfall", a.why.needed - a.why.available);
    if (a.fix.empty())
        json.null("smallest_fix");
    else
        json.text("smallest_fix", a.fix);
    json.end_object();
}

void write_answer(JsonWriter& json, const EstimateAnswer& a) {
    json.begin_object();
    json.text("schema", "moecost.estimate/1");
    write_inputs(json, a);
    if (a.estimate) {
        write_serving(json, a, *a.estimate);
        write_memory(json, a.estimate->memory);
        write_cost(json, a.estimate->cost);
        write_intervals(json, *a.estimate);
        write_deployment(json, a, *a.estimate);
        json.begin_object("steps");
        write_step(json, "decode", a.decode, 1);
        write_step(json, "prompt", a.prompt, a.scenario.profile.serving.prefill_factor);
        json.end_object();
        write_trust(json, a, *a.estimate);
    } else {
        write_infeasible(json, a);
    }
    json.begin_array("notes");
    for (const std::string& note : assumptions({a})) json.text({}, note);
    json.end_array();
    if (!a.scenario.architecture.warnings.empty()) {
        json.begin_array("warnings");
        for (const std::string& warning : a.scenario.architecture.warnings) json.text({}, warning);
        json.end_array();
    }
    json.end_object();
}

}   // namespace

std::string estimate_json(const std::vector<EstimateAnswer>& answers) {
    JsonWriter json;
    if (answers.size() == 1) {
        write_answer(json, answers.front());
        return json.str();
    }
    json.begin_object();
    json.text("schema", "moecost.estimates/1");
    json.begin_array("estimates");
    for (const EstimateAnswer& a : answers) write_answer(json, a);
    json.end_array();
    json.end_object();
    return json.str();
}

}   // namespace moecost::cli
