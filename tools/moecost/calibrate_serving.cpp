// SPDX-License-Identifier: Apache-2.0
#include "calibrate_serving.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "launch/launch.h"
#include "moecost/base/csv.h"
#include "moecost/base/file.h"
#include "moecost/base/format.h"
#include "moecost/calibrate/serving/own_runs.h"
#include "moecost/calibrate/serving/served_files.h"
#include "moecost/calibrate/serving/serving_report.h"
#include "moecost/validate/rate_points.h"
#include "option_values.h"
#include "sheet.h"
#include "text.h"

namespace moecost::cli {
namespace {

struct ServedTables {
    std::vector<MeasuredPoint> points;
    std::vector<PreparedPoint> releases;   // offline runs of tables of runs at a rate
    std::string messages;                  // on files of load generators
};

ServedTables served_tables(const Invocation& invocation, std::string_view option) {
    ServedTables t;
    std::vector<std::string> files = split(*invocation.line.find(option));
    files.insert(files.end(), invocation.line.positional.begin(), invocation.line.positional.end());
    for (const std::string& file : files) {
        const std::string text = read_input(file);
        if (is_benchmark(text)) {
            const auto more = bench_points(invocation, file, t.messages);
            t.points.insert(t.points.end(), more.begin(), more.end());
            continue;
        }
        const CsvTable table(text, file);
        if (is_rate_table(table)) {
            t.releases = offline_runs(invocation.data, table);
            continue;
        }
        const auto more = read_points(table);
        t.points.insert(t.points.end(), more.begin(), more.end());
    }
    return t;
}

std::string percent_1(double share) { return fixed(100 * share, 1).append(" %"); }

std::string level_text(const ServedNames& n) {
    std::string s;
    for (const std::string& part : {n.engine, n.gpu, n.model})
        s.append(s.empty() || part.empty() ? "" : ", ").append(part);
    s.append(", ").append(info(n.attention).name);
    if (n.experts != n.attention) s.append("/").append(info(n.experts).name);
    return s;
}

double median(std::vector<double> ratios) { return summarise(std::move(ratios)).median_ape; }

std::string own_text(const OwnRuns& o) {
    std::vector<double> before;
    for (const Prediction& p : o.before) before.push_back(p.throughput_ratio);
    std::string s = std::to_string(o.before.size());
    s.append(" runs used; median error of throughput ").append(percent_1(median(before))).append(" before, ");
    s.append(percent_1(median(o.after))).append(" after, ").append(percent_1(median(o.left_out)));
    s.append(" with each deployment predicted from the others\n");
    for (const MovedEffect& m : o.moved) {
        s.append("  ").append(level_text(m.after.level)).append(": steps take ");
        s.append(fixed(std::exp(m.after.log_time), 3)).append(" times as long as shipped figures say (+-");
        s.append(percent_1(m.after.sd)).append(", was +-").append(percent_1(m.before.sd)).append("), ");
        s.append(fixed(m.spreads(), 1))
            .append(" spreads away, from ")
            .append(std::to_string(int(m.after.points)));
        s.append(" runs\n");
    }
    s.append("  throughput within a factor of ")
        .append(fixed(std::exp(1.2815515655446004 * o.spread_after), 2));
    s.append(" in 8 of 10 cases; it was ")
        .append(fixed(std::exp(1.2815515655446004 * o.spread_before), 2))
        .append("\n");
    for (const std::string& line : o.unusable) s.append("not used: ").append(line).append("\n");
    return s;
}

Sheet judged_sheet(const ServingReport& r) {
    Sheet sheet{"moecost.serving_fit/1", "judged", {}, {}};
    sheet.columns = {{"what", "errors in %"},
                     {"rows", "rows", true},
                     {"throughput_median", "throughput", true},
                     {"throughput_mean", "mean", true},
                     {"tpot_median", "TPOT", true},
                     {"tpot_mean", "mean", true},
                     {"ttft_median", "TTFT", true},
                     {"ttft_mean", "mean", true},
                     {"throughput_covered_90", "in 90 %", true},
                     {"throughput_covered", "in 80 %", true},
                     {"tpot_covered", "TPOT", true},
                     {"ttft_covered", "TTFT", true}};
    const auto cell = [](double x) { return number_cell(x, fixed(100 * x, 1)); };
    for (const JudgedErrors& e : r.judged) {
        sheet.rows.push_back({text_cell(e.what),
                              number_cell(double(e.throughput.rows), std::to_string(e.throughput.rows)),
                              cell(e.throughput.median_ape), cell(e.throughput.mean_ape),
                              cell(e.tpot.median_ape), cell(e.tpot.mean_ape), cell(e.ttft.median_ape),
                              cell(e.ttft.mean_ape), cell(e.covered_throughput_90),
                              cell(e.covered_throughput), cell(e.covered_tpot), cell(e.covered_ttft)});
    }
    return sheet;
}

std::string constants_text(const ServingFit& fit) {
    std::string s;
    for (std::size_t i = 0; i < fit.constants.size(); ++i) {
        const FittedConstant& c = fit.constants[i];
        s.append("  ")
            .append(align_left(c.key, 26))
            .append(align_left(c.engine, 8))
            .append(align_right(significant(fit.values[i], 4), 10));
        const bool bound = fit.values[i] <= c.bounds.low * 1.001 || fit.values[i] >= c.bounds.high * 0.999;
        s.append(bound ? "  at its bound\n" : "\n");
    }
    return s;
}

void show_progress(const std::string& stage, double cost) {
    std::string line("fitted ");
    line.append(stage).append(", cost ").append(significant(cost, 5)).append("\n");
    std::fputs(line.c_str(), stderr);
}

}   // namespace

Answer run_own_runs(const Invocation& invocation) {
    if (invocation.format != Format::text)
        throw InputError({"--format"}, {}, "effects of own runs are told as text and kept as TOML",
                         "-o FILE writes them, for estimate --profile");
    const ServedTables tables = served_tables(invocation, "serving");
    const OwnRuns o = own_runs(invocation.data, tables.points);
    constexpr double most_spreads = 3;
    for (const MovedEffect& m : o.moved) {
        if (m.spreads() <= most_spreads || invocation.line.has("force")) continue;
        std::string message("would move ");
        message.append(level_text(m.after.level)).append(" by ").append(fixed(m.spreads(), 1));
        message.append(" spreads, to ")
            .append(fixed(std::exp(m.after.log_time), 2))
            .append(" times the time");
        throw InputError({"--serving"}, {}, message,
                         "check units, GPUs and formats of the rows; --force takes them as they are");
    }
    Answer answer;
    answer.messages = tables.messages;
    std::vector<Effect> effects;
    for (const MovedEffect& m : o.moved) effects.push_back(m.after);
    const std::string* source = invocation.line.find("source");
    if (!invocation.output.ends_with(".toml")) {
        answer.output = own_text(o);
        return answer;
    }
    answer.output = own_effects_toml(effects, calibration_date(), source == nullptr ? "own runs" : *source);
    if (!invocation.quiet) answer.messages.append(own_text(o));
    return answer;
}

Answer run_serving_rows(const Invocation& invocation) {
    ServingFitOptions options;
    if (!invocation.quiet) options.progress = show_progress;
    if (const std::string* n = invocation.line.find("iterations")) options.iterations = std::atoi(n->c_str());
    ServedTables tables = served_tables(invocation, "serving-rows");
    const ServingReport r =
        serving_report(invocation.data, tables.points, options, std::move(tables.releases));
    const LawConstants law = load_law_constants(invocation.data);
    const std::string* text = invocation.line.find("source");
    const std::string source = text == nullptr ? "moecost calibrate --serving-rows" : *text;
    if (const std::string* file = invocation.line.find("effects"))
        write_file(*file, effects_toml(r.effects, calibration_date()));
    Answer answer;
    answer.messages = tables.messages;
    std::string report =
        invocation.format == Format::text
            ? constants_text(r.fit).append("\n").append(print_text(judged_sheet(r), invocation))
            : print(judged_sheet(r), invocation);
    if (!invocation.output.ends_with(".toml")) {
        answer.output = std::move(report);
        return answer;
    }
    answer.output = serving_toml(law, r.fit.constants, r.fit.values, calibration_date(), source);
    if (!invocation.quiet) answer.messages.append(report);
    return answer;
}

}   // namespace moecost::cli
