// SPDX-License-Identifier: Apache-2.0
// moecost validate: how far are the predictions from measurements?
#include "moecost/validate/validate.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "command.h"
#include "launch/launch.h"
#include "moecost/base/csv.h"
#include "moecost/base/file.h"
#include "moecost/base/format.h"
#include "moecost/base/json_writer.h"
#include "moecost/hardware/accelerator.h"
#include "text.h"
#include "validate_published.h"
#include "validate_rates.h"

namespace moecost::cli {
namespace {

constexpr std::string_view shipped = "hwmodels/measured/published_points.csv";

/// One --only KEY=VALUE[,VALUE...]: a row is kept when the field has one of the values.
struct Filter {
    std::string key;
    std::vector<std::string> values;
    double most = 0;   // of max_gpus
};

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::size_t comma = text.find(',');
        parts.emplace_back(text.substr(0, comma));
        text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    }
    return parts;
}

/// h200, h200-sxm and h200_sxm are one accelerator.
std::string gpu_of(const std::string& name) {
    try {
        return load_accelerator(DataStore{}, name).id;
    } catch (const InputError&) {
        return name;   // of no catalogue: told by its own name
    }
}

std::string field(const MeasuredPoint& p, const std::string& key) {
    if (key == "scenario") return p.scenario;
    if (key == "model") return p.model;
    if (key == "gpu") return gpu_of(p.gpu);
    if (key == "engine") return p.engine;
    if (key == "source") return p.source;
    if (key == "id") return p.id;
    if (key == "pools") return p.disaggregated ? "two" : "one";
    return p.gpus ? shortest(*p.gpus) : "";
}

Filter parse_filter(const std::string& text) {
    const std::vector<std::string> keys{"scenario", "model", "gpu",      "engine", "source",
                                        "id",       "gpus",  "max_gpus", "pools"};
    const std::size_t equals = text.find('=');
    Filter f{text.substr(0, equals), {}, 0};
    if (equals != std::string::npos) f.values = split(std::string_view(text).substr(equals + 1));
    if (f.key == "gpu")
        for (std::string& value : f.values) value = gpu_of(value);
    if (std::find(keys.begin(), keys.end(), f.key) == keys.end() || f.values.empty()) {
        throw InputError({"--only"}, {}, std::string("'").append(text).append("' is not KEY=VALUE[,VALUE]"),
                         name_hint(f.key, keys));
    }
    if (f.key == "max_gpus") {
        const std::string& number = f.values.front();
        const auto r = std::from_chars(number.data(), number.data() + number.size(), f.most);
        if (r.ec != std::errc{} || r.ptr != number.data() + number.size() || !(f.most > 0)) {
            throw InputError({"--only"}, {},
                             std::string("'").append(text).append("': max_gpus is a positive number"));
        }
    }
    return f;
}

bool keeps(const Filter& f, const MeasuredPoint& p) {
    if (f.key == "max_gpus") return p.gpus.value_or(0) <= f.most;
    return std::find(f.values.begin(), f.values.end(), field(p, f.key)) != f.values.end();
}

/// InputError for a value that no row has; what stands together in no row is an answer.
void check_values(const Filter& f, const std::vector<MeasuredPoint>& points) {
    if (f.key == "max_gpus") return;
    std::set<std::string> there;
    for (const MeasuredPoint& p : points) there.insert(field(p, f.key));
    const std::vector<std::string> known(there.begin(), there.end());
    for (const std::string& value : f.values) {
        if (there.count(value) > 0) continue;
        std::string message("no row has ");
        throw InputError({"--only"}, {}, message.append(f.key).append("=").append(value),
                         name_hint(value, known));
    }
}

std::vector<MeasuredPoint> points_of(const Invocation& invocation, std::string& messages) {
    std::vector<MeasuredPoint> points;
    for (const std::string& file : invocation.line.positional) {
        const std::string text = read_input(file);
        const auto more =
            is_benchmark(text) ? bench_points(invocation, file, messages) : read_points(CsvTable(text, file));
        points.insert(points.end(), more.begin(), more.end());
    }
    if (!invocation.line.positional.empty()) return points;
    for (const EmbeddedFile& file : embedded_files()) {
        if (file.path == shipped) return read_points(CsvTable(file.text, std::string(shipped)));
    }
    throw SystemError("the shipped table of published points is missing");
}

void append_summary(JsonWriter& json, std::string_view name, const ErrorSummary& s) {
    json.begin_object(name);
    json.number("rows", static_cast<double>(s.rows));
    json.number("median_ape", s.median_ape);
    json.number("mean_ape", s.mean_ape);
    json.number("median_ratio", s.median_ratio);
    json.number("within_10_percent", s.within_10_percent);
    json.number("within_20_percent", s.within_20_percent);
    json.end_object();
}

void append_errors(JsonWriter& json, const ErrorGroup& g) {
    append_summary(json, "output_throughput", g.throughput);
    append_summary(json, "tpot", g.tpot);
    append_summary(json, "ttft", g.ttft);
}

/// What was measured, or predicted, of a row; null where it has no value.
void append_row(JsonWriter& json, std::string_view name, double per_gpu, double tpot_s, double ttft_s) {
    const auto number = [&](std::string_view key, double value) {
        if (value > 0)
            json.number(key, value);
        else
            json.null(key);
    };
    json.begin_object(name);
    number("output_tokens_per_s_per_gpu", per_gpu);
    number("tpot_s", tpot_s);
    number("ttft_s", ttft_s);
    json.end_object();
}

void append_points(JsonWriter& json, const Validation& v) {
    const auto measured = [](double predicted, double ratio) { return ratio > 0 ? predicted / ratio : 0; };
    json.begin_array("points");
    for (const Prediction& p : v.predictions) {
        json.begin_object();
        json.text("id", p.point.id);
        json.text("scenario", p.point.scenario);
        json.text("model", p.model);
        json.text("gpu", p.gpu);
        json.text("engine", p.point.engine);
        append_row(json, "measured", measured(p.output_per_gpu, p.throughput_ratio),
                   measured(p.tpot_s, p.tpot_ratio), measured(p.ttft_s, p.ttft_ratio));
        append_row(json, "predicted", p.output_per_gpu, p.tpot_s, p.ttft_s);
        json.end_object();
    }
    json.end_array();
}

std::string as_json(const Validation& v) {
    JsonWriter json;
    json.begin_object();
    json.text("schema", "moecost.validate/1");
    json.number("rows", static_cast<double>(v.rows));
    json.number("predicted", static_cast<double>(v.predictions.size()));
    json.number("suspect", static_cast<double>(v.suspect));
    json.begin_object("skipped");
    for (const auto& [reason, count] : v.skipped) json.number(reason, static_cast<double>(count));
    json.end_object();
    json.begin_object("overall");
    append_errors(json, v.overall);
    json.end_object();
    json.begin_array("groups");
    for (const MeasuredCombination& c : v.combinations) {
        json.begin_object();
        json.text("model", c.model);
        json.text("gpu", c.gpu);
        json.text("engine", c.engine);
        json.number("n", static_cast<double>(std::max(c.errors.throughput.rows, c.errors.tpot.rows)));
        append_errors(json, c.errors);
        json.end_object();
    }
    json.end_array();
    json.begin_array("by");
    for (const ErrorGroup& g : v.groups) {
        json.begin_object();
        json.text("dimension", g.dimension);
        json.text("name", g.name);
        append_errors(json, g);
        json.end_object();
    }
    json.end_array();
    append_points(json, v);
    json.end_object();
    return json.str();
}

std::string percent_cell(const ErrorSummary& s, double value) {
    return align_right(s.rows == 0 ? "-" : fixed(value * 100, 1), 8);
}

std::string error_line(std::string_view name, const ErrorGroup& g) {
    std::string line = align_left(name, 22);
    line.append(align_right(std::to_string(std::max(g.throughput.rows, g.tpot.rows)), 6));
    line.append(percent_cell(g.throughput, g.throughput.median_ape))
        .append(percent_cell(g.throughput, g.throughput.mean_ape));
    line.append(align_right(g.throughput.rows == 0 ? "-" : fixed(g.throughput.median_ratio, 3), 8));
    line.append(percent_cell(g.throughput, g.throughput.within_10_percent));
    line.append(percent_cell(g.tpot, g.tpot.median_ape))
        .append(percent_cell(g.tpot, g.tpot.median_ratio - 1));
    line.append(percent_cell(g.ttft, g.ttft.median_ape))
        .append(percent_cell(g.ttft, g.ttft.median_ratio - 1));
    return line.append("\n");
}

std::string heading() {
    std::string s = align_left("", 28);
    s.append("  |------ output throughput -----|  |--- TPOT ---|  |--- TTFT ---|\n");
    s.append(align_left("errors in %", 22)).append(align_right("rows", 6));
    for (const std::string_view title :
         {"median", "mean", "ratio", "in 10%", "median", "bias", "median", "bias"}) {
        s.append(align_right(title, 8));
    }
    return s.append("\n");
}

/// Files with no more points than this are shown point by point.
constexpr std::size_t few_points = 20;

std::string measured_and_predicted(std::optional<double> measured, double predicted, int digits) {
    const std::string left = measured && *measured > 0 ? significant(*measured, digits) : "-";
    return align_right(left, 9).append(align_right(predicted > 0 ? significant(predicted, digits) : "-", 9));
}

/// What the point is, then measured beside predicted and their ratio.
std::string point_line(const Prediction& p) {
    const MeasuredPoint& m = p.point;
    std::string line = align_left(m.id.substr(0, 27), 28);
    const auto measured = m.scenario == "prefill_only" ? m.total_per_gpu : m.output_per_gpu;
    line.append(measured_and_predicted(measured, p.output_per_gpu, 4));
    line.append(align_right(p.throughput_ratio > 0 ? fixed(p.throughput_ratio, 2) : "-", 6));
    line.append(measured_and_predicted(m.tpot_ms, p.tpot_s * 1e3, 3));
    line.append(align_right(p.tpot_ratio > 0 ? fixed(p.tpot_ratio, 2) : "-", 6));
    line.append(measured_and_predicted(m.ttft_ms, p.ttft_s * 1e3, 3));
    return line.append(align_right(p.ttft_ratio > 0 ? fixed(p.ttft_ratio, 2) : "-", 6)).append("\n");
}

std::string point_lines(const Validation& v) {
    std::string s = align_left("", 28);
    s.append("    output tok/s per GPU       time per token (ms)       first token (ms)\n");
    s.append(align_left("point", 28));
    for (int i = 0; i < 3; ++i) {
        s.append(align_right("measured", 9)).append(align_right("ours", 9)).append(align_right("ratio", 6));
    }
    s.append("\n");
    for (const Prediction& p : v.predictions) s.append(point_line(p));
    return s;
}

std::string as_text(const Validation& v, const Style& style) {
    std::string s = std::to_string(v.predictions.size());
    s.append(" of ").append(std::to_string(v.rows)).append(" rows predicted\n\n");
    if (!v.predictions.empty() && v.predictions.size() <= few_points) s.append(point_lines(v)).append("\n");
    s.append(heading());
    s.append(style.bold(error_line("all", v.overall)));
    std::string dimension;
    for (const ErrorGroup& g : v.groups) {
        if (g.dimension != dimension)
            s.append("\n").append(style.dim(std::string("by ").append(g.dimension))).append("\n");
        dimension = g.dimension;
        s.append(error_line(g.name, g));
    }
    if (!v.skipped.empty()) s.append("\nskipped\n");
    for (const auto& [reason, count] : v.skipped) {
        s.append(align_right(std::to_string(count), 6)).append("  ").append(reason).append("\n");
    }
    return s;
}

std::string number_or_empty(double value) { return value > 0 ? shortest(value) : std::string(); }
std::string number_or_empty(const std::optional<double>& value) {
    return value ? shortest(*value) : std::string();
}

/// One line per prediction: what the row is, measured and predicted figures, their ratios.
std::string as_rows(const Validation& v) {
    std::string s =
        "id,source,scenario,model,gpu,engine,isl,osl,concurrency,tp,ep,attention_dp,num_gpus,"
        "measured_out_tok_s_gpu,predicted_out_tok_s_gpu,measured_tpot_ms,predicted_tpot_ms,measured_ttft_ms,"
        "predicted_ttft_ms,throughput_ratio,tpot_ratio,ttft_ratio,provenance,ttft_p99_ratio,tpot_p99_ratio,"
        "throughput_log_sd,tpot_log_sd,ttft_log_sd,beyond_fit,known\n";
    for (const Prediction& p : v.predictions) {
        const MeasuredPoint& m = p.point;
        for (const std::string& text : {m.id, m.source, m.scenario, m.model, p.gpu, m.engine}) {
            s.append(csv_field(text)).append(",");
        }
        for (const auto& value : {m.isl, m.osl, m.concurrency, m.tp, m.ep, m.attention_dp, m.gpus}) {
            s.append(number_or_empty(value)).append(",");
        }
        const auto measured = m.scenario == "prefill_only" ? m.total_per_gpu : m.output_per_gpu;
        s.append(number_or_empty(measured)).append(",").append(number_or_empty(p.output_per_gpu)).append(",");
        s.append(number_or_empty(m.tpot_ms)).append(",").append(number_or_empty(p.tpot_s * 1e3)).append(",");
        s.append(number_or_empty(m.ttft_ms)).append(",").append(number_or_empty(p.ttft_s * 1e3)).append(",");
        for (const double ratio : {p.throughput_ratio, p.tpot_ratio, p.ttft_ratio}) {
            s.append(number_or_empty(ratio)).append(",");
        }
        s.append(name_of(p.provenance)).append(",");
        for (const double x : {p.ttft_p99_ratio, p.tpot_p99_ratio, p.spread.throughput, p.spread.tpot,
                               p.spread.ttft, p.beyond}) {
            s.append(number_or_empty(x)).append(",");
        }
        s.append(csv_field(words_of(p.served.known))).append("\n");
    }
    return s;
}

}   // namespace

std::vector<Flag> validate_flags() {
    std::vector<Flag> flags{
        {"only", "KEY=VALUES", "Validation",
         "keep rows whose scenario, model, gpu, engine, source, id, gpus or pools (one, two) is one of the "
         "values (comma separated), "
         "or max_gpus=N; may be repeated"},
        {"rows", "FILE", "Validation", "write every prediction beside its measurement as CSV"}};
    for (Flag& flag : run_flags()) flags.push_back(flag);
    return flags;
}

namespace {

/// One table of runs at a rate is answered by itself: it states percentiles, and loads of its own.
std::optional<Answer> validated_rates(const Invocation& invocation) {
    const auto& files = invocation.line.positional;
    if (files.size() != 1) return std::nullopt;
    const std::string text = read_input(files.front());
    if (is_benchmark(text)) return std::nullopt;
    const CsvTable table(text, files.front());
    if (!is_rate_table(table)) return std::nullopt;
    if (invocation.line.has("only"))
        throw InputError({"--only"}, {}, "does not select from a table of runs at a rate");
    const RateValidation v = validate_rates(invocation.data, table);
    if (const std::string* file = invocation.line.find("rows")) write_file(*file, rates_rows(v));
    Answer answer;
    answer.output = invocation.format == Format::json  ? rates_json(v)
                    : invocation.format == Format::csv ? rates_rows(v)
                                                       : rates_text(v);
    return answer;
}

}   // namespace

Answer run_validate(const Invocation& invocation) {
    if (auto answer = validated_rates(invocation)) return std::move(*answer);
    std::vector<Filter> filters;
    for (const Setting& setting : invocation.line.settings) {
        if (setting.key == "only") filters.push_back(parse_filter(setting.text));
    }
    const auto keep = [&](const MeasuredPoint& p) {
        return std::all_of(filters.begin(), filters.end(), [&](const Filter& f) { return keeps(f, p); });
    };
    Answer answer;
    std::vector<MeasuredPoint> points = points_of(invocation, answer.messages);
    for (const Filter& f : filters) check_values(f, points);
    std::erase_if(points, [&](const MeasuredPoint& p) { return !keep(p); });
    if (points.empty() && !filters.empty()) answer.messages.append("no row is left by --only\n");
    const Validation v = validate(invocation.data, points, keep);
    if (const std::string* file = invocation.line.find("rows")) write_file(*file, as_rows(v));
    if (invocation.format == Format::json)
        answer.output = as_json(v);
    else if (invocation.format == Format::csv)
        answer.output = as_rows(v);
    else
        answer.output = as_text(v, Style{invocation.colour, invocation.width});
    if (invocation.format == Format::text && !invocation.quiet)
        answer.output.append("\n").append(published_form(points, v));
    return answer;
}

}   // namespace moecost::cli
