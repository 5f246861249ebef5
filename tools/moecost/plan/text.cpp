// SPDX-License-Identifier: Apache-2.0
// A plan for people: the answer first, then its rivals, what binds, what was left out, and what it rests on.
#include <algorithm>
#include <cmath>

#include "moecost/base/format.h"
#include "plan/plan.h"
#include "sheet.h"

namespace moecost::cli {
namespace {

constexpr std::size_t label_width = 22;
constexpr std::size_t most_reasons = 8;
constexpr std::size_t few_formats = 3;   // that are told one by one

/// A paragraph that stands two columns in.
std::string indented(std::string_view text, std::size_t indent, std::size_t width) {
    std::string s = wrapped(text, indent, width - 2);
    for (std::size_t at = s.find('\n'); at != std::string::npos && at + 1 < s.size();
         at = s.find('\n', at + 3))
        s.insert(at + 1, "  ");
    return s.insert(0, "  ");
}

std::string line(std::string_view label, std::string_view text, std::size_t width) {
    return answer_line(label, text, width);
}

std::string gpu_of(const PlanQuestion& q, const Planned& p) {
    std::string s = q.space.machines[q.space.variants[p.variant].machine].scenario.pool().cluster.gpu.id;
    return is_marked(q, p.variant) ? s.append("*") : s;
}

std::string_view unit_of(const Load& load) { return is_rate(load) ? "requests/s" : "requests in flight"; }

const Slo& slo_of(const PlanQuestion& q) { return q.space.machines.front().scenario.slo; }

std::string question_line(const PlanQuestion& q) {
    const Scenario& s = q.space.machines.front().scenario;
    std::string text(model_name(s));
    text.append(": ").append(load_name(s.traffic.load)).append(", ");
    text.append(amount(s.traffic.input))
        .append(" prompt + ")
        .append(amount(s.traffic.output))
        .append(" output tokens");
    if (s.traffic.prefix_hit_rate > 0)
        text.append(" (").append(percent(s.traffic.prefix_hit_rate)).append(" cached)");
    const auto add = [&](std::string_view time, double level, double limit) {
        if (limit > 0)
            text.append("; ").append(objective_name(time, level)).append(" within ").append(duration(limit));
    };
    add("TTFT", s.slo.ttft_level, s.slo.ttft_s);
    add("TPOT", s.slo.tpot_level, s.slo.tpot_s);
    text.append("; least ")
        .append(q.space.goal == PlanGoal::throughput ? "GPUs per token/s" : name_of(q.space.goal));
    return text;
}

std::string figure_of(const PlannedAnswer& a, std::string_view key) {
    if (!a.estimate.estimate) return "-";
    return shown(*figure_named(key), a.estimate.view());
}

std::string time_line(const PlannedAnswer& a, std::string_view mean_key, Seconds Estimate::*judged,
                      double level, double limit) {
    std::string s(figure_of(a, mean_key));
    s.append(" mean");
    if (!a.estimate.estimate || limit <= 0) return s;
    if (level > 0) {
        s.append(", ").append(duration(((*a.estimate.estimate).*judged).value()));
        s.append(" ").append(objective_name({}, level));
    }
    return s.append(" (").append(duration(limit)).append(" allowed)");
}

}   // namespace

std::string answer_line(std::string_view label, std::string_view text, std::size_t width) {
    return indented(align_left(label, label_width).append(text), label_width, width);
}

std::string chance_text(const PlanQuestion& q, const PlanTrust& trust) {
    if (!std::isfinite(trust.chance)) return "not known: no residuals of this accelerator and engine";
    std::string s = percent(trust.chance);
    if (q.chance > 0) s.append(" (").append(percent(q.chance)).append(" demanded)");
    return s.append(" by the residuals of served points; a machine ")
        .append(significant(trust.withstands, 3))
        .append(" times slower than predicted still carries it");
}

namespace {

std::string load_line(const PlanQuestion& q, const PlannedAnswer& a) {
    const Planned& p = a.planned;
    const Load& load = q.space.machines.front().scenario.traffic.load;
    std::string s = amount(p.size, unit_of(load));
    s.append(", ")
        .append(percent(p.size / p.limits.capacity))
        .append(" of its capacity; within the objectives up to ");
    s.append(amount(a.trust.largest_size))
        .append(" (")
        .append(percent(std::max(0.0, a.trust.largest_size / p.size - 1)));
    return s.append(" more)");
}

}   // namespace

std::string answer_text(const PlanQuestion& q, const PlannedAnswer& a, const Style& style) {
    const Slo& slo = slo_of(q);
    const std::size_t w = style.width;
    const PlanVariant& v = q.space.variants[a.planned.variant];
    std::string s = style.bold(std::string("  ").append(deployment_name(q, a.planned)).append("\n"));
    std::string formats(precision_name(v.precision));
    formats.append(", KV cache ").append(info(v.precision.kv_cache).name);
    formats.append("; chunk ").append(amount(v.settings.chunk_tokens));
    if (v.settings.draft_tokens > 0)
        formats.append(", ").append(amount(v.settings.draft_tokens)).append(" drafted tokens");
    s.append(line("formats", formats, w));
    std::string rent = figure_of(a, "usd_per_hour");
    s.append(line("rent",
                  rent.append(" per hour, ").append(figure_of(a, "usd_per_month")).append(" per month"), w));
    std::string tokens = figure_of(a, "usd_per_mtok_output");
    tokens.append(" output, ").append(figure_of(a, "usd_per_mtok_input")).append(" input");
    s.append(line("per million tokens", tokens, w));
    s.append(line("time to first token",
                  time_line(a, "ttft_s", &Estimate::ttft_of_slo, slo.ttft_level, slo.ttft_s), w));
    s.append(line("time per output token",
                  time_line(a, "tpot_s", &Estimate::tpot_of_slo, slo.tpot_level, slo.tpot_s), w));
    if (!(a.trust.largest_size > 0)) return s;
    s.append(line("load per instance", load_line(q, a), w));
    s.append(line("chance to meet", chance_text(q, a.trust), w));
    return s;
}

namespace {

/// The time that an objective is about, or its mean without one.
std::string judged_time(const PlannedAnswer& a, Seconds Estimate::*judged, double limit,
                        std::string_view mean_key) {
    if (!a.estimate.estimate || limit <= 0) return figure_of(a, mean_key);
    return duration(((*a.estimate.estimate).*judged).value());
}

/// The times are those that the objectives are about, and say so: "p95 TTFT".
std::string table_of(const PlanQuestion& q, const std::vector<PlannedAnswer>& list) {
    const Slo& slo = slo_of(q);
    const std::string ttft = objective_name("TTFT", slo.ttft_s > 0 ? slo.ttft_level : 0);
    const std::string tpot = objective_name("TPOT", slo.tpot_s > 0 ? slo.tpot_level : 0);
    Sheet t;
    t.columns = {{"", "  GPUs", true}, {"", "accelerator"},   {"", "instances"}, {"", "engine"},
                 {"", "$/h", true},    {"", "$/M out", true}, {"", ttft, true},  {"", tpot, true},
                 {"", "load", true},   {"", "chance", true}};
    for (const PlannedAnswer& a : list) {
        const Planned& p = a.planned;
        std::string instances = std::to_string(p.replicas);
        instances.append(" x (").append(layout_name(p.layout)).append(")");
        const auto& engine =
            q.space.machines[q.space.variants[p.variant].machine].scenario.pool().profile.engine;
        t.rows.push_back({text_cell(std::to_string(p.gpus())), text_cell(gpu_of(q, p)), text_cell(instances),
                          text_cell(engine), text_cell(figure_of(a, "usd_per_hour")),
                          text_cell(figure_of(a, "usd_per_mtok_output")),
                          text_cell(judged_time(a, &Estimate::ttft_of_slo, slo.ttft_s, "ttft_s")),
                          text_cell(judged_time(a, &Estimate::tpot_of_slo, slo.tpot_s, "tpot_s")),
                          text_cell(percent(p.size / p.limits.capacity)),
                          text_cell(std::isfinite(a.trust.chance) ? percent(a.trust.chance) : "-")});
    }
    return print(t, Format::text);
}

std::string change(double from, double to) {
    if (!(from > 0) || !(to > 0)) return {};
    const double share = to / from - 1;
    if (std::abs(share) < 5e-4) return "no change";
    std::string s(fixed(100 * std::abs(share), 1));
    return s.append(share < 0 ? " % less" : " % more");
}

/// What the goal counts, for a deployment.
std::string_view score_noun(PlanGoal goal) {
    constexpr std::string_view nouns[] = {"rent", "end-to-end time", "GPUs per token/s", "GPUs", "energy"};
    return nouns[static_cast<std::size_t>(goal)];
}

std::string binds_text(const PlanQuestion& q, const PlanResult& r, const Style& style) {
    std::string s;
    const auto add = [&](PlanLimit limit, std::string_view name) {
        const auto& looser = r.loosened[static_cast<std::size_t>(limit)];
        if (!looser) return;
        const double from = r.best->planned.score;
        const double to = looser->planned.score;
        std::string text = change(from, to);
        const bool binds = to < from * (1 - 5e-4);
        if (binds)
            text.append(" ")
                .append(score_noun(q.space.goal))
                .append(": ")
                .append(deployment_name(q, looser->planned));
        s.append(line(std::string(name).append(" 10 % looser"), text, style.width));
    };
    add(PlanLimit::ttft, "TTFT");
    add(PlanLimit::tpot, "TPOT");
    const Planned& p = r.best->planned;
    if (is_rate(q.space.machines.front().scenario.traffic.load)) {
        const bool knee = p.size / p.limits.capacity > 0.98 * q.space.max_load;
        std::string text = percent(p.size / p.limits.capacity);
        text.append(" of the capacity, ").append(percent(q.space.max_load)).append(" at most");
        s.append(line("load", text.append(knee ? ": it binds" : ""), style.width));
    }
    return s;
}

std::string rejected_text(const PlanQuestion& q, const PlanResult& r, const Style& style) {
    std::vector<std::pair<std::uint64_t, std::string>> list;
    for (const auto& [reason, count] : r.answer.rejected) list.emplace_back(count, reason);
    std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    const auto whole = [](std::uint64_t n) { return grouped(static_cast<long long>(n)); };
    std::string s;
    if (r.answer.candidates > 0) {
        s.append("  ").append(whole(r.answer.candidates)).append(" candidates, ");
        s.append(whole(r.answer.runnable)).append(" of them run; ");
        s.append(whole(r.answer.evaluated)).append(" loads evaluated\n");
    }
    if (r.apart) {
        s.append("  apart: ").append(whole(r.apart->planned.candidates));
        s.append(" workers of prefill or decode; ").append(whole(r.apart->planned.evaluated));
        s.append(" steps evaluated\n");
    }
    std::string rest;
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (i < most_reasons)
            s.append("  ")
                .append(align_right(whole(list[i].first), 9))
                .append("  ")
                .append(list[i].second)
                .append("\n");
    }
    std::uint64_t others = 0;
    for (std::size_t i = most_reasons; i < list.size(); ++i) others += list[i].first;
    if (others > 0)
        s.append("  ")
            .append(align_right(whole(others), 9))
            .append("  other reasons: --rejected FILE lists them\n");
    if (q.rejected.size() > few_formats) {
        s.append("  ").append(align_right(whole(q.rejected.size()), 9));
        return s.append("  choices of number formats do not run on their machine\n");
    }
    for (const auto& [reason, count] : q.rejected) s.append(indented(reason, 2, style.width));
    return s;
}

std::string day_text(const DayAnswer& d, bool varies, const Style& style) {
    std::string s = style.bold("A day\n");
    std::string fixed_size = money(d.fixed_usd);
    if (!varies) {
        s.append(line("rent", fixed_size.append(" per day"), style.width));
        std::string api = money(d.api_usd);
        api.append(" per day; the deployment breaks even at ").append(percent(d.fixed_usd / d.api_usd));
        return s.append(line("API", api.append(" of these tokens"), style.width));
    }
    s.append(line("fixed size",
                  fixed_size.append(" per day, ").append(std::to_string(d.most)).append(" instances"),
                  style.width));
    std::string scaled = money(d.scaled_usd);
    scaled.append(" per day, ").append(std::to_string(d.least)).append(" to ").append(std::to_string(d.most));
    s.append(line("hour by hour", scaled.append(" instances, started and stopped at once"), style.width));
    if (d.api_usd <= 0) return s;
    std::string api = money(d.api_usd);
    api.append(" per day; fixed size breaks even at ").append(percent(d.fixed_usd / d.api_usd));
    api.append(" of these tokens, hour by hour at ").append(percent(d.scaled_usd / d.api_usd));
    return s.append(line("API", api, style.width));
}

/// "prices: neocloud on demand; h200_sxm $4.59/GPU-h (RunPod secure, 2026-11-09), ...".
std::string prices_note(const PlanQuestion& q) {
    std::string note("prices: ");
    note.append(words(q.price_basis));
    std::vector<std::size_t> told;
    for (const PlanMachine& m : q.space.machines) {
        if (std::find(told.begin(), told.end(), m.kind) != told.end()) continue;
        told.push_back(m.kind);
        const Pool& pool = m.scenario.pool();
        note.append(told.size() == 1 ? "; " : ", ").append(pool.cluster.gpu.id);
        if (!pool.price.known()) {
            note.append(" not known");
            continue;
        }
        note.append(" $").append(fixed(pool.price.usd_per_gpu_hour, 2)).append("/GPU-h");
        if (pool.price.provider.empty()) continue;
        note.append(" (").append(pool.price.provider).append(", ").append(pool.price.date).append(")");
    }
    return note;
}

std::vector<std::string> notes_of(const PlanQuestion& q, const PlanResult& r) {
    std::vector<std::string> notes{prices_note(q)};
    notes.insert(notes.end(), q.warnings.begin(), q.warnings.end());
    if (r.best) {
        for (const std::string& note : assumptions({r.best->estimate})) notes.push_back(note);
    }
    if (q.chance > 0 && r.best) {
        std::string note("sized for machines ");
        note.append(significant(q.space.slower_of(r.best->planned.variant), 3))
            .append(" times slower than predicted, and a TTFT ")
            .append(significant(q.ttft_room[q.space.variants[r.best->planned.variant].machine], 3))
            .append(" times below its limit (the answer's), so that the chance is at least ")
            .append(percent(q.chance));
        notes.push_back(note.append("; loads and rivals count on them too"));
    }
    if (const std::string slower = sized_slower(q, r); !slower.empty() && q.chance == 0) {
        std::string note(
            "* nobody timed these kernels: sized and ranked at the slow end (p10 of throughput) of ");
        notes.push_back(note.append("their interval, slower than the figures say: ").append(slower));
    }
    if (!q.two_pools)
        notes.emplace_back("one pool: prefill and decode apart are not searched (--pools both)");
    if (slo_of(q).of_percentiles() && is_rate(q.space.machines.front().scenario.traffic.load))
        notes.emplace_back("percentiles: Poisson arrivals, shared evenly between instances");
    return notes;
}

std::string section(std::string_view title, const std::string& body, const Style& style) {
    if (body.empty()) return {};
    return std::string("\n").append(style.bold(std::string(title).append("\n"))).append(body);
}

std::string table_section(std::string_view title, const PlanQuestion& q,
                          const std::vector<PlannedAnswer>& list, const Style& style) {
    return list.empty() ? std::string() : section(title, table_of(q, list), style);
}

}   // namespace

std::string deployment_name(const PlanQuestion& q, const Planned& p) {
    const Pool& pool = q.space.machines[q.space.variants[p.variant].machine].scenario.pool();
    std::string s = std::to_string(p.gpus());
    s.append(" x ").append(gpu_of(q, p)).append(" = ").append(std::to_string(p.replicas)).append(" x (");
    return s.append(layout_name(p.layout)).append("), ").append(pool.profile.engine);
}

std::string plan_text(const PlanQuestion& q, const PlanResult& r, const Invocation& in) {
    const Style style{in.colour, in.width};
    if (q.space.machines.empty()) return {};
    std::string s = style.bold(wrapped(question_line(q), 2, style.width));
    if (q.price_basis.find("reserved") != std::string::npos) {
        std::string prices("prices: ");
        prices.append(words(q.price_basis))
            .append(" (rented for years), the basis that all of these accelerators have");
        s.append(style.bold(wrapped(prices, 2, style.width)));
    }
    if (const std::string pools = other_pools(q, r); !pools.empty())
        s.append(style.bold(wrapped(pools, 2, style.width)));
    if (q.one_pool) s.append("\n").append(r.best ? answer_text(q, *r.best, style) : near_text(q, r, style));
    const auto& shown_first = r.best ? r.best : r.nearest;
    if (shown_first) {
        std::string command("moecost estimate ");
        s.append(indented(command.append(options_of(shown_first->estimate.description)), 4, style.width));
    }
    if (q.two_pools) s.append(section("Prefill and decode apart", apart_text(q, r, style), style));
    if (r.day) s.append("\n").append(day_text(*r.day, q.day->varies, style));
    if (!r.launch.empty()) s.append("\n").append(style.bold("Launch\n")).append(r.launch);
    if (in.quiet) return s;
    s.append(table_section("Rivals within 10 %", q, r.rivals, style));
    s.append(table_section("Best of each accelerator", q, r.of_kind, style));
    if (r.best) s.append(section("What binds", binds_text(q, r, style), style));
    s.append(section("Searched", rejected_text(q, r, style), style));
    std::string notes;
    for (const std::string& note : notes_of(q, r)) notes.append(bullet(note, style.width));
    return s.append(section("Notes", notes, style));
}

}   // namespace moecost::cli
