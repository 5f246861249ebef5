// SPDX-License-Identifier: Apache-2.0
// An estimate for people: the answer first, then what it rests on.
#include <algorithm>
#include <functional>

#include "estimate/estimate.h"
#include "moecost/base/format.h"

namespace moecost::cli {
namespace {

using Answers = std::vector<EstimateAnswer>;
using Show = std::function<std::string(const EstimateAnswer&, const Estimate&)>;

constexpr std::string_view none = "-";

/// One row: the cell of each answer, a dash where there is none.
Row row(const Answers& answers, std::string label, const Show& show, bool strong = false) {
    Row r{std::move(label), {}, strong};
    for (const EstimateAnswer& a : answers) {
        r.cells.push_back(a.estimate ? show(a, *a.estimate) : std::string(none));
    }
    return r;
}
Row heading(std::string label) { return {std::move(label), {}, false}; }

std::string positive(double value, std::string text) {
    return value > 0 ? std::move(text) : std::string(none);
}

std::string dollars(double value) { return positive(value, money(value)); }

std::string bound_of(const std::optional<StepAnswer>& step) {
    if (!step) return std::string(none);
    const std::size_t b = largest(step->spent);
    return std::string(bound_names[b]).append(" ").append(percent(step->spent[b] / total(step->spent)));
}

std::string objective(double limit_s, Seconds value) {
    if (limit_s <= 0) return std::string(none);
    return value.value() <= limit_s ? "met"
                                    : std::string("missed by ").append(duration(value.value() - limit_s));
}

void add_answer(std::vector<Row>& rows, const Answers& all) {
    const auto gpus = [](const EstimateAnswer& a) { return a.scenario.layout.gpus(); };
    const auto dollars_of = [&](std::string label, double Cost::*figure, bool strong = false) {
        rows.push_back(row(
            all, std::move(label), [=](const auto&, const Estimate& e) { return dollars(e.cost.*figure); },
            strong));
    };
    rows.push_back(heading("Dollars per million tokens"));
    dollars_of("  output", &Cost::usd_per_mtok_output, true);
    dollars_of("  input", &Cost::usd_per_mtok_input);
    dollars_of("  input found in the prefix cache", &Cost::usd_per_mtok_cached);
    const double parts = all.front().scenario.blend_input_parts;
    dollars_of(std::string("  blended, ").append(shortest(parts)).append(" input : 1 output"),
               &Cost::usd_per_mtok_blended);
    rows.push_back(row(all, "  rent of a GPU", [](const EstimateAnswer& a, const Estimate&) {
        return std::string("$").append(fixed(a.scenario.price.usd_per_gpu_hour, 2)).append("/GPU-h");
    }));
    rows.push_back(heading("Throughput"));
    rows.push_back(row(
        all, "  output, instance",
        [](const auto&, const Estimate& e) {
            return positive(e.serving.output_tokens_per_s.value(),
                            amount(e.serving.output_tokens_per_s.value(), "tok/s"));
        },
        true));
    rows.push_back(row(all, "  output, per GPU", [=](const EstimateAnswer& a, const Estimate& e) {
        const double x = e.serving.output_tokens_per_s.value() / gpus(a);
        return positive(x, amount(x, "tok/s"));
    }));
    rows.push_back(row(all, "  output, per user", [](const auto&, const Estimate& e) {
        const double t = e.serving.tpot.value();
        return t > 0 ? amount(1 / t, "tok/s") : std::string(none);
    }));
    rows.push_back(row(all, "  input, instance", [](const auto&, const Estimate& e) {
        return positive(e.serving.input_tokens_per_s.value(),
                        amount(e.serving.input_tokens_per_s.value(), "tok/s"));
    }));
    rows.push_back(row(all, "  requests", [](const auto&, const Estimate& e) {
        return amount(e.serving.requests_per_s.value(), "/s");
    }));
}

void add_latency(std::vector<Row>& rows, const Answers& all) {
    const auto time_of = [&](std::string label, Seconds Serving::*figure, bool strong = false) {
        rows.push_back(row(
            all, std::move(label),
            [=](const auto&, const Estimate& e) {
                return positive((e.serving.*figure).value(), duration((e.serving.*figure).value()));
            },
            strong));
    };
    rows.push_back(heading("Latency, mean"));
    time_of("  time per output token (TPOT)", &Serving::tpot, true);
    time_of("  time to first token (TTFT)", &Serving::ttft, true);
    time_of("    of it, waiting for a slot", &Serving::ttft_queue);
    time_of("  whole request (E2E)", &Serving::e2e);
    const Slo& slo = all.front().scenario.slo;
    if (slo.ttft_s > 0) {
        rows.push_back(
            row(all, std::string("  objective: TTFT within ").append(duration(slo.ttft_s)),
                [=](const auto&, const Estimate& e) { return objective(slo.ttft_s, e.serving.ttft); }));
    }
    if (slo.tpot_s > 0) {
        rows.push_back(
            row(all, std::string("  objective: TPOT within ").append(duration(slo.tpot_s)),
                [=](const auto&, const Estimate& e) { return objective(slo.tpot_s, e.serving.tpot); }));
    }
}

/// From the residuals of measured servers of this accelerator and engine; nothing where none was measured.
void add_ranges(std::vector<Row>& rows, const Answers& all) {
    const auto range_of = [&](std::string label, Interval Estimate::*figure, std::string (*show)(double)) {
        rows.push_back(row(all, std::move(label), [=](const auto&, const Estimate& e) {
            const Interval& i = e.*figure;
            return i.known() ? show(i.low).append(" to ").append(show(i.high)) : std::string(none);
        }));
    };
    rows.push_back(heading("Likely range, p10 to p90"));
    range_of("  output, tok/s", &Estimate::output_tokens_per_s, [](double x) { return amount(x); });
    range_of("  output, $/Mtok", &Estimate::usd_per_mtok_output, money);
    range_of("  TPOT", &Estimate::tpot_s, duration);
    range_of("  TTFT", &Estimate::ttft_s, duration);
}

void add_memory(std::vector<Row>& rows, const Answers& all) {
    const auto bytes_of = [&](std::string label, Bytes (*figure)(const MemoryPlan&)) {
        rows.push_back(row(all, std::move(label), [=](const auto&, const Estimate& e) {
            return byte_size(figure(e.memory).value());
        }));
    };
    rows.push_back(heading("Sequences"));
    rows.push_back(
        row(all, "  running", [](const auto&, const Estimate& e) { return amount(e.serving.running); }));
    rows.push_back(row(all, "  tokens gained per decode step", [](const EstimateAnswer& a, const auto&) {
        const double gained = a.scenario.engine.tokens_per_step();
        return gained > 1 ? amount(gained) : std::string(none);
    }));
    rows.push_back(row(all, "  largest concurrency",
                       [](const auto&, const Estimate& e) { return amount(e.memory.max_concurrency); }));
    rows.push_back(heading("Memory of a GPU"));
    bytes_of("  weights", [](const MemoryPlan& m) { return m.weights; });
    bytes_of("  cache of sequences", [](const MemoryPlan& m) { return m.cache; });
    bytes_of("  runtime and activations", [](const MemoryPlan& m) { return m.reserve; });
    bytes_of("  left unused",
             [](const MemoryPlan& m) { return m.capacity - m.weights - m.cache - m.reserve; });
    bytes_of("  capacity", [](const MemoryPlan& m) { return m.capacity; });
}

void add_rest(std::vector<Row>& rows, const Answers& all) {
    rows.push_back(heading("Energy"));
    rows.push_back(row(all, "  per output token", [](const auto&, const Estimate& e) {
        const double j = e.cost.joules_per_output_token.value();
        return positive(j, amount(j, "J"));
    }));
    rows.push_back(row(all, "  power of a GPU", [](const auto&, const Estimate& e) {
        return amount(e.cost.watts_per_gpu.value(), "W");
    }));
    rows.push_back(heading("What bounds it"));
    rows.push_back(
        row(all, "  decode step", [](const EstimateAnswer& a, const auto&) { return bound_of(a.decode); }));
    rows.push_back(
        row(all, "  prompt step", [](const EstimateAnswer& a, const auto&) { return bound_of(a.prompt); }));
    rows.push_back(row(all, "  GPU time for prompts",
                       [](const auto&, const Estimate& e) { return percent(e.serving.prefill_share); }));
    rows.push_back(heading("What it rests on"));
    rows.push_back(row(all, "  weights", [](const EstimateAnswer& a, const auto&) {
        return precision_name(a.scenario.precision);
    }));
    rows.push_back(row(all, "  KV cache", [](const EstimateAnswer& a, const auto&) {
        return std::string(info(a.scenario.precision.kv_cache).name);
    }));
    rows.push_back(row(all, "  provenance",
                       [](const auto&, const Estimate& e) { return std::string(name_of(e.provenance)); }));
}

std::string question_text(const Scenario& s) {
    const Counts counts = count(s.architecture);
    std::string text(s.architecture.name);
    text.append(" (").append(parameters(counts.total)).append(" parameters, ");
    text.append(parameters(counts.active_incl_embeddings)).append(" active) under ").append(s.profile.engine);
    text.append(", ").append(layout_name(s.layout));
    if (s.engine.draft_tokens > 0)
        text.append(", ").append(amount(s.engine.draft_tokens)).append(" drafted tokens a step");
    if (s.layout.replicas > 1)
        text.append(", one of ").append(std::to_string(s.layout.replicas)).append(" replicas");
    return wrapped(text, 2);
}

std::string traffic_text(const Scenario& s) {
    std::string text;
    if (!s.traffic.name.empty()) text.append(s.traffic.name).append(": ");
    text.append(amount(s.traffic.input))
        .append(" prompt + ")
        .append(amount(s.traffic.output))
        .append(" output tokens");
    if (s.traffic.prefix_hit_rate > 0) {
        text.append(" (").append(percent(s.traffic.prefix_hit_rate)).append(" of the prompt cached)");
    }
    if (s.traffic.equal_lengths) text.append(", equal lengths");
    return wrapped(text.append("; ").append(load_name(s.traffic)), 2);
}

std::string price_text(const Price& p) {
    std::string text("$");
    text.append(fixed(p.usd_per_gpu_hour, 2)).append("/GPU-h, ").append(words(p.basis));
    if (!p.provider.empty()) text.append(", ").append(p.provider);
    if (!p.date.empty()) text.append(", ").append(p.date);
    return text;
}

std::string footnotes(const Answers& all) {
    std::string s;
    for (const EstimateAnswer& a : all) {
        std::string price("price of ");
        s.append(bullet(
            price.append(a.scenario.cluster.gpu.id).append(": ").append(price_text(a.scenario.price))));
    }
    for (const EstimateAnswer& a : all) {
        const ServingConstants& fit = a.scenario.profile.serving;
        if (fit.median_error <= 0) continue;
        std::string error("median error of throughput on measured servers, ");
        error.append(a.scenario.profile.accelerator)
            .append(" under ")
            .append(a.scenario.profile.engine)
            .append(": ");
        s.append(bullet(error.append(significant(100 * fit.median_error, 2)).append(" %")));
    }
    for (const std::string& note : assumptions(all)) s.append(bullet(note));
    for (const EstimateAnswer& a : all) {
        if (a.estimate) continue;
        const std::string fix = fix_line(a);
        s.append(bullet(fix.empty() ? infeasible_line(a) : infeasible_line(a).append("; ").append(fix)));
    }
    return s;
}

/// Rows that say nothing for any accelerator are left out.
void drop_empty(std::vector<Row>& rows) {
    std::erase_if(rows, [](const Row& r) {
        return !r.cells.empty() &&
               r.cells.size() == static_cast<std::size_t>(std::count(r.cells.begin(), r.cells.end(), none));
    });
}

void add_deployment(std::vector<Row>& rows, const Answers& all) {
    const double replicas = all.front().scenario.layout.replicas;
    if (replicas <= 1) return;
    rows.push_back(heading(std::string("All ").append(shortest(replicas)).append(" replicas")));
    rows.push_back(row(all, "  output", [=](const auto&, const Estimate& e) {
        return amount(replicas * e.serving.output_tokens_per_s.value(), "tok/s");
    }));
    rows.push_back(row(all, "  GPUs", [=](const EstimateAnswer& a, const auto&) {
        return amount(replicas * a.scenario.layout.gpus());
    }));
    rows.push_back(row(all, "  rent", [=](const auto&, const Estimate& e) {
        return money(replicas * e.cost.usd_per_hour).append("/h");
    }));
}

}   // namespace

std::string estimate_text(const Answers& answers, const Invocation& invocation) {
    const Style style{invocation.colour};
    std::vector<std::string> heads;
    for (const EstimateAnswer& a : answers) {
        heads.push_back(
            std::to_string(a.scenario.layout.gpus()).append(" x ").append(a.scenario.cluster.gpu.id));
    }
    std::vector<Row> rows;
    add_answer(rows, answers);
    add_latency(rows, answers);
    add_ranges(rows, answers);
    add_memory(rows, answers);
    add_rest(rows, answers);
    add_deployment(rows, answers);
    drop_empty(rows);
    std::string s = style.bold(question_text(answers.front().scenario));
    s.append(traffic_text(answers.front().scenario));
    s.append("\n").append(side_by_side(heads, rows, style));
    if (invocation.quiet) return s;
    s.append("\n").append(breakdown_text(answers, invocation.verbose, style));
    return s.append("\n").append(style.bold("Notes")).append("\n").append(footnotes(answers));
}

}   // namespace moecost::cli
