// SPDX-License-Identifier: Apache-2.0
#include "moecost/measured/benchmarks.h"

#include <algorithm>
#include <cmath>

#include "moecost/base/format.h"
#include "moecost/base/written_number.h"
#include "moecost/measured/benchmark_point.h"

namespace moecost {
namespace {

using namespace bench;

constexpr Range any{-1e300, 1e300};

Number finite_rate_of(const Reader& r, const Value& v) {
    if (const auto* text = std::get_if<std::string>(&v.content)) {
        const Number rate = plain_number(*text);
        return rate && std::isfinite(*rate) ? rate : std::nullopt;
    }
    if (std::holds_alternative<std::monostate>(v.content)) return std::nullopt;
    return optional(r, "request_rate");
}

/// A rate that is a finite number; "inf", Infinity and null are none: then --rate contradicts the file.
Number finite_rate(const Reader& r, const Beside& beside) {
    const Value* v = r.raw("request_rate");
    if (v == nullptr) return std::nullopt;
    const Number rate = finite_rate_of(r, *v);
    if (!rate && beside.known.rate)
        throw InputError(r.where(), "request_rate", "is without bounds, --rate is given", "leave --rate out");
    return rate;
}

/// Tokens of prompts and answers per second; older releases state them apart, or only their numbers.
Number total_throughput(const Reader& r, std::string_view key, double output) {
    if (r.has(key)) return r.number(key, positive);
    if (const Number input = optional(r, "input_throughput")) return *input + output;
    const double answers = r.number("total_output_tokens", positive);
    return output * (1 + r.number("total_input_tokens", positive) / answers);
}

std::string dashed_date(const std::string& text) {
    if (text.size() < 8 || text.find_first_not_of("0123456789-") < 8) return {};
    return text.substr(0, 4).append("-").append(text.substr(4, 2)).append("-").append(text.substr(6, 2));
}

void set_if_empty(std::string& into, std::string text) {
    if (into.empty()) into = std::move(text);
}

// --- vLLM, SGLang, raw InferenceX -------------------------------------------------------------------------------------

void set_lengths(const Reader& r, MeasuredPoint& p) {
    const double completed = r.number("completed", {1, 1e12});
    p.isl = r.number("total_input_tokens", positive) / completed;
    p.osl = r.number("total_output_tokens", positive) / completed;
    p.suspect = many_failed(optional(r, "failed"), completed);
}

MeasuredPoint from_vllm(const Reader& r, const Beside& beside, const std::string& file) {
    MeasuredPoint p = started(beside, file, "vllm bench serve");
    set_if_empty(p.model, r.text("model_id"));
    set_engine(p, beside, text_if_any(r, "backend"));   // the tool also loads other servers
    p.date = dashed_date(r.text_or("date", ""));
    set_lengths(r, p);
    p.prompts = optional(r, "num_prompts");
    set_load(p, r.where(), finite_rate(r, beside), optional(r, "max_concurrency"));
    const double output = r.number("output_throughput", positive);
    set_throughput(p, output, total_throughput(r, "total_token_throughput", output), r.where());
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
        !other(given.ep, p.ep) && !other(given.gpus, p.gpus))
        return;
    std::string message("ran with tp ");
    message.append(shortest(p.tp.value_or(1))).append(", attention dp ");
    message.append(shortest(p.attention_dp.value_or(1))).append(", ep ").append(shortest(p.ep.value_or(1)));
    throw InputError(r.where(), {}, message.append(", another layout is given"),
                     "leave --tp and the rest out");
}

/// Sizes that the server reported.
void from_server_info(const Reader& r, MeasuredPoint& p) {
    const auto found = table_if_any(r, "server_info");
    if (!found) return;
    const Reader& info = *found;
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

MeasuredPoint from_sglang(const Reader& r, const Beside& beside, const std::string& file) {
    MeasuredPoint p = started(beside, file, "sglang.bench_serving");
    const std::string backend = text_if_any(r, "backend");   // server_info comes from SGLang's server alone
    set_engine(p, beside, backend.empty() && table_if_any(r, "server_info") ? "sglang" : backend);
    from_server_info(r, p);
    set_lengths(r, p);
    p.prompts = optional(r, "completed");
    set_load(p, r.where(), finite_rate(r, beside), optional(r, "max_concurrency"));
    const double output = r.number("output_throughput", positive);
    set_throughput(p, output, total_throughput(r, "total_throughput", output), r.where());
    p.ttft_ms = r.number("mean_ttft_ms", positive);
    p.tpot_ms = r.number("mean_tpot_ms", non_negative);
    p.e2e_ms = optional(r, "mean_e2e_latency_ms");
    const Number accepted = optional(r, "accept_length");
    p.speculative = accepted && *accepted > 1;
    return p;
}

// --- aggregated InferenceX --------------------------------------------------------------------------------------------

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

MeasuredPoint from_inferencex(const Reader& r, const Beside& beside, const std::string& file) {
    MeasuredPoint p = started(beside, file, "InferenceX");
    set_if_empty(p.gpu, r.text("hw"));
    set_if_empty(p.model, r.text("model"));
    set_engine(p, beside, r.text("framework"));
    p.disaggregated = r.flag("disagg");
    p.speculative = r.text_or("spec_decoding", "none") != "none";
    p.isl = r.number("isl", positive);
    p.osl = r.number("osl", positive);
    p.spread_lengths = true;   // lengths are drawn from 0.8 to 1.0 of these
    set_load(p, r.where(), std::nullopt, r.number("conc", positive));
    if (p.disaggregated) p.scenario = "disagg";
    set_inferencex_layout(r, p);
    refuse_other_layout(r, beside.known, p);
    // Of disaggregated runs the file counts decode GPUs alone.
    const double share = p.disaggregated ? r.number("num_decode_gpu", positive) / *p.gpus : 1;
    p.output_per_gpu = r.number("output_tput_per_gpu", positive) * share;
    p.total_per_gpu = r.number("tput_per_gpu", positive);
    if (*p.output_per_gpu > *p.total_per_gpu) r.fail("output_tput_per_gpu", "is more than tput_per_gpu");
    p.ttft_ms = r.number("mean_ttft", positive) * 1e3;
    p.tpot_ms = r.number("mean_tpot", non_negative) * 1e3;
    const Number e2e = optional(r, "mean_e2el");
    if (e2e) p.e2e_ms = *e2e * 1e3;
    return p;
}

// --- which of them ----------------------------------------------------------------------------------------------------

void add_object(const Document& d, const Beside& beside, std::vector<MeasuredPoint>& points) {
    const Reader r(d);
    if (r.has("benchmarks")) {
        for (const Reader& b : r.tables("benchmarks")) points.push_back(from_guidellm(b, beside, d.file));
    } else if (r.has("tput_per_gpu"))
        points.push_back(from_inferencex(r, beside, d.file));
    else if (r.has("time_to_first_token") || r.has("inter_token_latency"))
        points.push_back(from_aiperf(r, beside, d.file));
    else if (r.has("total_throughput") || r.has("mean_e2e_latency_ms") || r.has("input_throughput"))
        points.push_back(from_sglang(r, beside, d.file));
    else if (r.has("total_token_throughput") || r.has("mean_ttft_ms"))
        points.push_back(from_vllm(r, beside, d.file));
    else
        throw InputError({d.file}, {}, "is no benchmark result we know",
                         "vllm bench serve, sglang.bench_serving, AIPerf, genai-perf, GuideLLM, InferenceX");
}

void add_document(Document d, const Beside& beside, std::vector<MeasuredPoint>& points) {
    auto* list = std::get_if<Value::Array>(&d.root.content);
    if (list == nullptr) return add_object(d, beside, points);
    for (Value& item : *list) add_object({d.file, std::move(item)}, beside, points);
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
                                          const MeasuredPoint& known, std::vector<std::string>* warnings) {
    const Beside beside{known, warnings};
    if (text.starts_with("Metric,avg")) return from_aiperf_csv(text, file, beside);
    std::vector<MeasuredPoint> points;
    const bool lines = is_lines(text);
    while (lines && !text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        if (line.find('{') != std::string_view::npos) add_document(parse_json(line, file), beside, points);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (!lines) add_document(parse_json(text, file), beside, points);
    for (std::size_t i = 0; points.size() > 1 && i < points.size(); ++i)
        points[i].id.append("-").append(std::to_string(i + 1));
    return points;
}

}   // namespace moecost
