// SPDX-License-Identifier: Apache-2.0
#include "moecost/measured/benchmarks.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "moecost/base/format.h"
#include "moecost/base/written_number.h"

namespace moecost {
namespace {

constexpr Range any{-1e300, 1e300};
using Number = std::optional<double>;

std::string stem_of(const std::string& file) {
    const std::string name = file.substr(file.rfind('/') + 1);
    return name.substr(0, name.rfind('.'));
}

Number optional(const Reader& r, std::string_view key) {
    const Value* v = r.raw(key);
    if (v == nullptr || std::holds_alternative<std::string>(v->content)) return std::nullopt;
    const double value = r.number(key, {-1e308, std::numeric_limits<double>::infinity()});
    return std::isfinite(value) ? Number(value) : std::nullopt;
}

/// A rate that is a finite number; "inf", Infinity and null are none.
Number finite_rate(const Reader& r) {
    const Value* v = r.raw("request_rate");
    if (v == nullptr) return std::nullopt;
    if (const auto* text = std::get_if<std::string>(&v->content)) return plain_number(*text);
    if (const auto* d = std::get_if<double>(&v->content))
        return std::isfinite(*d) ? Number(*d) : std::nullopt;
    return r.number("request_rate", any);
}

double gpus_of(const MeasuredPoint& p, const Location& where) {
    const Number layout = p.tp ? Number(*p.tp * p.attention_dp.value_or(1) * p.pp.value_or(1)) : std::nullopt;
    const Number gpus = p.gpus ? p.gpus : layout;
    if (gpus) return *gpus;
    throw InputError(where, {}, "does not say on how many GPUs it ran",
                     "--gpus N, or --tp N with the rest of the layout");
}

void set_throughput(MeasuredPoint& p, double output, Number total, const Location& where) {
    const double gpus = gpus_of(p, where);
    p.gpus = gpus;
    p.output_per_gpu = output / gpus;
    if (total) p.total_per_gpu = *total / gpus;
}

/// Which kind of load a run was, from its rate and its limit of requests in flight.
void set_load(MeasuredPoint& p, Number rate, Number concurrency) {
    if (!p.scenario.empty()) return;
    if (!p.concurrency) p.concurrency = concurrency;
    if (!p.rate) p.rate = rate;
    p.scenario = p.rate ? "request_rate" : p.concurrency ? "closed_loop" : "burst";
}

std::string dashed_date(const std::string& text) {
    if (text.size() < 8 || text.find_first_not_of("0123456789-") < 8) return {};
    return text.substr(0, 4).append("-").append(text.substr(4, 2)).append("-").append(text.substr(6, 2));
}

MeasuredPoint started(const MeasuredPoint& known, const std::string& file, std::string_view tool) {
    MeasuredPoint p = known;
    p.id = stem_of(file);
    p.source = std::string(tool);
    return p;
}

void set_if_empty(std::string& into, std::string text) {
    if (into.empty()) into = std::move(text);
}

// --- vLLM, SGLang, raw InferenceX -------------------------------------------------------------------------------------

void set_lengths(const Reader& r, MeasuredPoint& p) {
    const double completed = r.number("completed", {1, 1e12});
    p.isl = r.number("total_input_tokens", positive) / completed;
    p.osl = r.number("total_output_tokens", positive) / completed;
    const Number failed = optional(r, "failed");
    p.suspect = failed && *failed * 20 > completed;   // more than 5 % of the requests are not in the figures
}

MeasuredPoint from_vllm(const Reader& r, const MeasuredPoint& known, const std::string& file) {
    MeasuredPoint p = started(known, file, "vllm bench serve");
    set_if_empty(p.model, r.text("model_id"));
    p.date = dashed_date(r.text_or("date", ""));
    set_lengths(r, p);
    p.prompts = optional(r, "num_prompts");
    set_load(p, finite_rate(r), optional(r, "max_concurrency"));
    set_throughput(p, r.number("output_throughput", positive), r.number("total_token_throughput", positive),
                   r.where());
    p.ttft_ms = r.number("mean_ttft_ms", positive);
    p.tpot_ms = r.number("mean_tpot_ms", non_negative);
    p.e2e_ms = optional(r, "mean_e2el_ms");
    p.speculative = r.has("spec_decode_acceptance_rate");
    return p;
}

/// A layout that is given must be that of a file which states its own.
void refuse_other_layout(const Reader& r, const MeasuredPoint& given, const MeasuredPoint& p) {
    const auto other = [](Number a, Number b) { return a && b && *a != *b; };
    if (!other(given.tp, p.tp) && !other(given.attention_dp, p.attention_dp) && !other(given.pp, p.pp) &&
        !other(given.ep, p.ep))
        return;
    std::string message("ran with tp ");
    message.append(shortest(p.tp.value_or(1))).append(", attention dp ");
    message.append(shortest(p.attention_dp.value_or(1))).append(", ep ").append(shortest(p.ep.value_or(1)));
    throw InputError(r.where(), {}, message.append(", another layout is given"),
                     "leave --tp and the rest out");
}

/// Sizes that the server reported.
void from_server_info(const Reader& r, MeasuredPoint& p) {
    if (r.raw("server_info") == nullptr ||
        !std::holds_alternative<Value::Table>(r.raw("server_info")->content))
        return;
    const Reader info = r.table("server_info");
    set_if_empty(p.model, info.text_or("model_path", ""));
    const Number tp = optional(info, "tp_size");
    if (!tp) return;
    const MeasuredPoint given = p;
    const double ranks =
        info.flag_or("enable_dp_attention", false) ? optional(info, "dp_size").value_or(1) : 1;
    p.tp = *tp / ranks;
    p.attention_dp = ranks;
    p.pp = optional(info, "pp_size").value_or(1);
    p.ep = optional(info, "ep_size").value_or(1);
    refuse_other_layout(r, given, p);
}

MeasuredPoint from_sglang(const Reader& r, const MeasuredPoint& known, const std::string& file) {
    MeasuredPoint p = started(known, file, "sglang.bench_serving");
    set_if_empty(p.engine, "sglang");
    from_server_info(r, p);
    set_lengths(r, p);
    p.prompts = optional(r, "completed");
    set_load(p, finite_rate(r), optional(r, "max_concurrency"));
    set_throughput(p, r.number("output_throughput", positive), r.number("total_throughput", positive),
                   r.where());
    p.ttft_ms = r.number("mean_ttft_ms", positive);
    p.tpot_ms = r.number("mean_tpot_ms", non_negative);
    p.e2e_ms = optional(r, "mean_e2e_latency_ms");
    const Number accepted = optional(r, "accept_length");
    p.speculative = accepted && *accepted > 1;
    return p;
}

// --- aggregated InferenceX --------------------------------------------------------------------------------------------

std::string engine_of(const std::string& framework) {
    for (const auto& [part, engine] : {std::pair{"vllm", "vllm"}, {"sglang", "sglang"}, {"trt", "trtllm"}}) {
        if (framework.find(part) != std::string::npos) return engine;
    }
    return framework;
}

void set_inferencex_layout(const Reader& r, MeasuredPoint& p) {
    const std::string prefix = p.disaggregated ? "decode_" : "";
    const double gpus = r.number(prefix + "tp", positive);   // of a stage, whatever attention does
    const bool ranks = r.text(prefix + "dp_attention") == "true";
    p.attention_dp = ranks ? gpus : 1;
    p.tp = ranks ? 1 : gpus;
    p.pp = optional(r, prefix + "pp").value_or(1);
    p.ep = r.number(prefix + "ep", positive);
    p.gpus = p.disaggregated ? r.number("num_prefill_gpu", positive) + r.number("num_decode_gpu", positive)
                             : gpus * *p.pp;
}

MeasuredPoint from_inferencex(const Reader& r, const MeasuredPoint& known, const std::string& file) {
    MeasuredPoint p = started(known, file, "InferenceX");
    set_if_empty(p.gpu, r.text("hw"));
    set_if_empty(p.model, r.text("model"));
    set_if_empty(p.engine, engine_of(r.text("framework")));
    p.disaggregated = r.flag("disagg");
    p.speculative = r.text_or("spec_decoding", "none") != "none";
    p.isl = r.number("isl", positive);
    p.osl = r.number("osl", positive);
    p.spread_lengths = true;   // lengths are drawn from 0.8 to 1.0 of these
    set_load(p, std::nullopt, r.number("conc", positive));
    if (p.disaggregated) p.scenario = "disagg";
    set_inferencex_layout(r, p);
    refuse_other_layout(r, known, p);
    // Of disaggregated runs the file counts decode GPUs alone.
    const double share = p.disaggregated ? r.number("num_decode_gpu", positive) / *p.gpus : 1;
    p.output_per_gpu = r.number("output_tput_per_gpu", positive) * share;
    p.total_per_gpu = r.number("tput_per_gpu", positive);
    p.ttft_ms = r.number("mean_ttft", positive) * 1e3;
    p.tpot_ms = r.number("mean_tpot", non_negative) * 1e3;
    const Number e2e = optional(r, "mean_e2el");
    if (e2e) p.e2e_ms = *e2e * 1e3;
    return p;
}

// --- AIPerf, genai-perf -----------------------------------------------------------------------------------------------

double in_ms(const std::string& unit) {
    return unit == "s" || unit == "sec" ? 1e3 : unit == "us" ? 1e-3 : unit == "ns" ? 1e-6 : 1;
}

Number average(const Reader& r, std::string_view metric, bool time) {
    if (!r.has(metric)) return std::nullopt;
    const Reader m = r.table(metric);
    return m.number("avg", non_negative) * (time ? in_ms(m.text_or("unit", "ms")) : 1);
}
double needed(const Reader& r, std::string_view metric, bool time = false) {
    if (!r.has(metric)) r.fail(metric, "is missing");
    return *average(r, metric, time);
}

/// A number under a key anywhere in the configuration: its place differs between versions.
Number buried(const Value& v, std::string_view key) {
    const auto* table = std::get_if<Value::Table>(&v.content);
    if (table == nullptr) return std::nullopt;
    for (const auto& [name, value] : *table) {
        if (name == key) {
            if (const auto* i = std::get_if<std::int64_t>(&value.content)) return static_cast<double>(*i);
            if (const auto* d = std::get_if<double>(&value.content)) return *d;
        }
        if (const Number found = buried(value, key)) return found;
    }
    return std::nullopt;
}

void need_load(const MeasuredPoint& p, const Location& where) {
    if (p.scenario == "burst" && !p.prompts)
        throw InputError(where, {}, "names neither concurrency nor request rate",
                         "--concurrency N or --rate R");
}

MeasuredPoint from_aiperf(const Reader& r, const MeasuredPoint& known, const std::string& file) {
    MeasuredPoint p = started(known, file, r.has("aiperf_version") ? "aiperf" : "genai-perf or aiperf");
    const Value* config = r.raw("input_config");
    if (config != nullptr && p.model.empty() && r.table("input_config").has("endpoint")) {
        const Reader endpoint = r.table("input_config").table("endpoint");
        if (endpoint.has("model_names")) p.model = endpoint.texts("model_names").at(0);
    }
    p.date = r.text_or("start_time", "").substr(0, 10);
    p.isl = needed(r, "input_sequence_length");
    p.osl = needed(r, "output_sequence_length");
    set_load(p, config != nullptr ? buried(*config, "request_rate") : std::nullopt,
             config != nullptr ? buried(*config, "concurrency") : std::nullopt);
    need_load(p, r.where());
    set_throughput(p, needed(r, "output_token_throughput"), std::nullopt, r.where());
    p.ttft_ms = needed(r, "time_to_first_token", true);
    p.tpot_ms = needed(r, "inter_token_latency", true);
    p.e2e_ms = average(r, "request_latency", true);
    return p;
}

std::vector<MeasuredPoint> from_aiperf_csv(std::string_view text, const std::string& file,
                                           const MeasuredPoint& known) {
    std::map<std::string, double, std::less<>> values;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const std::size_t comma = line.find(',');
        if (comma == std::string_view::npos) continue;
        std::string_view value = line.substr(comma + 1);
        value = value.substr(0, value.find_first_of(",\r"));
        const std::string_view name = line.substr(0, std::min(line.find(" ("), comma));
        if (const auto number = plain_number(value)) values[std::string(name)] = *number;
    }
    const auto value_of = [&](std::string_view name) {
        const auto it = values.find(name);
        if (it == values.end()) throw InputError({file}, name, "is missing");
        return it->second;
    };
    MeasuredPoint p = started(known, file, "aiperf");
    p.isl = value_of("Input Sequence Length");
    p.osl = value_of("Output Sequence Length");
    set_load(p, std::nullopt, std::nullopt);
    need_load(p, {file});
    set_throughput(p, value_of("Output Token Throughput"), std::nullopt, {file});
    p.ttft_ms = value_of("Time to First Token");
    p.tpot_ms = value_of("Inter Token Latency");
    p.e2e_ms = value_of("Request Latency");
    return {p};
}

// --- GuideLLM ---------------------------------------------------------------------------------------------------------

double successful_mean(const Reader& metrics, std::string_view name) {
    return metrics.table(name).table("successful").number("mean", non_negative);
}

MeasuredPoint from_guidellm(const Reader& b, const MeasuredPoint& known, const std::string& file) {
    MeasuredPoint p = started(known, file, "guidellm");
    const Reader strategy = b.table("config").table("strategy");
    const std::string kind = strategy.text("type_");
    const Reader metrics = b.table("metrics");
    if (kind == "synchronous")
        set_load(p, std::nullopt, 1);
    else if (kind == "concurrent")
        set_load(p, std::nullopt, strategy.number("streams", positive));
    else if (kind == "constant" || kind == "poisson")
        set_load(p, strategy.number("rate", positive), std::nullopt);
    else if (kind == "throughput")
        set_load(p, std::nullopt, optional(strategy, "max_concurrency"));
    else
        strategy.fail("type_", std::string("'").append(kind).append("' is no load we know"));
    p.isl = successful_mean(metrics, "prompt_token_count");
    p.osl = successful_mean(metrics, "output_token_count");
    p.prompts = metrics.table("request_totals").number("successful", non_negative);
    // Output tokens per second of this format are means over requests; of the run: requests per second times tokens.
    set_throughput(p, successful_mean(metrics, "requests_per_second") * *p.osl, std::nullopt, b.where());
    p.ttft_ms = successful_mean(metrics, "time_to_first_token_ms");
    p.tpot_ms = successful_mean(metrics, "inter_token_latency_ms");
    p.e2e_ms = successful_mean(metrics, "request_latency") * 1e3;
    return p;
}

// --- which of them ----------------------------------------------------------------------------------------------------

void add_object(const Document& d, const MeasuredPoint& known, std::vector<MeasuredPoint>& points) {
    const Reader r(d);
    if (r.has("benchmarks")) {
        for (const Reader& b : r.tables("benchmarks")) points.push_back(from_guidellm(b, known, d.file));
    } else if (r.has("tput_per_gpu"))
        points.push_back(from_inferencex(r, known, d.file));
    else if (r.has("time_to_first_token") || r.has("inter_token_latency"))
        points.push_back(from_aiperf(r, known, d.file));
    else if (r.has("total_throughput") || r.has("mean_e2e_latency_ms"))
        points.push_back(from_sglang(r, known, d.file));
    else if (r.has("total_token_throughput") || r.has("mean_ttft_ms"))
        points.push_back(from_vllm(r, known, d.file));
    else
        throw InputError({d.file}, {}, "is no benchmark result we know",
                         "vllm bench serve, sglang.bench_serving, AIPerf, genai-perf, GuideLLM, InferenceX");
}

void add_document(Document d, const MeasuredPoint& known, std::vector<MeasuredPoint>& points) {
    auto* list = std::get_if<Value::Array>(&d.root.content);
    if (list == nullptr) return add_object(d, known, points);
    for (Value& item : *list) add_object({d.file, std::move(item)}, known, points);
}

/// One object a line: the second line that is not blank starts an object too.
bool is_lines(std::string_view text) {
    const std::size_t end = text.find("\n{");
    return text.starts_with('{') && end != std::string_view::npos && text[end - 1] == '}';
}

}   // namespace

bool is_benchmark(std::string_view text) {
    const std::size_t start = text.find_first_not_of(" \t\r\n");
    if (start == std::string_view::npos) return false;
    text.remove_prefix(start);
    return text.starts_with('{') || text.starts_with('[') || text.starts_with("Metric,avg");
}

std::vector<MeasuredPoint> read_benchmark(std::string_view text, const std::string& file,
                                          const MeasuredPoint& known) {
    if (text.starts_with("Metric,avg")) return from_aiperf_csv(text, file, known);
    std::vector<MeasuredPoint> points;
    const bool lines = is_lines(text);
    while (lines && !text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        if (line.find('{') != std::string_view::npos) add_document(parse_json(line, file), known, points);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (!lines) add_document(parse_json(text, file), known, points);
    for (std::size_t i = 0; points.size() > 1 && i < points.size(); ++i)
        points[i].id.append("-").append(std::to_string(i + 1));
    return points;
}

}   // namespace moecost
