// SPDX-License-Identifier: Apache-2.0
// moecost calibrate: which constants do the kernel timings of this machine give?
#include "moecost/calibrate/calibrate.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <thread>

#include "calibrate_serving.h"
#include "command.h"
#include "launch/launch.h"
#include "moecost/base/format.h"
#include "moecost/base/json_writer.h"
#include "moecost/hardware/profile/profile_toml.h"
#include "sheet.h"
#include "text.h"

namespace moecost::cli {
namespace {

void show_progress(std::size_t done, std::size_t all) {
    if (isatty(STDERR_FILENO) == 0) return;
    std::string line("\rfitted ");
    line.append(std::to_string(done)).append(" of ").append(std::to_string(all)).append(" tables\033[K");
    if (done == all) line.append("\r\033[K");
    std::fputs(line.c_str(), stderr);
}

CalibrateOptions options_of(const Invocation& invocation) {
    const CommandLine& line = invocation.line;
    const auto given = [&](std::string_view key, const std::string& fallback) {
        const std::string* text = line.find(key);
        return text == nullptr ? fallback : *text;
    };
    CalibrateOptions o;
    o.folder = given("kernels", "");
    if (o.folder.empty())
        throw InputError({"--kernels"}, {}, "no folder is given",
                         "moecost calibrate --kernels FOLDER --engine microbench -o my-gpu.toml");
    o.gpu = given("gpu", "auto");
    o.engine = given("engine", "microbench");
    o.serving = given("serving-of", "");
    o.base = given("profile", "");
    o.source = given("source", "");
    if (!o.base.empty() && !is_path(o.base))
        throw InputError({"--profile"}, {}, std::string("'").append(o.base).append("' is no file"),
                         "a profile is a .toml file");
    o.threads = std::max(1U, std::thread::hardware_concurrency());
    if (!invocation.quiet) o.progress = show_progress;
    return o;
}

std::string today() {
    using namespace std::chrono;
    const year_month_day day(floor<days>(system_clock::now()));
    std::string s = std::to_string(int(day.year()));
    const auto two = [](unsigned n) { return std::string(n < 10 ? "-0" : "-").append(std::to_string(n)); };
    return s.append(two(unsigned(day.month()))).append(two(unsigned(day.day())));
}

/// "fp8", "bf16/fp8" (queries and cache), "graph".
std::string format_of(const KernelSeries& s) {
    const auto shown = [](const std::string& name) {
        return name == "bfloat16" ? std::string("bf16") : name;
    };
    std::string text = shown(s.dtype);
    if (!s.cache.empty()) text.append(text.empty() ? "" : "/").append(shown(s.cache));
    if (text.empty()) text = s.part;
    return text;
}

bool is_chosen(const Calibration& c, std::size_t fit) {
    const auto& chosen = c.assembly.chosen;
    return std::any_of(chosen.begin(), chosen.end(), [&](const ChosenFit& f) { return f.fit == fit; });
}

/// Fits of the engine asked for, and those borrowed from another engine of the folder.
std::vector<std::size_t> shown_fits(const Calibration& c) {
    std::vector<std::size_t> shown;
    for (std::size_t i = 0; i < c.fits.size(); ++i) {
        if (c.fits[i].fitted() && (c.fits[i].series.engine == c.engine || is_chosen(c, i)))
            shown.push_back(i);
    }
    return shown;
}

std::string names(const KernelFit& fit, bool (*pick)(const FittedParameter&)) {
    std::string s;
    for (const FittedParameter& p : fit.parameters) {
        if (pick(p)) s.append(s.empty() ? "" : " ").append(p.name);
    }
    return s;
}
std::string at_bounds(const KernelFit& fit) {
    return names(fit, [](const FittedParameter& p) { return p.at_bound; });
}
std::string undecided(const KernelFit& fit) {
    return names(fit, [](const FittedParameter& p) { return !p.identified; });
}

std::string values(const KernelFit& fit) {
    std::string s;
    for (const FittedParameter& p : fit.parameters) {
        s.append(s.empty() ? "" : " ").append(p.name).append("=").append(shortest(p.value));
    }
    return s;
}

std::string ranges(const KernelFit& fit) {
    std::string s;
    for (const auto& [name, r] : fit.ranges.by_name) {
        s.append(s.empty() ? "" : " ").append(name).append("=").append(shortest(r.low)).append("..");
        s.append(shortest(r.high));
    }
    return s;
}

std::string dropped(const KernelFit& fit) {
    std::string s;
    for (const auto& [reason, rows] : fit.dropped) {
        s.append(s.empty() ? "" : "; ")
            .append(grouped(static_cast<long long>(rows)))
            .append(" ")
            .append(reason);
    }
    return s;
}

std::string op_name(const KernelFit& fit) {
    std::string s(name_of(fit.series.op));
    if (fit.series.op != KernelOp::all_to_all) return s;
    s.append(fit.form.combine ? " combine" : " dispatch");
    return s.append(fit.form.nodes == 1 ? "" : " x").append(fit.form.nodes == 1 ? "" : fit.series.kernel);
}

/// The kernel as the table names it; on a page its end, which tells kernels apart.
Cell kernel_cell(const std::string& kernel) {
    constexpr std::size_t room = 20;
    Cell cell = text_cell(kernel);
    if (kernel.size() > room) cell.shown = std::string("..").append(kernel.substr(kernel.size() - room + 2));
    return cell;
}

Cell count_cell(std::size_t n) {
    return number_cell(static_cast<double>(n), grouped(static_cast<long long>(n)));
}

Sheet sheet_of(const Calibration& c) {
    Sheet sheet{"moecost.calibrate/1", "tables", {}, {}};
    sheet.columns = {{"table", "table"},
                     {"format", "format"},
                     {"engine", "engine"},
                     {"used", "used"},
                     {"rows", "rows", true},
                     {"held_out", "", true},
                     {"median_error", "median", true},
                     {"p90_error", "p90", true},
                     {"bias", "bias", true},
                     {"rank", "", true},
                     {"parameters", "", true},
                     {"at_bound", ""},
                     {"not_identified", ""},
                     {"values", ""},
                     {"ranges", ""},
                     {"dropped", ""},
                     {"version", ""},
                     {"kernel", "kernel"}};
    const auto share = [](double x) { return number_cell(x, fixed(100 * x, 1).append(" %")); };
    for (const std::size_t i : shown_fits(c)) {
        const KernelFit& f = c.fits[i];
        sheet.rows.push_back({text_cell(op_name(f)), text_cell(format_of(f.series)),
                              text_cell(f.series.engine), text_cell(is_chosen(c, i) ? "yes" : "no"),
                              count_cell(f.rows), count_cell(f.held_out), share(f.median), share(f.p90),
                              share(f.bias), count_cell(f.rank), count_cell(f.parameters.size()),
                              text_cell(at_bounds(f)), text_cell(undecided(f)), text_cell(values(f)),
                              text_cell(ranges(f)), text_cell(dropped(f)), text_cell(f.series.version),
                              kernel_cell(f.series.kernel)});
    }
    return sheet;
}

/// Series of the engine asked for that have no table, with the reason.
std::vector<std::string> left_out(const Calibration& c) {
    std::vector<std::string> lines;
    for (const KernelFit& f : c.fits) {
        if (f.fitted() || f.series.engine != c.engine) continue;
        std::string line = op_name(f);
        line.append(" ").append(format_of(f.series)).append(" ").append(f.series.kernel);
        line.append(": ").append(f.left_out);
        const std::string rows = dropped(f);
        lines.push_back(rows.empty() ? line : line.append(" (").append(rows).append(")"));
    }
    for (const std::string& table : c.missing) lines.push_back(std::string(table).append(": no such table"));
    return lines;
}

/// What the bandwidth test says beside the datasheet; empty: it was not run.
std::string bandwidth_line(const Calibration& c) {
    if (c.target.stream_bandwidth <= 0) return {};
    const double datasheet = c.target.gpu.memory_bandwidth.value();
    std::string s("Memory: ");
    s.append(significant(c.target.stream_bandwidth / 1e12, 3)).append(" TB/s read beyond the L2 cache, ");
    return s.append(percent(c.target.stream_bandwidth / datasheet))
        .append(" of ")
        .append(significant(datasheet / 1e12, 3))
        .append(" TB/s\n");
}

void append_list(std::string& s, std::string_view title, const std::vector<std::string>& lines,
                 std::size_t width) {
    if (lines.empty()) return;
    s.append("\n").append(title).append("\n");
    for (const std::string& line : lines) s.append(bullet(line, width));
}

std::string as_text(const Calibration& c, const Invocation& invocation) {
    const Style style{invocation.colour};
    std::string s = style.bold(c.target.gpu.name);
    s.append(" under ").append(c.engine).append(": ").append(std::to_string(shown_fits(c).size()));
    s.append(" tables fitted; errors on shapes held out of the fits\n\n");
    s.append(print_text(sheet_of(c), invocation));
    const std::string bandwidth = bandwidth_line(c);
    if (!bandwidth.empty()) s.append("\n").append(bandwidth);
    if (invocation.quiet) return s;
    append_list(s, "Left out", left_out(c), invocation.width);
    append_list(s, "Borrowed", c.assembly.borrowed, invocation.width);
    if (!invocation.verbose) return s;
    std::vector<std::string> details;
    for (const std::size_t i : shown_fits(c)) {
        const KernelFit& f = c.fits[i];
        std::string line = op_name(f);
        line.append(" ").append(format_of(f.series)).append(" ").append(f.series.engine).append(" ");
        line.append(f.series.kernel).append(": ").append(values(f)).append("; rows ").append(ranges(f));
        if (!at_bounds(f).empty()) line.append("; at a bound: ").append(at_bounds(f));
        if (!undecided(f).empty()) line.append("; not decided by the rows: ").append(undecided(f));
        if (!f.dropped.empty()) line.append("; dropped: ").append(dropped(f));
        details.push_back(std::move(line));
    }
    append_list(s, "Constants", details, invocation.width);
    return s;
}

void write_texts(JsonWriter& json, std::string_view key, const std::vector<std::string>& texts) {
    json.begin_array(key);
    for (const std::string& text : texts) json.text({}, text);
    json.end_array();
}

void write_fit(JsonWriter& json, const Calibration& c, std::size_t i) {
    const KernelFit& f = c.fits[i];
    json.begin_object();
    json.text("table", op_name(f));
    json.text("engine", f.series.engine);
    json.text("version", f.series.version);
    json.text("dtype", f.series.dtype);
    json.text("cache", f.series.cache);
    json.text("kernel", f.series.kernel);
    json.text("part", f.series.part);
    json.flag("used", is_chosen(c, i));
    json.number("rows", static_cast<double>(f.rows));
    json.number("held_out", static_cast<double>(f.held_out));
    json.number("median_error", f.median);
    json.number("p90_error", f.p90);
    json.number("bias", f.bias);
    json.number("rank", static_cast<double>(f.rank));
    json.begin_array("parameters");
    for (const FittedParameter& p : f.parameters) {
        json.begin_object();
        json.text("name", p.name);
        json.number("value", p.value);
        json.number("standard_error", p.identified ? p.standard_error : std::nan(""));
        json.flag("at_bound", p.at_bound);
        json.flag("identified", p.identified);
        json.end_object();
    }
    json.end_array();
    json.begin_object("ranges");
    for (const auto& [name, r] : f.ranges.by_name) {
        json.begin_array(name);
        json.number({}, r.low);
        json.number({}, r.high);
        json.end_array();
    }
    json.end_object();
    json.begin_object("dropped");
    for (const auto& [reason, rows] : f.dropped) json.number(reason, static_cast<double>(rows));
    json.end_object();
    json.end_object();
}

std::string as_json(const Calibration& c) {
    JsonWriter json;
    json.begin_object();
    json.text("schema", "moecost.calibrate/1");
    json.text("gpu", c.gpu);
    json.text("accelerator", c.target.gpu.id);
    json.text("engine", c.engine);
    json.flag("in_catalogue", c.target.in_catalogue);
    json.text("nearest", c.target.nearest);
    json.number("stream_bytes_per_s",
                c.target.stream_bandwidth > 0 ? c.target.stream_bandwidth : std::nan(""));
    json.number("datasheet_bytes_per_s", c.target.gpu.memory_bandwidth.value());
    json.begin_array("tables");
    for (const std::size_t i : shown_fits(c)) write_fit(json, c, i);
    json.end_array();
    write_texts(json, "left_out", left_out(c));
    write_texts(json, "borrowed", c.assembly.borrowed);
    json.end_object();
    return json.str();
}

std::string report_of(const Calibration& c, const Invocation& invocation) {
    if (invocation.format == Format::json) return as_json(c);
    if (invocation.format == Format::csv) return print(sheet_of(c), Format::csv);
    return as_text(c, invocation);
}

}   // namespace

std::vector<Flag> calibrate_flags() {
    constexpr std::string_view group = "Calibrate";
    std::vector<Flag> flags{
        {"kernels", "DIR", group,
         "folder of kernel timing tables: gemm, moe, attention_decode, attention_prefill, mla_decode, "
         "mla_prefill, allreduce, deepep (.csv or .csv.gz), and device.json"},
        {"gpu", "NAME", group, "accelerator of the rows (default: auto, the only one there is)"},
        {"engine", "NAME", group,
         "engine of the rows: microbench, vllm, sglang or trtllm (default: microbench)"},
        {"serving", "FILES", group,
         "own runs: a table of measured points or results of a load generator; -o FILE.toml writes what "
         "they teach "
         "for estimate --profile FILE.toml"},
        {"force", "", group, "take own runs that contradict shipped figures by more than three spreads"},
        {"serving-rows", "FILES", group,
         "tables of served points: fits hwmodels/serving.toml (-o FILE.toml) anew and tells what is "
         "missed when left out"},
        {"effects", "FILE", group, "with --serving-rows: writes hwmodels/effects.toml"},
        {"iterations", "N", group,
         "with --serving-rows: of the fit; 0 judges the constants as they are (default: 12)"},
        {"serving-of", "ENGINE", group,
         "engine whose serving scalars are borrowed (default: that of the rows; vllm for microbench)"},
        {"profile", "FILE", group, "profile to borrow from (default: that of the nearest accelerator)"},
        {"source", "TEXT", group, "where the timings come from, for the file that is written"},
        {"engine-only", "", group, "write the engine profile alone, without the accelerator"}};
    // What a result of a load generator does not say.
    for (const Flag& flag : run_flags()) {
        if (flag.key != "gpu" && flag.key != "engine") flags.push_back(flag);
    }
    return flags;
}

std::string calibration_date() { return today(); }

Answer run_calibrate(const Invocation& invocation) {
    if (invocation.line.has("serving")) return run_own_runs(invocation);
    if (invocation.line.has("serving-rows")) return run_serving_rows(invocation);
    if (!invocation.line.positional.empty())
        throw InputError({invocation.line.positional[0]}, {}, "is not expected",
                         "the folder follows --kernels");
    const Calibration c = calibrate(invocation.data, options_of(invocation));
    std::string report = report_of(c, invocation);
    Answer answer;
    if (!invocation.output.ends_with(".toml")) {
        answer.output = std::move(report);
        return answer;
    }
    const std::string date =
        c.target.device && !c.target.device->date.empty() ? c.target.device->date : today();
    answer.output = invocation.line.has("engine-only")
                        ? toml_of(c.assembly.profile, date)
                        : toml_of(c.target.gpu, c.target.sources, c.assembly.profile, date);
    if (!invocation.quiet) answer.messages = std::move(report);
    return answer;
}

}   // namespace moecost::cli
