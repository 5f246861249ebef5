// SPDX-License-Identifier: Apache-2.0
// Prints runs at a rate beside their predictions: errors of means and percentiles, rows, reasons.
#include "validate_rates.h"

#include "moecost/base/format.h"
#include "moecost/base/json_writer.h"
#include "text.h"

namespace moecost::cli {
namespace {

constexpr std::string_view titles[] = {"mean", "p50", "p90", "p99", "mean", "p50", "p90", "p99"};

std::string line(const RateErrors& e) {
    std::string s = align_left(e.name, 22);
    s.append(align_right(std::to_string(e.rows), 6));
    for (const ErrorSummary& f : e.figure)
        s.append(align_right(f.rows > 0 ? fixed(100 * f.median_ape, 1) : "-", 7));
    s.append(align_right(e.figure[3].rows > 0 ? fixed(e.figure[3].median_ratio, 2) : "-", 8));
    s.append(align_right(e.figure[7].rows > 0 ? fixed(e.figure[7].median_ratio, 2) : "-", 7));
    return s.append("\n");
}

/// Queues without arrivals, by throughput.
std::string queue_lines(const RateValidation& v) {
    if (v.queues.empty()) return {};
    std::string s("\noutput throughput of queues without arrivals\n");
    s.append(align_left("error in %", 34)).append("  rows  median    mean   ratio\n");
    for (const ErrorGroup& g : v.queue_groups) {
        s.append(align_left(g.name, 34)).append(align_right(std::to_string(g.throughput.rows), 6));
        s.append(align_right(fixed(100 * g.throughput.median_ape, 1), 8));
        s.append(align_right(fixed(100 * g.throughput.mean_ape, 1), 8));
        s.append(align_right(fixed(g.throughput.median_ratio, 2), 8)).append("\n");
    }
    return s;
}

void add_queues(const RateValidation& v, JsonWriter& json) {
    json.begin_array("queues");
    for (const ErrorGroup& g : v.queue_groups) {
        json.begin_object();
        json.text("name", g.name);
        json.number("rows", static_cast<double>(g.throughput.rows));
        json.number("median_ape", g.throughput.median_ape);
        json.number("median_ratio", g.throughput.median_ratio);
        json.end_object();
    }
    json.end_array();
}

}   // namespace

std::string rates_text(const RateValidation& v) {
    std::string s = std::to_string(v.predictions.size() + v.queues.size());
    s.append(" of ").append(std::to_string(v.rows)).append(" rows predicted\n\n");
    s.append(align_left("median error in %", 28))
        .append("  |------- TTFT -------|    |------- TPOT -------|  ratio of p99\n");
    s.append(align_left("", 22)).append(align_right("rows", 6));
    for (const std::string_view title : titles) s.append(align_right(title, 7));
    s.append(align_right("TTFT", 8)).append(align_right("TPOT", 7)).append("\n");
    for (const RateErrors& e : v.groups) s.append(line(e));
    s.append(queue_lines(v));
    if (!v.skipped.empty()) s.append("\nskipped\n");
    for (const auto& [reason, count] : v.skipped)
        s.append(align_right(std::to_string(count), 6)).append("  ").append(reason).append("\n");
    return s;
}

std::string rates_rows(const RateValidation& v) {
    std::string s("id,model,gpu,scenario,weights,tp,instances,rate_per_instance,load,method");
    for (const std::string_view figure : rate_figures)
        s.append(",measured_").append(figure).append(",predicted_").append(figure);
    s.append("\n");
    for (const RatePrediction& p : v.predictions) {
        for (const std::string& text : {p.id, p.model, p.gpu, p.scenario, p.weights})
            s.append(csv_field(text)).append(",");
        for (const double value : {p.tp, p.instances, p.rate, p.load})
            s.append(shortest(rounded(value, 5))).append(",");
        s.append(p.simulated ? "simulation" : "closed_form");
        for (std::size_t i = 0; i < rate_figures.size(); ++i) {
            s.append(",").append(p.measured[i] > 0 ? shortest(p.measured[i]) : "");
            s.append(",").append(shortest(rounded(p.predicted[i], 5)));
        }
        s.append("\n");
    }
    return s;
}

std::string rates_json(const RateValidation& v) {
    JsonWriter json;
    json.begin_object();
    json.text("schema", "moecost.validate_rates/1");
    json.number("rows", static_cast<double>(v.rows));
    json.number("predicted", static_cast<double>(v.predictions.size() + v.queues.size()));
    json.begin_object("skipped");
    for (const auto& [reason, count] : v.skipped) json.number(reason, static_cast<double>(count));
    json.end_object();
    json.begin_array("groups");
    for (const RateErrors& e : v.groups) {
        json.begin_object();
        json.text("name", e.name);
        json.number("rows", static_cast<double>(e.rows));
        for (std::size_t i = 0; i < rate_figures.size(); ++i) {
            json.begin_object(rate_figures[i]);
            json.number("rows", static_cast<double>(e.figure[i].rows));
            json.number("median_ape", e.figure[i].median_ape);
            json.number("median_ratio", e.figure[i].median_ratio);
            json.end_object();
        }
        json.end_object();
    }
    json.end_array();
    add_queues(v, json);
    json.end_object();
    return json.str();
}

}   // namespace moecost::cli
