// SPDX-License-Identifier: Apache-2.0
// moecost fit: which loss law do these training runs follow?
#include "moecost/law/fit.h"

#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <thread>

#include "command.h"
#include "moecost/base/csv.h"
#include "moecost/base/format.h"
#include "moecost/base/json_writer.h"
#include "moecost/law/law_toml.h"
#include "sheet.h"
#include "text.h"

namespace moecost::cli {
namespace {

[[noreturn]] void refuse(std::string_view option, std::string_view value, std::string_view what,
                         std::string hint = {}) {
    std::string message("'");
    throw InputError({std::string("--").append(option)}, {}, message.append(value).append("' ").append(what),
                     std::move(hint));
}

std::uint64_t whole(const CommandLine& line, std::string_view option, std::uint64_t fallback,
                    std::uint64_t low, std::uint64_t high) {
    const std::string* text = line.find(option);
    if (text == nullptr) return fallback;
    std::uint64_t value = 0;
    const auto r = std::from_chars(text->data(), text->data() + text->size(), value);
    if (r.ec == std::errc{} && r.ptr == text->data() + text->size() && value >= low && value <= high)
        return value;
    std::string what("is not a whole number in ");
    refuse(option, *text, what.append(std::to_string(low)).append("..").append(std::to_string(high)));
}

double positive_number(const CommandLine& line, std::string_view option, double fallback) {
    const std::string* text = line.find(option);
    if (text == nullptr) return fallback;
    double value = 0;
    const auto r = std::from_chars(text->data(), text->data() + text->size(), value);
    if (r.ec == std::errc{} && r.ptr == text->data() + text->size() && value > 0 && value < 1e300)
        return value;
    refuse(option, *text, "is not a positive number");
}

LossForm form_option(const CommandLine& line) {
    std::vector<std::string> known;
    for (const FormInfo& f : loss_forms()) {
        if (f.form != LossForm::leverage) known.emplace_back(f.name);
    }
    const std::string* name = line.find("law");
    if (name == nullptr) throw InputError({"--law"}, {}, "no form is given", name_hint("", known));
    const auto form = loss_form_named(*name);
    if (!form || *form == LossForm::leverage) {
        refuse("law", *name, "is no form of a law of the loss", name_hint(*name, known));
    }
    return *form;
}

SizeMeaning size_option(const CommandLine& line, LossForm form) {
    const std::string* name = line.find("size");
    if (name == nullptr) return usual_size(form);
    for (const SizeMeaning m : {SizeMeaning::dense_equivalent, SizeMeaning::active, SizeMeaning::total}) {
        if (name_of(m) == *name) return m;
    }
    refuse("size", *name, "is not what N counts", "one of: dense-equivalent, active, total");
}

std::vector<std::string> parts_of(std::string_view text) {
    std::vector<std::string> parts;
    while (true) {
        const std::size_t comma = text.find(',');
        parts.emplace_back(text.substr(0, comma));
        if (comma == std::string_view::npos) return parts;
        text.remove_prefix(comma + 1);
    }
}

/// KEY and VALUE of an option that may be repeated.
std::pair<std::string, std::string> pair_of(std::string_view option, const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
        refuse(option, text, "is not of the form KEY=VALUE");
    }
    return {text.substr(0, equals), text.substr(equals + 1)};
}

RunSelection selection_of(const CommandLine& line) {
    const std::vector<std::string> axes{"N", "D", "E", "G", "A", "S", "loss"};
    RunSelection selection;
    for (const Setting& s : line.settings) {
        if (s.key == "column") {
            const auto [axis, column] = pair_of("column", s.text);
            if (std::find(axes.begin(), axes.end(), axis) == axes.end()) {
                refuse("column", axis, "is nothing that a law holds", name_hint(axis, axes));
            }
            selection.columns[axis] = column;
        } else if (s.key == "only") {
            const auto [column, values] = pair_of("only", s.text);
            selection.filters.push_back({column, parts_of(values)});
        }
    }
    return selection;
}

void show_progress(std::size_t done, std::size_t all) {
    constexpr std::size_t width = 24;
    const std::size_t filled = done * width / all;
    std::string line("\r[");
    line.append(filled, '#').append(width - filled, ' ').append("] ");
    line.append(percent(static_cast<double>(done) / static_cast<double>(all))).append("\033[K");
    if (done == all) line.append("\r\033[K");
    std::fputs(line.c_str(), stderr);
}

FitOptions options_of(const Invocation& invocation) {
    const CommandLine& line = invocation.line;
    FitOptions o;
    o.form = form_option(line);
    o.size = size_option(line, o.form);
    o.delta = positive_number(line, "huber", o.delta);
    o.n_ref = positive_number(line, "n-ref", o.n_ref);
    o.experts = positive_number(line, "experts", o.experts);
    o.active_share = positive_number(line, "active-share", o.active_share);
    if (o.active_share > 1) refuse("active-share", *line.find("active-share"), "is above 1");
    o.starts = static_cast<unsigned>(whole(line, "starts", o.starts, 1, 100'000));
    o.bootstrap = static_cast<unsigned>(whole(line, "bootstrap", o.bootstrap, 0, 100'000));
    o.level = positive_number(line, "level", o.level);
    if (o.level > 0.999 || o.level < 0.5) refuse("level", *line.find("level"), "is not in 0.5..0.999");
    o.folds = static_cast<unsigned>(whole(line, "folds", o.folds, 0, 1000));
    o.seed = whole(line, "seed", o.seed, 0, UINT64_MAX);
    o.threads = static_cast<unsigned>(
        whole(line, "threads", std::max(1U, std::thread::hardware_concurrency()), 1, 1024));
    if (!invocation.quiet && isatty(STDERR_FILENO) != 0) o.progress = show_progress;
    return o;
}

Sheet sheet_of(const Fit& fit) {
    Sheet sheet{"moecost.fit/2", "coefficients", {}, {}};
    sheet.columns = {{"name", "coefficient"},
                     {"value", "value", true},
                     {"low", "low", true},
                     {"high", "high", true},
                     {"standard_error", "standard error", true},
                     {"identified", "identified"}};
    for (const FittedCoefficient& e : fit.estimates) {
        const auto shown = [](double x) {
            return number_cell(x, std::isinf(x) ? "infinite" : significant(x, 4));
        };
        const auto cell = [&](double x) { return e.interval() ? shown(x) : no_cell(); };
        const bool open = std::isinf(e.value);
        const bool error = e.interval() && std::isfinite(e.standard_error) && !e.one_sided;
        sheet.rows.push_back({text_cell(e.name),
                              number_cell(e.value, open ? "infinite" : significant(e.value, 6)), cell(e.low),
                              cell(e.high), error ? shown(e.standard_error) : no_cell(),
                              text_cell(!e.identified ? "no"
                                        : e.one_sided ? "one end"
                                                      : "yes")});
    }
    return sheet;
}

std::string as_text(const Fit& fit, const Invocation& invocation, double level) {
    std::string s;
    const Style style{invocation.colour};
    s.append(style.bold(fit.law.title)).append("\n").append(info(fit.law.form).formula).append("\n\n");
    s.append(print_text(sheet_of(fit), invocation)).append("\n");
    s.append("intervals of ").append(percent(level)).append(" by ");
    s.append(std::to_string(fit.law.samples.size())).append(" resamples\n");
    s.append("RMSLE ").append(significant(fit.rmsle, 4)).append(" over ").append(std::to_string(fit.rows));
    s.append(" rows");
    if (fit.held_out > 0) s.append(", held out ").append(significant(fit.held_out, 4));
    s.append("; R2 of ln L ").append(fixed(fit.r2, 5)).append("\n");
    s.append("Huber cost ")
        .append(significant(fit.cost, 6))
        .append("; ")
        .append(std::to_string(fit.agreeing));
    s.append(" of the best ").append(std::to_string(fit.polished)).append(" starts agree; rank ");
    s.append(std::to_string(fit.rank)).append(" of ").append(std::to_string(fit.parameters)).append("\n");
    if (!fit.warnings.empty()) s.append("\n");
    for (const std::string& warning : fit.warnings) {
        s.append(bullet(std::string("warning: ").append(warning), invocation.width));
        if (!s.ends_with('\n')) s.append("\n");
    }
    return s;
}

/// Every key is there always; what is unknown or infinite is null, and `one_sided` tells them apart.
std::string as_json(const Fit& fit, double level) {
    JsonWriter json;
    json.begin_object();
    json.text("schema", "moecost.fit/2");
    json.text("form", info(fit.law.form).name);
    json.text("formula", info(fit.law.form).formula);
    json.text("size", name_of(fit.law.size));
    json.text("source", fit.law.source);
    json.number("level", level);
    json.begin_array("coefficients");
    for (const FittedCoefficient& e : fit.estimates) {
        json.begin_object();
        json.text("name", e.name);
        json.number("value", std::isfinite(e.value) ? e.value : std::nan(""));
        const auto end = [&](double x) { return e.interval() && std::isfinite(x) ? x : std::nan(""); };
        json.number("low", end(e.low));
        json.number("high", end(e.high));
        json.number("standard_error", e.one_sided ? std::nan("") : end(e.standard_error));
        json.flag("identified", e.identified);
        json.flag("one_sided", e.one_sided);
        json.end_object();
    }
    json.end_array();
    json.number("rows", static_cast<double>(fit.rows));
    json.number("rmsle", fit.rmsle);
    json.number("held_out_rmsle", fit.held_out > 0 ? fit.held_out : std::nan(""));
    json.number("r2", fit.r2);
    json.number("huber_cost", fit.cost);
    json.number("rank", static_cast<double>(fit.rank));
    json.number("parameters", static_cast<double>(fit.parameters));
    json.begin_array("warnings");
    for (const std::string& warning : fit.warnings) json.text({}, warning);
    json.end_array();
    json.end_object();
    return json.str();
}

}   // namespace

std::vector<Flag> fit_flags() {
    constexpr std::string_view group = "Fit";
    return {
        {"law", "FORM", group,
         "chinchilla, yun, joint-moe, clark, krajewski, abnar, zhao, kaplan, power-n or power-d"},
        {"column", "AXIS=NAME", group,
         "column of N, D, E, G, A, S or loss where it has another name; may be repeated"},
        {"only", "NAME=VALUES", group,
         "rows whose column NAME is one of the values (comma separated); may be repeated"},
        {"size", "WHAT", group,
         "what N counts: dense-equivalent, active or total (default: as the form's paper)"},
        {"huber", "DELTA", group, "residual in ln L beyond which the cost is linear (default: 0.001)"},
        {"n-ref", "N", group, "unit of N of the form yun (default: 1e8)"},
        {"experts", "E", group, "experts of all runs, for a form without E such as krajewski"},
        {"active-share", "A", group, "share of N that a token uses, for a form without A such as krajewski"},
        {"starts", "N", group, "starting points (default: 64)"},
        {"bootstrap", "N", group,
         "resamples behind the intervals, kept by -o LAW.toml, 0 for none (default: 200)"},
        {"level", "SHARE", group, "of the intervals, such as 0.9 (default: 0.95)"},
        {"folds", "N", group, "folds of the held-out error, 0 for none (default: 5)"},
        {"seed", "N", group, "of starts, resamples and folds (default: 1)"},
        {"threads", "N", group, "threads (default: all cores); the result does not depend on it"}};
}

Answer run_fit(const Invocation& invocation) {
    const auto& given = invocation.line.positional;
    if (given.size() != 1)
        throw InputError({}, {}, "one CSV of training runs is needed",
                         "moecost fit runs.csv --law chinchilla");
    const FitOptions options = options_of(invocation);
    const TrainingRuns runs = read_runs(CsvTable(read_input(given[0]), given[0]), given[0], options.form,
                                        selection_of(invocation.line));
    const Fit fit = fit_law(runs, options);
    std::string report;
    switch (invocation.format) {
        case Format::json:
            report = as_json(fit, options.level);
            break;
        case Format::csv:
            report = print(sheet_of(fit), Format::csv);
            break;
        case Format::text:
            report = as_text(fit, invocation, options.level);
            break;
    }
    Answer answer;
    if (!invocation.output.ends_with(".toml")) {
        answer.output = std::move(report);
        return answer;
    }
    answer.output = toml_of(fit.law);
    if (!invocation.quiet) answer.messages = std::move(report);
    return answer;
}

}   // namespace moecost::cli
