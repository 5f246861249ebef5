// SPDX-License-Identifier: Apache-2.0
// An estimate for programs: schema moecost.estimate/2, always a list; inputs and figures by the keys of their tables.
#include <cmath>

#include "estimate/estimate.h"
#include "moecost/base/json_writer.h"
#include "moecost/estimate/pools.h"

namespace moecost::cli {
namespace {

void number_or_null(JsonWriter& json, std::string_view key, double value) {
    if (std::isfinite(value))
        json.number(key, value);
    else
        json.null(key);
}

/// As used where the description resolved, else as given.
void write_input(JsonWriter& json, const Input& input, const EstimateAnswer& a) {
    const std::string key = column_of(input);
    const View view = a.view();
    const bool resolved = view.scenario != nullptr;
    if (resolved && input.number != nullptr) {
        if (input.kind == InputKind::toggle) return json.flag(key, input.number(view) != 0);
        return number_or_null(json, key, input.number(view));
    }
    std::string text;
    if (resolved && input.text != nullptr) {
        text = input.text(view);
    } else {
        const auto texts = texts_of(a.description, input);
        if (!texts.empty()) text = texts.front();
    }
    if (text.empty())
        json.null(key);
    else if (const auto given = given_number(a.description, input))
        json.number(key, *given);
    else
        json.text(key, text);
}

void write_inputs(JsonWriter& json, const EstimateAnswer& a) {
    json.begin_object("inputs");
    for (const Input& input : inputs()) {
        if (input.kind != InputKind::edit) {
            write_input(json, input, a);
            continue;
        }
        json.begin_object(column_of(input));
        if (std::holds_alternative<EditSlot>(input.slot))
            for (const auto& [key, value] : a.description.edits) json.text(key, value);
        else
            for (const std::string& key : a.description.ignored_keys) json.text(key, "ignored");
        json.end_object();
    }
    json.end_object();
}

void write_model(JsonWriter& json, const Scenario& s) {
    const Counts counts = count(s.architecture);
    json.begin_object("model");
    json.text("name", s.architecture.name);
    json.number("parameters", counts.total);
    json.number("active_incl_embeddings", counts.active_incl_embeddings);
    json.end_object();
}

void write_formats(JsonWriter& json, const Precision& p) {
    const auto format = [&](std::string_view name, DType type) { json.text(name, info(type).name); };
    json.begin_object("formats");
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

void write_pool(JsonWriter& json, const Pool& p) {
    json.begin_object("price");
    number_or_null(json, "usd_per_gpu_hour", p.price.known() ? p.price.usd_per_gpu_hour : std::nan(""));
    json.text("basis", p.price.basis);
    json.text("provider", p.price.provider);
    json.text("date", p.price.date);
    json.text("source", p.price.source);
    json.end_object();
    json.begin_object("engine");
    json.text("profile", p.profile.id);
    json.text("kernels_timed_on", p.profile.accelerator);
    json.text("batching",
              p.settings.batching == Batching::chunked_prefill ? "chunked_prefill" : "prefill_first");
    json.text("memory_basis", p.settings.memory_basis == MemoryBasis::total ? "total" : "free");
    json.number("output_reserve", p.settings.output_reserve);
    json.end_object();
}

void write_figure(JsonWriter& json, const Figure& f, const View& view) {
    if (f.kind == FigureKind::flag) return json.flag(f.key, f.number(view) != 0);
    if (f.number != nullptr) return number_or_null(json, f.key, f.number(view));
    const std::string_view text = f.text(view);
    if (text.empty())
        json.null(f.key);
    else
        json.text(f.key, text);
}

void write_figures(JsonWriter& json, const View& view) {
    for (const FigureGroup group : {FigureGroup::deployment, FigureGroup::serving, FigureGroup::memory,
                                    FigureGroup::cost, FigureGroup::trust}) {
        json.begin_object(name_of(group));
        for (const Figure& f : figures()) {
            if (f.group == group) write_figure(json, f, view);
        }
        json.end_object();
    }
    // p10 and p90 by the residuals of measured servers; null where none was measured.
    json.begin_object("intervals");
    for (const Figure& f : figures()) {
        if (f.interval == nullptr) continue;
        const Interval i = f.interval(view);
        if (!i.known()) {
            json.null(f.key);
            continue;
        }
        json.begin_array(f.key);
        json.number({}, i.low);
        json.number({}, i.high);
        json.end_array();
    }
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

void write_step(JsonWriter& json, std::string_view name, const std::optional<StepBreakdown>& step,
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

void write_infeasible(JsonWriter& json, const EstimateAnswer& a) {
    json.begin_object("infeasible");
    json.text("message", to_text(a.why));
    json.text("reason", a.why.reason);
    json.text("quantity", a.why.quantity);
    json.text("unit", a.why.unit);
    json.number("needed", a.why.needed);
    json.number("available", a.why.available);
    json.number("shortfall", a.why.is_rule ? 0 : a.why.needed - a.why.available);
    if (a.fix.empty())
        json.null("smallest_fix");
    else
        json.text("smallest_fix", a.fix);
    json.end_object();
}

}   // namespace

void write_estimate(JsonWriter& json, std::string_view key, const EstimateAnswer& a) {
    json.begin_object(key);
    json.text(
        "command",
        std::string("moecost estimate ").append(options_of(a.description)).append(method_text(a.method)));
    write_inputs(json, a);
    if (a.scenario) {
        write_model(json, *a.scenario);
        write_formats(json, a.scenario->pool().precision);
        write_pool(json, a.scenario->pool());
        if (a.scenario->two_pools()) {   // formats, price and engine above are those of decode
            json.begin_object("prefill_pool");
            write_formats(json, a.scenario->pools.front().precision);
            write_pool(json, a.scenario->pools.front());
            json.end_object();
        }
    }
    if (a.estimate) {
        write_figures(json, a.view());
        json.begin_object("steps");
        write_step(json, "decode", a.steps.decode, 1);
        write_step(json, "prefill", a.steps.prompt, prompt_factor(*a.scenario));
        json.end_object();
    } else {
        write_infeasible(json, a);
    }
    json.begin_array("notes");
    for (const std::string& note : assumptions({a})) json.text({}, note);
    json.end_array();
    if (a.scenario && !a.scenario->architecture.warnings.empty()) {
        json.begin_array("warnings");
        for (const std::string& warning : a.scenario->architecture.warnings) json.text({}, warning);
        json.end_array();
    }
    json.end_object();
}

std::string estimate_json(const std::vector<EstimateAnswer>& answers) {
    JsonWriter json;
    json.begin_object();
    json.text("schema", "moecost.estimate/2");
    json.text("version", MOECOST_VERSION);
    json.begin_array("estimates");
    for (const EstimateAnswer& a : answers) write_estimate(json, {}, a);
    json.end_array();
    json.end_object();
    return json.str();
}

}   // namespace moecost::cli
