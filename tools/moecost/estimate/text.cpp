// SPDX-License-Identifier: Apache-2.0
// An estimate for people: the answer first, then what it rests on. Rows are those of the table of figures.
#include <algorithm>
#include <cmath>

#include "estimate/estimate.h"
#include "moecost/base/format.h"

namespace moecost::cli {
namespace {

using Answers = std::vector<EstimateAnswer>;

constexpr std::string_view none = "-";

Row heading(std::string label) { return {std::move(label), {}, false}; }

/// One row: the cell of each answer, a dash where there is none.
template <class Show>
Row row(const Answers& answers, std::string_view label, Show show, bool strong = false) {
    Row r{std::string("  ").append(label), {}, strong};
    for (const EstimateAnswer& a : answers) {
        r.cells.push_back(a.estimate ? show(a) : std::string(none));
    }
    return r;
}

const EstimateAnswer& first_with_answer(const Answers& all) {
    return *std::find_if(all.begin(), all.end(), [](const auto& a) { return a.estimate.has_value(); });
}

bool any_replicas(const Answers& all) {
    return std::any_of(all.begin(), all.end(),
                       [](const auto& a) { return a.estimate && a.estimate->replicas > 1; });
}

bool any_drafts(const Answers& all) {
    return std::any_of(all.begin(), all.end(), [](const auto& a) {
        return a.estimate && a.scenario->pool().settings.draft_tokens > 0;
    });
}

/// Figures of the group that --max-context asks for, which have no value in any of the answers.
bool unasked(const Figure& f, const Answers& all) {
    return f.heading == "What memory can hold" && std::all_of(all.begin(), all.end(), [&](const auto& a) {
               return !a.estimate || shown(f, a.view()) == none;
           });
}

/// Figures that only repeat others in this answer.
bool repeats(const Figure& f, const Answers& all) {
    if (f.key == "tokens_per_step") return !any_drafts(all);
    const bool of_instance = f.key == "output_tokens_per_s_per_instance" || f.key == "gpus_per_instance";
    return of_instance && !any_replicas(all);
}

std::string label_of(const Figure& f, const Answers& all) {
    std::string label(f.label);
    if (f.key == "usd_per_mtok_blended") {
        label.append(", ").append(shortest(first_with_answer(all).scenario->blend_input_parts));
        label.append(" input : 1 output");
    }
    return label;
}

bool all_simulated(const Answers& all) {
    return std::all_of(all.begin(), all.end(),
                       [](const auto& a) { return !a.estimate || a.estimate->simulation; });
}

/// What a simulation did not make: the deployment and its memory.
bool is_simulated(const Figure& f) {
    return f.stage != FigureStage::input &&
           (f.group == FigureGroup::serving || f.group == FigureGroup::cost) && f.heading != "Deployment";
}

void add_figures(std::vector<Row>& rows, const Answers& all) {
    std::string_view heading_shown;
    for (const Figure& f : figures()) {
        if (f.heading.empty() || repeats(f, all) || unasked(f, all)) continue;
        if (f.heading != heading_shown) {
            rows.push_back(heading(std::string(f.heading)));
            if (all_simulated(all) && is_simulated(f)) rows.back().label.append(" (simulated)");
        }
        heading_shown = f.heading;
        rows.push_back(row(
            all, label_of(f, all), [&](const auto& a) { return shown(f, a.view()); }, f.headline));
    }
}

void add_objectives(std::vector<Row>& rows, const Answers& all) {
    const Slo& slo = first_with_answer(all).scenario->slo;
    const auto objective = [&](std::string label, double limit, Seconds Estimate::*figure) {
        if (limit <= 0) return;
        rows.push_back(
            row(all, label.append(" within ").append(duration(limit)), [&](const EstimateAnswer& a) {
                const double value = ((*a.estimate).*figure).value();
                return value <= limit ? std::string("met")
                                      : std::string("missed by ").append(duration(value - limit));
            }));
    };
    if (slo.ttft_s <= 0 && slo.tpot_s <= 0) return;
    rows.push_back(heading("Objectives"));
    objective(objective_name("TTFT", slo.ttft_level), slo.ttft_s, &Estimate::ttft_of_slo);
    objective(objective_name("TPOT", slo.tpot_level), slo.tpot_s, &Estimate::tpot_of_slo);
}

/// From the residuals of measured servers of this accelerator and engine; nothing where none was measured.
void add_ranges(std::vector<Row>& rows, const Answers& all) {
    std::vector<Row> ranges;
    for (const Figure& f : figures()) {
        if (f.interval == nullptr || !f.headline) continue;
        ranges.push_back(row(all, label_of(f, all), [&](const EstimateAnswer& a) {
            const Interval i = f.interval(a.view());
            if (!i.known()) return std::string(none);
            return shown(f.kind, i.low).append(" to ").append(shown(f.kind, i.high));
        }));
        if (f.kind == FigureKind::usd_per_mtok) ranges.back().label.append(", dollars");
    }
    const bool any = std::any_of(ranges.begin(), ranges.end(), [](const Row& r) {
        return std::any_of(r.cells.begin(), r.cells.end(), [](const auto& c) { return c != none; });
    });
    if (!any) return;
    rows.push_back(heading("Likely range of the prediction, p10 to p90"));
    rows.insert(rows.end(), ranges.begin(), ranges.end());
}

void add_formats(std::vector<Row>& rows, const Answers& all) {
    rows.push_back(row(all, "weights", [](const EstimateAnswer& a) {
        const std::string decode = precision_name(a.scenario->pool().precision);
        const std::string prefill = precision_name(a.scenario->pools.front().precision);
        return prefill == decode ? decode : std::string(prefill).append(" / ").append(decode);
    }));
    rows.push_back(row(all, "KV cache", [](const EstimateAnswer& a) {
        return std::string(info(a.scenario->pool().precision.kv_cache).name);
    }));
}

/// How it was answered, where that is not the closed form in its tested range.
std::string method_lines(const Answers& all, std::size_t width) {
    std::string s;
    for (const EstimateAnswer& a : all) {
        if (!a.estimate) continue;
        std::string line;
        if (a.max_rate > 0)
            line.append("highest rate within the objectives: ").append(amount(a.max_rate, "requests/s"));
        const std::string_view doubt = a.estimate->serving.doubt;
        if (!doubt.empty() || a.estimate->simulation) line.append(line.empty() ? "" : "; ");
        if (const Simulation* m = a.estimate->simulation.get()) {
            line.append("simulated: ")
                .append(
                    amount(m->requests, a.scenario->two_pools() ? "requests" : "requests of an instance"));
            if (a.description.trace.empty()) line.append(", seed ").append(std::to_string(a.method.seed));
            if (m->refused > 0)
                line.append(", ").append(amount(m->refused, "larger than its cache left out"));
            if (m->beyond_context > 0)
                line.append(", ").append(
                    amount(m->beyond_context, "longer than the model's context left out"));
            if (ends_by_itself(a.scenario->traffic.load))
                line.append("; throughput is that of the whole run, its start and end included");
            if (!doubt.empty()) line.append("; the closed form does not hold: ").append(doubt);
        } else if (!doubt.empty()) {
            line.append("not reliable: ").append(doubt).append(" (--simulate)");
        }
        if (line.empty()) continue;
        if (all.size() > 1) line.insert(0, column_name(a).append(": "));
        s.append(wrapped(line, 2, width));
    }
    return s;
}

std::string price_text(const Price& p, const std::string& newest) {
    if (!p.known()) return "not known: --price states one";
    std::string text("$");
    text.append(fixed(p.usd_per_gpu_hour, 2)).append("/GPU-h, ").append(words(p.basis));
    if (!p.provider.empty()) text.append(", ").append(p.provider);
    if (!p.date.empty()) text.append(", ").append(p.date);
    const int months = months_between(p.date, newest);
    if (months > 0) {
        text.append(", ").append(std::to_string(months)).append(months == 1 ? " month" : " months");
        text.append(" older than the newest price known");
    }
    return text;
}

void add_once(std::vector<std::string>& list, std::string text) {
    if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(std::move(text));
}

/// What the accuracy of an answer rests on: the nearest class of deployments with measured servers, and how far it holds.
std::string rests_text(const EstimateAnswer& a) {
    if (!a.estimate || !a.estimate->spread.known()) return {};
    constexpr double telling = 0.1;   // share of the time
    std::string s(words_of(a.scenario->pool().served.known));
    if (a.estimate->beyond.throughput >= telling)
        s.append("; ")
            .append(percent(a.estimate->beyond.throughput))
            .append(" of its time lies beyond what was timed or fitted");
    return s.append("; throughput within a factor of ")
        .append(fixed(std::exp(1.2815515655446004 * a.estimate->spread.throughput), 2))
        .append(" in 8 of 10 cases");
}

/// One line for each thing that answers rest on, headed by the columns it is said of where there are several.
std::string rests_lines(const Answers& all, std::size_t width) {
    std::vector<std::pair<std::string, std::string>> lines;   // text, columns
    for (const EstimateAnswer& a : all) {
        std::string text = rests_text(a);
        if (text.empty()) continue;
        const auto same = [&](const auto& line) { return line.first == text; };
        const auto it = std::find_if(lines.begin(), lines.end(), same);
        if (it == lines.end())
            lines.emplace_back(std::move(text), column_name(a));
        else
            it->second.append("; ").append(column_name(a));
    }
    std::string s;
    for (const auto& [text, columns] : lines)
        s.append(wrapped(std::string(lines.size() > 1 ? columns : "rests on").append(": ").append(text), 2,
                         width));
    return s;
}

/// How well deployments that are known as well as this one were predicted.
std::string error_text(const EstimateAnswer& a) {
    const Pool& p = a.scenario->pool();
    if (!(p.served.median_error > 0)) return {};
    std::string s("accuracy of ");
    s.append(p.cluster.gpu.id).append(" under ").append(p.profile.engine);
    s.append(": deployments known as well, left out of the fit, were missed by ");
    s.append(significant(100 * p.served.median_error, 2)).append(" % in the median");
    if (p.served.points > 0) s.append(" (").append(amount(p.served.points)).append(" points of this class)");
    return s;
}

/// What the same GPUs give as one pool, and whether that is cheaper.
std::string one_pool_text(const EstimateAnswer& a) {
    if (!a.estimate || !a.estimate->pools || !a.estimate->pools->one_pool.known()) return {};
    const OnePool& one = a.estimate->pools->one_pool;
    const double here = a.estimate->serving.output_tokens_per_s.value();
    std::string s(
        "the same GPUs as one pool, in the better of both layouts (plan --pools one searches others), ");
    s.append(std::to_string(one.replicas)).append(" x (").append(layout_name(one.layout)).append("): ");
    s.append(shown(FigureKind::tokens_per_s, one.output_tokens_per_s)).append(" of output, TTFT ");
    s.append(duration(one.ttft.value())).append(", TPOT ").append(duration(one.tpot.value()));
    if (one.meets_slo != a.estimate->meets_slo)
        return s.append(one.meets_slo ? "; one pool meets the objectives, two do not"
                                      : "; two pools meet the objectives, one does not");
    // A rate is carried or not: both deliver it for the same rent.
    if (std::holds_alternative<OpenLoop>(a.scenario->traffic.load)) return s;
    const double gain = one.output_tokens_per_s / here - 1;
    if (std::abs(gain) < 0.005) return s.append(": as much");
    return s.append(gain > 0 ? ": one pool is cheaper, by " : ": one pool is dearer, by ")
        .append(percent(std::abs(gain > 0 ? 1 - 1 / (1 + gain) : 1 / (1 + gain) - 1)));
}

/// Two pools take nobody out of a full decode worker, engines whose cache grows do.
std::string full_decode_text(const EstimateAnswer& a) {
    if (!a.estimate || !a.estimate->pools) return {};
    constexpr double full = 0.95;   // of the sequences that fit
    const Pool& p = a.scenario->pool();
    const double slots = a.estimate->pools->slots / p.replicas;
    const bool memory = slots < p.settings.max_sequences * p.layout.attention_dp;
    const bool grows = p.settings.output_reserve <= 0.5;
    if (!memory || !grows || a.estimate->pools->answer.decodes < full * slots) return {};
    return "decode workers are full: requests that the engine takes out of memory again and computes once "
           "more are "
           "not counted; one pool counts them";
}

std::vector<std::string> footnotes(const Answers& all, const std::string& newest_price) {
    std::vector<std::string> notes;
    for (const EstimateAnswer& a : all) {
        if (!a.scenario) continue;
        for (const Pool& p : a.scenario->pools) {
            std::string price("price of ");
            add_once(notes,
                     price.append(p.cluster.gpu.id).append(": ").append(price_text(p.price, newest_price)));
        }
    }
    for (const EstimateAnswer& a : all) {
        if (std::string verdict = one_pool_text(a); !verdict.empty()) add_once(notes, std::move(verdict));
        if (std::string full = full_decode_text(a); !full.empty()) add_once(notes, std::move(full));
    }
    for (const EstimateAnswer& a : all) {
        if (!a.scenario) continue;
        if (std::string error = error_text(a); !error.empty()) add_once(notes, std::move(error));
    }
    const auto cached = [](const EstimateAnswer& a) {
        return a.estimate && a.estimate->cost.usd_per_mtok_cached > 0;
    };
    if (std::any_of(all.begin(), all.end(), cached)) {
        notes.emplace_back(
            "input read from the prefix cache pays for reading its KV cache and for the memory it holds "
            "while its request "
            "lives, at most the price of computed input");
    }
    for (const std::string& note : assumptions(all)) add_once(notes, note);
    for (const EstimateAnswer& a : all) {
        if (a.estimate) continue;
        const std::string fix = fix_line(a);
        add_once(notes, fix.empty() ? infeasible_line(a) : infeasible_line(a).append("; ").append(fix));
    }
    return notes;
}

/// Rows that say nothing for any deployment are left out, and headings without rows.
void drop_empty(std::vector<Row>& rows) {
    std::erase_if(rows, [](const Row& r) {
        return !r.cells.empty() &&
               r.cells.size() == static_cast<std::size_t>(std::count(r.cells.begin(), r.cells.end(), none));
    });
    for (std::size_t i = rows.size(); i-- > 0;) {
        const bool last = i + 1 == rows.size();
        if (rows[i].cells.empty() && (last || rows[i + 1].cells.empty()))
            rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(i));
    }
}

std::string head_of(const EstimateAnswer& a) {
    if (!a.scenario) return a.description.gpu.empty() ? a.description.cluster : a.description.gpu;
    const Scenario& s = *a.scenario;
    const Pool& p = s.pool();
    const std::string decode = std::to_string(p.gpus()).append(" x ").append(p.cluster.gpu.id);
    if (!s.two_pools()) return decode;
    const Pool& from = s.pools.front();
    std::string prefill = std::to_string(from.gpus());
    if (from.cluster.gpu.id != p.cluster.gpu.id) prefill.append(" x ").append(from.cluster.gpu.id);
    return prefill.append(" + ").append(decode);
}

/// What the deployments differ in, but for the accelerator, which their heads name.
void add_varied(std::vector<Row>& rows, const Comparison& c) {
    for (const Input* input : c.varied) {
        if (input->key == "gpu") continue;
        Row r{std::string(input->key), {}, true};
        for (const EstimateAnswer& a : c.answers) r.cells.push_back(shown(*input, a.view()));
        rows.push_back(std::move(r));
    }
}

}   // namespace

std::string estimate_text(const Comparison& comparison, const Invocation& invocation) {
    const Answers& answers = comparison.answers;
    const Style style{invocation.colour, invocation.width};
    std::vector<std::string> heads;
    for (const EstimateAnswer& a : answers) heads.push_back(head_of(a));
    std::vector<Row> rows;
    add_varied(rows, comparison);
    add_figures(rows, answers);
    add_formats(rows, answers);
    add_objectives(rows, answers);
    add_ranges(rows, answers);
    drop_empty(rows);
    std::string s = heading_text(answers, style);
    s.append(method_lines(answers, style.width));
    s.append(rests_lines(answers, style.width));
    s.append("\n").append(side_by_side(heads, rows, style));
    if (invocation.quiet) return s;
    s.append("\n").append(breakdown_text(answers, invocation.verbose, style));
    s.append("\n").append(style.bold("Notes")).append("\n");
    for (const std::string& note : footnotes(answers, comparison.newest_price))
        s.append(bullet(note, style.width));
    return s;
}

}   // namespace moecost::cli
