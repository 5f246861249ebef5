// SPDX-License-Identifier: Apache-2.0
// A design for programs: moecost.design/1 in JSON, and the frontier or every model as CSV.
#include <cmath>

#include "design/design.h"
#include "moecost/base/json_writer.h"
#include "sheet.h"

namespace moecost::cli {
namespace {

void number_or_null(JsonWriter& json, std::string_view key, double value) {
    json.number(key, value > 0 ? value : std::nan(""));
}

void write_layout(JsonWriter& json, const Layout& l) {
    json.begin_object("layout");
    json.number("gpus", l.gpus());
    json.number("tp", l.tp);
    json.number("pp", l.pp);
    json.number("ep", l.ep);
    json.number("attention_dp", l.attention_dp);
    json.end_object();
}

void write_point(JsonWriter& json, const DesignQuestion& q, const DesignAnswer& a, const DesignPoint& p,
                 std::string_view name = {}) {
    const FamilyMember& m = a.models[p.model].member;
    const Deployment& d = p.deployment;
    json.begin_object(name);
    json.number("experts", m.request.experts);
    json.number("top_k", m.request.top_k);
    json.number("granularity", m.request.granularity);
    json.number("shared_experts", m.request.shared_experts);
    json.number("size", m.request.size);
    json.number("dense_equivalent", m.dense_equivalent);
    json.number("active", m.active);
    json.number("total", m.total);
    json.number("embeddings", m.embeddings);
    json.number("tokens", p.tokens);
    json.number("loss", p.loss);
    json.number("training_flop", p.training_flop);
    number_or_null(json, "drafting_parameters", a.models[p.model].point.drafting);
    json.number("training_usd", p.training_usd);
    number_or_null(json, "training_tokens_per_s_gpu", a.models[p.model].training_rate);
    json.number("usd_per_mtok", d.usd_per_mtok);
    number_or_null(json, "lifetime_usd", q.goal.served_tokens > 0 ? p.lifetime_usd : 0);
    json.text("gpu", q.space.serving.machines[d.machine].pool().cluster.gpu.id);
    write_layout(json, d.layout);
    json.number("requests", d.requests);
    json.number("usd_per_hour", d.usd_per_hour);
    json.number("output_tokens_per_s", d.output_tokens_per_s);
    json.number("tpot_s", d.tpot_s);
    json.number("ttft_s", d.ttft_s);
    json.text("provenance", name_of(d.provenance));
    json.text("extrapolated", axes_text(outside_of(q, a, p)));
    json.begin_object("outside");
    for (const OutsideAxis& o : outside_of(q, a, p)) json.number(o.axis, o.above ? o.times : 1 / o.times);
    json.end_object();
    json.text("estimate", estimate_line(q, a, p));
    json.end_object();
}

void write_points(JsonWriter& json, const DesignQuestion& q, const DesignAnswer& a,
                  const std::vector<DesignPoint>& points, std::string_view name) {
    json.begin_array(name);
    for (const DesignPoint& p : points) write_point(json, q, a, p);
    json.end_array();
}

template <class T>
void write_list(JsonWriter& json, std::string_view name, const std::vector<T>& list) {
    json.begin_array(name);
    for (const T x : list) json.number({}, x);
    json.end_array();
}

void write_inputs(JsonWriter& json, const DesignQuestion& q) {
    const DesignSpace& s = q.space;
    const DesignGoal& g = q.goal;
    json.begin_object("inputs");
    json.text("objective", name_of(g.objective));
    number_or_null(json, "max_loss", g.max_loss);
    number_or_null(json, "equal_to", g.equal_to);
    number_or_null(json, "budget_flop", g.budget);
    number_or_null(json, "max_tokens", g.tokens.most);
    number_or_null(json, "max_tokens_per_parameter", g.tokens.per_parameter);
    number_or_null(json, "max_cost", g.max_cost);
    json.number("served_tokens", g.served_tokens);
    json.number("quantisation_loss", g.quantisation_loss);
    json.text("cost_of", name_of(s.serving.cost));
    json.text("family", s.family.id);
    json.text("law", s.basis.law.id);
    if (s.basis.bridge)
        json.text("bridge", s.basis.bridge->id);
    else
        json.null("bridge");
    write_list(json, "experts", s.experts);
    write_list(json, "top_k", s.top_k);
    write_list(json, "granularity", s.granularity);
    write_list(json, "shared_experts", s.shared_experts);
    write_list(json, "sizes", s.sizes);
    json.begin_array("accelerators");
    for (const Scenario& m : s.serving.machines) {
        json.begin_object();
        json.text("gpu", m.pool().cluster.gpu.id);
        json.number("usd_per_gpu_hour", m.pool().price.usd_per_gpu_hour);
        json.end_object();
    }
    json.end_array();
    write_list(json, "gpus", s.serving.gpus);
    write_list(json, "concurrency", s.serving.concurrency);
    const Scenario& first = s.serving.machines.front();
    json.text("engine", first.pool().profile.engine);
    json.text("kv", info(first.pool().precision.kv_cache).name);
    json.number("isl", first.traffic.input);
    json.number("osl", first.traffic.output);
    number_or_null(json, "slo_ttft_s", first.slo.ttft_s);
    number_or_null(json, "slo_tpot_s", first.slo.tpot_s);
    json.begin_object("training");
    json.text("gpu", g.training.gpu);
    number_or_null(json, "mfu", g.training.machine ? 0 : g.training.mfu);
    json.number("usd_per_gpu_hour", g.training.usd_per_gpu_hour);
    json.end_object();
    json.end_object();
}

void write_iso_loss(JsonWriter& json, const DesignQuestion& q, const DesignAnswer& a) {
    json.begin_array("iso_loss");
    for (const IsoLossRung& rung : a.iso_loss) {
        json.begin_object();
        json.number("training_flop_allowed", rung.flop);
        if (rung.dense) write_point(json, q, a, *rung.dense, "dense");
        if (rung.moe) write_point(json, q, a, *rung.moe, "moe");
        json.end_object();
    }
    json.end_array();
}

void write_binding(JsonWriter& json, const DesignQuestion& q, const DesignAnswer& a) {
    json.begin_array("binding");
    for (const Loosened& l : a.loosened) {
        json.begin_object();
        json.text("constraint", l.constraint);
        json.number("loosened_by", l.by);
        json.number("gain", l.gain);
        json.flag("binds", l.gain > 1e-6);
        write_point(json, q, a, l.winner, "winner");
        json.end_object();
    }
    json.end_array();
    json.begin_array("edges");
    for (const std::string& edge : a.edges) json.text({}, edge);
    json.end_array();
}

void write_certainty(JsonWriter& json, const DesignAnswer& a) {
    if (a.samples == 0) {
        json.null("certainty");
        return;
    }
    json.begin_object("certainty");
    json.number("samples", a.samples);
    json.begin_array("wins");
    for (const WinShare& w : a.wins) {
        const DesignCombination& c = a.combinations[w.combination];
        json.begin_object();
        json.number("experts", c.experts);
        json.number("top_k", c.top_k);
        json.number("granularity", c.granularity);
        json.number("shared_experts", c.shared_experts);
        json.number("share", static_cast<double>(w.wins) / a.samples);
        json.end_object();
    }
    json.end_array();
    json.end_object();
}

}   // namespace

std::string design_json(const DesignQuestion& q, const DesignAnswer& a) {
    JsonWriter json;
    json.begin_object();
    json.text("schema", "moecost.design/1");
    write_inputs(json, q);
    number_or_null(json, "max_loss", a.max_loss);
    write_point(json, q, a, a.winner, "winner");
    if (a.base)
        write_point(json, q, a, *a.base, "base");
    else
        json.null("base");
    if (a.dense_at_20)
        write_point(json, q, a, *a.dense_at_20, "dense_at_20");
    else
        json.null("dense_at_20");
    write_iso_loss(json, q, a);
    write_points(json, q, a, a.by_experts, "by_experts");
    json.begin_array("left_out");
    for (const LeftOut& l : a.left_out) {
        json.begin_object();
        json.number("experts", l.experts);
        json.text("reason", l.why.reason);
        json.end_object();
    }
    json.end_array();
    write_points(json, q, a, a.by_machine, "by_accelerator");
    write_points(json, q, a, a.frontier, "frontier");
    json.number("frontier_members", static_cast<double>(a.frontier_members));
    json.begin_object("evaluated");
    json.number("points", static_cast<double>(a.evaluated));
    json.number("models", static_cast<double>(a.built));
    json.end_object();
    write_binding(json, q, a);
    write_certainty(json, a);
    json.begin_array("notes");
    for (const std::string& note : design_notes(q, a)) json.text({}, note);
    json.end_array();
    json.end_object();
    return json.str();
}

std::string design_csv(const DesignQuestion& q, const DesignAnswer& a, bool all) {
    Sheet sheet{"moecost.design/1", "points", {}, {}};
    for (const char* key : {"experts",      "top_k",
                            "granularity",  "shared_experts",
                            "size",         "dense_equivalent",
                            "active",       "total",
                            "embeddings",   "tokens",
                            "loss",         "training_flop",
                            "training_usd", "usd_per_mtok",
                            "lifetime_usd", "gpu",
                            "gpus",         "tp",
                            "pp",           "ep",
                            "attention_dp", "requests",
                            "usd_per_hour", "output_tokens_per_s",
                            "tpot_s",       "ttft_s",
                            "provenance",   "extrapolated"}) {
        sheet.columns.push_back({key, ""});
    }
    const auto n = [](double x) { return number_cell(x, ""); };
    for (const DesignPoint& p : all ? a.all : a.frontier) {
        const FamilyMember& m = a.models[p.model].member;
        const FamilyRequest& r = m.request;
        const Deployment& d = p.deployment;
        const Layout& l = d.layout;
        sheet.rows.push_back({n(r.experts),
                              n(r.top_k),
                              n(r.granularity),
                              n(r.shared_experts),
                              n(r.size),
                              n(m.dense_equivalent),
                              n(m.active),
                              n(m.total),
                              n(m.embeddings),
                              n(p.tokens),
                              n(p.loss),
                              n(p.training_flop),
                              n(p.training_usd),
                              n(d.usd_per_mtok),
                              q.goal.served_tokens > 0 ? n(p.lifetime_usd) : no_cell(),
                              text_cell(q.space.serving.machines[d.machine].pool().cluster.gpu.id),
                              n(l.gpus()),
                              n(l.tp),
                              n(l.pp),
                              n(l.ep),
                              n(l.attention_dp),
                              n(d.requests),
                              n(d.usd_per_hour),
                              n(d.output_tokens_per_s),
                              n(d.tpot_s),
                              n(d.ttft_s),
                              text_cell(name_of(d.provenance)),
                              text_cell(axes_text(outside_of(q, a, p)))});
    }
    return print(sheet, Format::csv);
}

}   // namespace moecost::cli
