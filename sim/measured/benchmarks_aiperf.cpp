// SPDX-License-Identifier: Apache-2.0
// AIPerf and genai-perf (JSON or CSV), GuideLLM.
#include <algorithm>
#include <map>

#include "moecost/base/written_number.h"
#include "moecost/measured/benchmark_point.h"

namespace moecost::bench {
namespace {

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

/// The first of these names that the configuration, or the endpoint in it, has: its place differs between versions.
std::string configured(const std::optional<Reader>& config, std::initializer_list<std::string_view> names) {
    if (!config) return {};
    const auto endpoint = table_if_any(*config, "endpoint");
    for (const std::string_view name : names) {
        for (const auto& table : {endpoint, config}) {
            std::string text = table ? text_if_any(*table, name) : std::string();
            if (!text.empty()) return text;
        }
    }
    return {};
}

/// genai-perf names a backend of Triton, by default even where it spoke to another service; AIPerf names none.
std::string backend_of(const std::optional<Reader>& config) {
    const std::string service = configured(config, {"service_kind"});
    return service.empty() || service.find("triton") != std::string::npos ? configured(config, {"backend"})
                                                                          : service;
}

Number errors_of(const Reader& r) {
    if (r.has("error_request_count")) return average(r, "error_request_count", false);
    if (!r.has("error_summary")) return std::nullopt;
    double sum = 0;
    for (const Reader& kind : r.tables("error_summary")) sum += optional(kind, "count").value_or(0);
    return sum;
}

double successful_mean(const Reader& metrics, std::string_view name) {
    return metrics.table(name).table("successful").number("mean", non_negative);
}

}   // namespace

MeasuredPoint from_aiperf(const Reader& r, const Beside& beside, const std::string& file) {
    MeasuredPoint p = started(beside, file, r.has("aiperf_version") ? "aiperf" : "genai-perf or aiperf");
    const Value* raw = r.raw("input_config");
    const std::optional<Reader> config = table_if_any(r, "input_config");
    if (p.model.empty()) p.model = configured(config, {"model_names", "model"});
    set_engine(p, beside, backend_of(config));
    p.date = r.text_or("start_time", "").substr(0, 10);
    p.isl = needed(r, "input_sequence_length");
    p.osl = needed(r, "output_sequence_length");
    p.suspect =
        many_failed(errors_of(r), average(r, "request_count", false)) || r.flag_or("was_cancelled", false);
    set_load(p, r.where(), raw != nullptr ? buried(*raw, "request_rate") : std::nullopt,
             raw != nullptr ? buried(*raw, "concurrency") : std::nullopt);
    need_load(p, r.where());
    set_throughput(p, needed(r, "output_token_throughput"), std::nullopt, r.where());
    p.ttft_ms = needed(r, "time_to_first_token", true);
    p.tpot_ms = needed(r, "inter_token_latency", true);
    p.e2e_ms = average(r, "request_latency", true);
    return p;
}

std::vector<MeasuredPoint> from_aiperf_csv(std::string_view text, const std::string& file,
                                           const Beside& beside) {
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
    MeasuredPoint p = started(beside, file, "aiperf");
    p.isl = value_of("Input Sequence Length");
    p.osl = value_of("Output Sequence Length");
    const auto count_of = [&](std::string_view name) {
        const auto it = values.find(name);
        return it == values.end() ? Number() : Number(it->second);
    };
    p.suspect = many_failed(count_of("Error Request Count"), count_of("Request Count"));
    set_load(p, {file}, std::nullopt, std::nullopt);
    need_load(p, {file});
    set_throughput(p, value_of("Output Token Throughput"), std::nullopt, {file});
    p.ttft_ms = value_of("Time to First Token");
    p.tpot_ms = value_of("Inter Token Latency");
    p.e2e_ms = value_of("Request Latency");
    return {p};
}

MeasuredPoint from_guidellm(const Reader& b, const Beside& beside, const std::string& file) {
    MeasuredPoint p = started(beside, file, "guidellm");
    const Reader strategy = b.table("config").table("strategy");
    const std::string kind = strategy.text("type_");
    const Reader metrics = b.table("metrics");
    if (kind == "synchronous")
        set_load(p, b.where(), std::nullopt, 1);
    else if (kind == "concurrent")
        set_load(p, b.where(), std::nullopt, strategy.number("streams", positive));
    else if (kind == "constant" || kind == "poisson")
        set_load(p, b.where(), strategy.number("rate", positive), std::nullopt);
    else if (kind == "throughput")
        set_load(p, b.where(), std::nullopt, optional(strategy, "max_concurrency"));
    else
        strategy.fail("type_", std::string("'").append(kind).append("' is no load we know"));
    p.isl = successful_mean(metrics, "prompt_token_count");
    p.osl = successful_mean(metrics, "output_token_count");
    const Reader totals = metrics.table("request_totals");
    p.prompts = totals.number("successful", non_negative);
    p.suspect = many_failed(optional(totals, "errored"), p.prompts);
    // Output tokens per second of this format are means over requests; of the run: requests per second times tokens.
    set_throughput(p, successful_mean(metrics, "requests_per_second") * *p.osl, std::nullopt, b.where());
    p.ttft_ms = successful_mean(metrics, "time_to_first_token_ms");
    p.tpot_ms = successful_mean(metrics, "inter_token_latency_ms");
    p.e2e_ms = successful_mean(metrics, "request_latency") * 1e3;
    return p;
}

}   // namespace moecost::bench
