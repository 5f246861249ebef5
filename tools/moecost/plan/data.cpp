// SPDX-License-Identifier: Apache-2.0
// A plan for programs: schema moecost.plan/1, whose deployments are objects of moecost.estimate; CSV of the deployments,
// of rejected candidates and of the frontier of speed.
#include <cmath>

#include "moecost/base/format.h"
#include "moecost/base/json_writer.h"
#include "plan/plan.h"
#include "sheet.h"

namespace moecost::cli {
namespace {

void number_or_null(JsonWriter& json, std::string_view key, double value) {
    if (std::isfinite(value))
        json.number(key, value);
    else
        json.null(key);
}

void write_trust(JsonWriter& json, const PlanQuestion& q, const PlannedAnswer& a) {
    const Planned& p = a.planned;
    json.number("load_per_instance", p.size);
    json.number("capacity_per_instance", p.limits.capacity);
    json.number("largest_load_per_instance", a.trust.largest_size);
    json.number("withstands_slower", a.trust.withstands);
    number_or_null(json, "chance_to_meet", a.trust.chance);
    json.flag("calibrated_accelerator", !q.marked[q.space.variants[p.variant].machine]);
    json.flag("calibrated_formats", q.space.variants[p.variant].slower == 1);
    json.number("sized_slower", q.space.slower_of(p.variant));
}

/// A deployment within an object that is open already.
void write_deployment(JsonWriter& json, const PlanQuestion& q, const PlannedAnswer& a, bool with_trust) {
    json.text("deployment", deployment_name(q, a.planned));
    number_or_null(json, "score", a.planned.score);
    if (with_trust) write_trust(json, q, a);
    write_estimate(json, "estimate", a.estimate);
}

void write_one(JsonWriter& json, std::string_view key, const PlanQuestion& q,
               const std::optional<PlannedAnswer>& a, bool with_trust) {
    if (!a) return json.null(key);
    json.begin_object(key);
    write_deployment(json, q, *a, with_trust);
    json.end_object();
}

void write_list(JsonWriter& json, std::string_view key, const PlanQuestion& q,
                const std::vector<PlannedAnswer>& list) {
    json.begin_array(key);
    for (const PlannedAnswer& a : list) {
        json.begin_object();
        write_deployment(json, q, a, true);
        json.end_object();
    }
    json.end_array();
}

void write_pools(JsonWriter& json, std::string_view key, const PlanQuestion& q,
                 const std::optional<ApartAnswer>& a) {
    if (!a) return json.null(key);
    json.begin_object(key);
    json.text("deployment", deployment_name(q, a->planned));
    json.number("usd_per_hour", a->planned.usd_per_hour);
    json.number("gpus", a->planned.gpus());
    number_or_null(json, "chance_to_meet", a->trust.chance);
    write_estimate(json, "estimate", a->estimate);
    json.end_object();
}

void write_shortfall(JsonWriter& json, std::string_view key, const Shortfall& s) {
    json.begin_object(key);
    json.number("gpus", s.gpus);
    json.number("usd_per_hour", s.usd_per_hour);
    number_or_null(json, "ttft_s", s.ttft_s > 0 ? s.ttft_s : std::nan(""));
    number_or_null(json, "tpot_s", s.tpot_s > 0 ? s.tpot_s : std::nan(""));
    json.end_object();
}

/// Where there is no answer: what is missed, by how much, and the options that have one.
void write_misses(JsonWriter& json, const PlanQuestion& q, const PlanResult& r) {
    if (r.best || r.apart || !r.nearest)
        json.null("shortfall");
    else
        write_shortfall(json, "shortfall", shortfall_of(q, *r.nearest));
    if (r.apart || !r.near_apart)
        json.null("shortfall_of_two_pools");
    else
        write_shortfall(json, "shortfall_of_two_pools", shortfall_of(q, *r.near_apart));
    if (r.best || r.apart)
        json.null("hint");
    else
        json.text("hint", near_options(q, r));
}

void write_rejected(JsonWriter& json, const PlanQuestion& q, const PlanAnswer& a) {
    json.begin_object("rejected");
    for (const auto& [reason, count] : q.rejected) json.number(reason, static_cast<double>(count));
    for (const auto& [reason, count] : a.rejected) json.number(reason, static_cast<double>(count));
    json.end_object();
}

void write_day(JsonWriter& json, const DayAnswer& d) {
    json.begin_object("day");
    json.number("least_instances", d.least);
    json.number("most_instances", d.most);
    json.number("fixed_usd_per_day", d.fixed_usd);
    json.number("scaled_usd_per_day", d.scaled_usd);
    json.number("input_tokens_per_day", d.input_tokens);
    json.number("output_tokens_per_day", d.output_tokens);
    json.number("api_usd_per_day", d.api_usd);
    json.end_object();
}

Cell cell(double value) { return std::isfinite(value) ? number_cell(value, {}) : no_cell(); }
Cell count(int value) { return number_cell(value, {}); }

const Pool& pool_of(const PlanQuestion& q, std::size_t variant) {
    return q.space.machines[q.space.variants[variant].machine].scenario.pool();
}

constexpr Column layout_columns[] = {{"gpu", ""},   {"engine", ""},       {"weights", ""},   {"kv", ""},
                                     {"chunk", ""}, {"draft_tokens", ""}, {"tp", ""},        {"pp", ""},
                                     {"ep", ""},    {"attention_dp", ""}, {"all_to_all", ""}};

std::vector<Cell> layout_cells(const PlanQuestion& q, std::size_t variant, const Layout& l) {
    const Pool& pool = pool_of(q, variant);
    const PlanVariant& v = q.space.variants[variant];
    return {text_cell(pool.cluster.gpu.id),
            text_cell(pool.profile.engine),
            text_cell(precision_name(v.precision)),
            text_cell(info(v.precision.kv_cache).name),
            cell(v.settings.chunk_tokens),
            cell(v.settings.draft_tokens),
            count(l.tp),
            count(l.pp),
            count(l.ep),
            count(l.attention_dp),
            text_cell(l.ep > 1 ? name_of(l.exchange) : "collective")};
}

Sheet layout_sheet(std::initializer_list<Column> more) {
    Sheet sheet;
    sheet.columns.assign(std::begin(layout_columns), std::end(layout_columns));
    sheet.columns.insert(sheet.columns.end(), more);
    return sheet;
}

Sheet frontier_sheet(const PlanQuestion& q, const std::vector<SpeedPoint>& points) {
    Sheet sheet = layout_sheet({{"concurrency_per_instance", ""},
                                {"output_tokens_per_s_per_gpu", ""},
                                {"tokens_per_s_per_user", ""},
                                {"ttft_s", ""},
                                {"usd_per_mtok_output_all_in", ""},
                                {"sized_slower", ""},
                                {"beats_all", ""}});
    for (const SpeedPoint& p : points) {
        std::vector<Cell> row = layout_cells(q, p.variant, p.layout);
        for (const double x :
             {p.requests, p.per_gpu, p.per_user, p.ttft_s, p.usd_per_mtok > 0 ? p.usd_per_mtok : std::nan(""),
              q.space.slower_of(p.variant)})
            row.push_back(cell(x));
        row.push_back(text_cell(p.beats_all ? "true" : "false"));
        sheet.rows.push_back(std::move(row));
    }
    return sheet;
}

void write_frontier(JsonWriter& json, const PlanQuestion& q, const PlanResult& r) {
    if (!r.frontier) return json.null("frontier");
    const Sheet sheet = frontier_sheet(q, *r.frontier);
    write_rows(json, "frontier", sheet);
}

}   // namespace

std::string plan_json(const PlanQuestion& q, const PlanResult& r) {
    JsonWriter json;
    json.begin_object();
    json.text("schema", "moecost.plan/1");
    json.text("version", MOECOST_VERSION);
    json.text("objective", name_of(q.space.goal));
    json.text("price_basis", q.price_basis);
    json.number("max_load", q.space.max_load);
    number_or_null(json, "chance_demanded", q.chance > 0 ? q.chance : std::nan(""));
    json.flag("feasible", r.best.has_value());
    write_one(json, "answer", q, r.best, true);
    write_list(json, "rivals", q, r.rivals);
    write_list(json, "best_of_each", q, r.of_kind);
    json.begin_object("loosened_by_a_tenth");
    write_one(json, "slo_ttft", q, r.loosened[static_cast<std::size_t>(PlanLimit::ttft)], false);
    write_one(json, "slo_tpot", q, r.loosened[static_cast<std::size_t>(PlanLimit::tpot)], false);
    json.end_object();
    write_one(json, "nearest", q, r.nearest, false);
    write_one(json, "within_budget", q, r.within_budget, false);
    json.number("carried_within_budget", r.answer.carried);
    write_one(json, "smallest_instance", q, r.smallest, false);
    write_pools(json, "two_pools", q, r.apart);
    write_pools(json, "nearest_two_pools", q, r.near_apart);
    write_misses(json, q, r);
    if (r.day)
        write_day(json, *r.day);
    else
        json.null("day");
    write_frontier(json, q, r);
    if (r.launch.empty())
        json.null("launch");
    else
        json.text("launch", r.launch);
    json.number("candidates", static_cast<double>(r.answer.candidates));
    json.number("runnable", static_cast<double>(r.answer.runnable));
    json.number("evaluated", static_cast<double>(r.answer.evaluated));
    write_rejected(json, q, r.answer);
    json.begin_array("warnings");
    for (const std::string& w : q.warnings) json.text({}, w);
    json.end_array();
    json.end_object();
    return json.str();
}

/// The answer, its rivals and the best of each accelerator, or the nearest: every input and figure of `estimate`.
std::string plan_csv(const PlanQuestion&, const PlanResult& r) {
    std::vector<EstimateAnswer> rows;
    std::vector<std::string> roles;
    const auto add = [&](std::string_view role, const PlannedAnswer& a) {
        roles.emplace_back(role);
        rows.push_back(a.estimate);
    };
    if (r.best) add("answer", *r.best);
    if (r.apart) {
        roles.emplace_back("two_pools");
        rows.push_back(r.apart->estimate);
    }
    for (const PlannedAnswer& a : r.rivals) add("rival", a);
    for (const PlannedAnswer& a : r.of_kind) add("best_of_accelerator", a);
    if (r.nearest) add("nearest", *r.nearest);
    if (r.within_budget) add("within_budget", *r.within_budget);
    if (r.smallest) add("smallest_instance", *r.smallest);
    if (r.near_apart) {
        roles.emplace_back("nearest_two_pools");
        rows.push_back(r.near_apart->estimate);
    }
    const std::string csv = estimate_csv(rows);
    std::string s("role,");
    std::size_t row = 0;
    for (std::size_t i = 0; i < csv.size(); ++i) {
        s.push_back(csv[i]);
        if (csv[i] == '\n' && row < roles.size()) s.append(roles[row++]).append(",");
    }
    return s;
}

std::string rejected_csv(const PlanQuestion& q, const PlanAnswer& answer) {
    Sheet sheet = layout_sheet({{"reason", ""}, {"detail", ""}});
    for (const Rejected& x : answer.list) {
        std::vector<Cell> row = layout_cells(q, x.variant, x.layout);
        row.push_back(text_cell(x.reason));
        row.push_back(x.detail.empty() ? no_cell() : text_cell(x.detail));
        sheet.rows.push_back(std::move(row));
    }
    for (const auto& [reason, count] : q.rejected) {
        std::vector<Cell> row(std::size(layout_columns), no_cell());
        row.push_back(text_cell("a number format cannot run here"));
        row.push_back(text_cell(reason));
        sheet.rows.push_back(std::move(row));
    }
    return print(sheet, Format::csv);
}

std::string frontier_csv(const PlanQuestion& q, const std::vector<SpeedPoint>& points) {
    return print(frontier_sheet(q, points), Format::csv);
}

}   // namespace moecost::cli
