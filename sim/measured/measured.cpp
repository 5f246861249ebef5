// SPDX-License-Identifier: Apache-2.0
#include "moecost/measured/measured.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "moecost/measured/columns.h"

namespace moecost {
namespace {

constexpr std::size_t max_points = 250'000;   // of about a kilobyte each, with what is compared with them

/// Typed access to the columns of one row, by the table of columns; one that the file lacks reads as empty.
class Row {
  public:
    Row(const CsvTable& table, std::size_t row) : table_(table), row_(row) {}
    [[nodiscard]] std::string text(std::string_view name) const {
        const auto c = table_.find_column(measured_column(name).name);
        return c ? std::string(table_.text(row_, *c)) : std::string();
    }
    [[nodiscard]] bool flag(std::string_view name) const {
        const std::string written = text(name);
        return written == "1" || written == "true";
    }
    [[nodiscard]] std::optional<double> number(std::string_view name) const {
        const MeasuredColumn& column = measured_column(name);
        const auto c = table_.find_column(name);
        if (!c || table_.text(row_, *c) == "inf") return std::nullopt;
        const auto value = table_.number(row_, *c);
        if (value && !allows(column, *value)) table_.fail(row_, *c, allowed_text(column));
        return value;
    }

  private:
    const CsvTable& table_;
    std::size_t row_;
};

/// Tables of advanced runs describe a single instance by the columns of the decode pool, whose tp counts GPUs.
void describe_by_decode_pool(const Row& r, MeasuredPoint& p) {
    p.attention_dp = r.number("decode_attention_dp").value_or(1);
    p.pp = r.number("decode_pp");
    p.ep = r.number("decode_ep");
    p.tp = *r.number("decode_tp") / std::max(1.0, *p.attention_dp);
}

/// Nothing where the number of workers or their GPUs is not known.
std::optional<MeasuredPool> pool_of(const Row& r, std::string_view phase) {
    const auto column = [&](std::string_view name) { return std::string(phase).append("_").append(name); };
    const auto workers = r.number(column("workers"));
    const auto gpus = r.number(column("tp"));   // tp of these tables counts all GPUs of a worker
    if (!workers || !gpus) return std::nullopt;
    std::optional<double> ep = r.number(column("ep"));
    if (ep && *ep < 1) ep = 1;   // some tables write none so
    return MeasuredPool{*workers, *gpus, r.number(column("pp")).value_or(1),
                        r.number(column("attention_dp")).value_or(1), ep};
}

/// Throughput counted over a whole run holds its end, when fewer requests are in flight: by throughput times latency over
/// the requests asked for, of runs whose means are known, 0.976 in the median of aggregated and 0.960 of disaggregated
/// ones (InferenceX records, 2026-05 and 2026-06).
constexpr double in_flight_together = 0.976, in_flight_apart = 0.96;

/// Tables of whole runs state medians. Time per output token hardly differs between mean and median (1.000 up to 8
/// requests in flight, 0.990 above 32); time to first token does.
void describe_whole_run(const Row& r, MeasuredPoint& p) {
    const auto median = r.number("tpot_median_ms");
    if (!median) return;
    p.in_flight_share = p.disaggregated ? in_flight_apart : in_flight_together;
    if (!p.tpot_ms) p.tpot_ms = median;
}

void describe_apart(const Row& r, MeasuredPoint& p) {
    p.prefill = pool_of(r, "prefill");
    p.decode = pool_of(r, "decode");
    p.scenario = "closed_loop";
    // Data-parallel attention without whole experts recorded: one rank each would not hold the model.
    for (auto* pool : {&p.prefill, &p.decode}) {
        if (*pool && p.engine == "vllm" && (*pool)->gpus > 8 && (*pool)->attention_dp == 1)
            (*pool)->attention_dp = (*pool)->gpus;
    }
}

/// "realised means 2046/62": what the requests came to, where the nominal lengths are limits.
void use_realised_means(const std::string& spread, MeasuredPoint& p) {
    constexpr std::string_view head = "realised means ";
    if (!spread.starts_with(head)) return;
    const std::size_t slash = spread.find('/', head.size());
    if (slash == std::string::npos) return;
    const double input = std::atof(spread.c_str() + head.size());
    const double output = std::atof(spread.c_str() + slash + 1);
    if (input < 1 || output < 1) return;
    p.isl = input;
    p.osl = output;
}

MeasuredPoint point_of(const Row& r) {
    MeasuredPoint p;
    p.id = r.text("id");
    p.source = r.text("source");
    p.date = r.text("source_date");
    p.scenario = r.text("scenario");
    const std::string mode = r.text("mode");
    p.disaggregated = mode.starts_with("disagg");
    p.version = r.text("engine_version");
    p.image = r.text("image");
    p.repeated = !r.text("also_in").empty();
    p.speculative = r.flag("mtp") || mode.find("mtp") != std::string::npos;
    if (p.scenario.empty()) p.scenario = mode.starts_with("agg") ? "closed_loop" : mode;
    p.gpu = r.text("gpu");
    p.engine = r.text("engine");
    p.model = r.text("model");
    p.path = r.text("model_path");
    p.weights = r.text("weight_dtype");
    p.experts = r.text("moe_dtype");
    p.cache = r.text("kv_dtype");
    p.spread_lengths = r.text("length_spread").starts_with("uniform");
    p.suspect = r.flag("suspect");
    p.gpus = r.number("num_gpus");
    p.isl = r.number("isl");
    p.osl = r.number("osl");   // 0 where a row is of prompts alone
    p.concurrency = r.number("concurrency");
    p.prompts = r.number("num_prompts");
    p.rate = r.number("request_rate");
    p.tp = r.number("tp");
    p.pp = r.number("pp");
    p.ep = r.number("ep");
    p.attention_dp = r.number("attention_dp");
    p.draft_tokens = r.number("mtp_draft_tokens");
    if (!p.disaggregated && r.number("decode_tp")) describe_by_decode_pool(r, p);
    p.output_per_gpu = r.number("out_tok_s_gpu");
    p.total_per_gpu = r.number("total_tok_s_gpu");
    const auto mean = [&](std::string_view plain, std::string_view named) {
        const auto value = r.number(plain);
        return value ? value : r.number(named);
    };
    p.ttft_ms = mean("ttft_ms", "ttft_mean_ms");
    p.tpot_ms = mean("tpot_ms", "tpot_mean_ms");
    p.e2e_ms = mean("e2e_ms", "e2e_mean_ms");
    p.ttft_p99_ms = r.number("ttft_p99_ms");
    p.tpot_p99_ms = r.number("tpot_p99_ms");
    use_realised_means(r.text("length_spread"), p);
    if (p.disaggregated) describe_apart(r, p);
    describe_whole_run(r, p);
    return p;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
    return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

std::optional<double> optional_number(const Reader& r, std::string_view key) {
    if (!r.has(key)) return std::nullopt;
    return r.number(key, non_negative);
}

}   // namespace

std::vector<MeasuredPoint> read_points(const CsvTable& table) {
    for (const MeasuredColumn& c : measured_columns()) {
        if (c.needed) (void)table.column(c.name);
    }
    if (!table.find_column("scenario") && !table.find_column("mode")) (void)table.column("scenario");
    if (table.rows() > max_points) table.fail(max_points, 0, "more than 250,000 measured rows");
    std::vector<MeasuredPoint> points;
    points.reserve(table.rows());
    for (std::size_t row = 0; row < table.rows(); ++row) points.push_back(point_of(Row(table, row)));
    return points;
}

Recipes::Recipes(const Document& document) {
    const Reader reader(document);
    reader.allow_only({"schema", "rule"});
    for (const Reader& r : reader.tables("rule")) {
        r.allow_only({"engine",
                      "models",
                      "gpus",
                      "spread_lengths",
                      "concurrency_below",
                      "chunk_tokens",
                      "chunk_per_isl",
                      "chunk_per_request",
                      "chunk_extra",
                      "admission_steps",
                      "scenarios",
                      "draft_tokens",
                      "gpus_above",
                      "all_to_all",
                      "acceptance",
                      "apart",
                      "redundant_experts",
                      "cache",
                      "expert_weights",
                      "paths",
                      "left_out",
                      "since",
                      "until",
                      "release",
                      "memory_fraction",
                      "output_reserve",
                      "cache_tokens",
                      "attention",
                      "step_time",
                      "source"});
        Rule rule;
        rule.engine = r.text("engine");
        if (r.has("models")) rule.models = r.texts("models");
        if (r.has("gpus")) rule.gpus = r.texts("gpus");
        if (r.has("scenarios")) rule.scenarios = r.texts("scenarios");
        if (r.has("spread_lengths")) rule.spread_lengths = r.flag("spread_lengths");
        rule.concurrency_below = optional_number(r, "concurrency_below");
        rule.gpus_above = optional_number(r, "gpus_above");
        rule.exchange = r.text_or("all_to_all", "");
        rule.since = r.text_or("since", "");
        rule.until = r.text_or("until", "9999");
        rule.release = r.text_or("release", "");
        rule.cache = r.text_or("cache", "");
        rule.left_out = r.text_or("left_out", "");
        if (r.has("paths")) rule.paths = r.texts("paths");
        rule.weights = r.text_or("expert_weights", "");
        rule.chunk_tokens = optional_number(r, "chunk_tokens");
        rule.admission_steps = optional_number(r, "admission_steps");
        rule.draft_tokens = optional_number(r, "draft_tokens");
        rule.acceptance = optional_number(r, "acceptance");
        rule.redundant_experts = optional_number(r, "redundant_experts");
        rule.memory_fraction = optional_number(r, "memory_fraction");
        rule.output_reserve = optional_number(r, "output_reserve");
        rule.cache_tokens = optional_number(r, "cache_tokens");
        rule.step_time = optional_number(r, "step_time");
        rule.attention = r.text_or("attention", "");
        if (r.has("apart")) rule.apart = r.flag("apart");
        rule.chunk_per_isl = r.number_or("chunk_per_isl", 0, non_negative);
        rule.chunk_per_request = r.number_or("chunk_per_request", 0, non_negative);
        rule.chunk_extra = r.number_or("chunk_extra", 0, non_negative);
        (void)r.text("source");
        rules_.push_back(std::move(rule));
    }
}

RecipeSettings Recipes::settings(const MeasuredPoint& point, const std::string& model,
                                 const std::string& gpu) const {
    RecipeSettings s;
    const double requests = point.concurrency.value_or(0);
    for (const Rule& rule : rules_) {
        if (rule.engine != point.engine || !contains(rule.models, model) || !contains(rule.gpus, gpu))
            continue;
        if (!contains(rule.scenarios, point.scenario) || !contains(rule.paths, point.path)) continue;
        if (rule.apart && *rule.apart != point.disaggregated) continue;
        if (rule.gpus_above && point.gpus.value_or(0) <= *rule.gpus_above) continue;
        if (rule.spread_lengths && *rule.spread_lengths != point.spread_lengths) continue;
        if (rule.concurrency_below && requests >= *rule.concurrency_below) continue;
        if (!rule.weights.empty() && rule.weights != point.experts) continue;
        if (point.date < rule.since || point.date > rule.until) continue;
        if (!rule.release.empty()) s.release = rule.release;
        if (!rule.exchange.empty()) s.exchange = rule.exchange;
        if (!rule.cache.empty()) s.cache = rule.cache;
        if (!rule.left_out.empty()) s.left_out = rule.left_out;
        if (rule.draft_tokens) s.draft_tokens = rule.draft_tokens;
        if (rule.redundant_experts) s.redundant_experts = rule.redundant_experts;
        if (rule.acceptance) s.acceptance = rule.acceptance;
        if (rule.memory_fraction) s.memory_fraction = rule.memory_fraction;
        if (rule.output_reserve) s.output_reserve = rule.output_reserve;
        if (rule.cache_tokens) s.cache_tokens = rule.cache_tokens;
        if (rule.step_time) s.step_time = rule.step_time;
        if (!rule.attention.empty()) s.attention = rule.attention;
        if (rule.admission_steps) s.admission_steps = rule.admission_steps;
        if (rule.chunk_tokens) {
            const double formula =
                rule.chunk_per_isl * point.isl.value_or(0) + rule.chunk_per_request * requests;
            s.chunk_tokens = std::max(*rule.chunk_tokens, formula + rule.chunk_extra);
        }
    }
    return s;
}

}   // namespace moecost
