// SPDX-License-Identifier: Apache-2.0
#include "moecost/measured/measured.h"

#include <algorithm>
#include <cmath>

namespace moecost {
namespace {

constexpr std::size_t max_points = 250'000;   // of about a kilobyte each, with what is compared with them

/// Typed access to the columns of one row; a column that the table lacks reads as empty.
class Row {
  public:
    Row(const CsvTable& table, std::size_t row) : table_(table), row_(row) {}
    [[nodiscard]] std::string text(std::string_view column) const {
        const auto c = table_.find_column(column);
        return c ? std::string(table_.text(row_, *c)) : std::string();
    }
    [[nodiscard]] std::optional<double> number(std::string_view column) const {
        const auto c = table_.find_column(column);
        if (!c || table_.text(row_, *c) == "inf") return std::nullopt;
        return table_.number(row_, *c);
    }
    [[nodiscard]] std::optional<double> positive(std::string_view column) const {
        return in(column, {0, 1e15}, "is not in 0..1e15");
    }
    /// How many of something; a table may state an average.
    [[nodiscard]] std::optional<double> count(std::string_view column) const {
        return in(column, {1, 1e9}, "is not in 1..1e9");
    }
    /// How many GPUs share something.
    [[nodiscard]] std::optional<double> degree(std::string_view column) const {
        const auto value = in(column, {1, 65536}, "is not a whole number in 1..65536");
        if (value && *value != std::floor(*value))
            table_.fail(row_, *table_.find_column(column), "is not a whole number in 1..65536");
        return value;
    }

  private:
    [[nodiscard]] std::optional<double> in(std::string_view column, Range range,
                                           std::string_view problem) const {
        const auto value = number(column);
        if (value && !(*value >= range.low && *value <= range.high))
            table_.fail(row_, *table_.find_column(column), problem);
        return value;
    }

    const CsvTable& table_;
    std::size_t row_;
};

bool set_to_one(const std::string& text) { return text == "1" || text == "true"; }

/// Tables of advanced runs describe a single instance by the columns of the decode pool, whose tp counts GPUs.
void describe_by_decode_pool(const Row& r, MeasuredPoint& p) {
    p.attention_dp = r.degree("decode_attention_dp").value_or(1);
    p.pp = r.degree("decode_pp");
    p.ep = r.degree("decode_ep");
    p.tp = *r.degree("decode_tp") / std::max(1.0, *p.attention_dp);
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
    p.speculative = set_to_one(r.text("mtp")) || mode.find("mtp") != std::string::npos;
    if (p.scenario.empty()) p.scenario = mode.starts_with("agg") ? "closed_loop" : mode;
    p.gpu = r.text("gpu");
    p.engine = r.text("engine");
    p.model = r.text("model");
    p.weights = r.text("weight_dtype");
    p.experts = r.text("moe_dtype");
    p.cache = r.text("kv_dtype");
    p.spread_lengths = r.text("length_spread").starts_with("uniform");
    p.suspect = set_to_one(r.text("suspect"));
    p.gpus = r.degree("num_gpus");
    p.isl = r.count("isl");
    p.osl = r.number("osl");   // 0 where a row is of prompts alone
    p.concurrency = r.count("concurrency");
    p.prompts = r.count("num_prompts");
    p.rate = r.positive("request_rate");
    p.tp = r.degree("tp");
    p.pp = r.degree("pp");
    p.ep = r.degree("ep");
    p.attention_dp = r.degree("attention_dp");
    p.draft_tokens = r.positive("mtp_draft_tokens");
    if (!p.disaggregated && r.degree("decode_tp")) describe_by_decode_pool(r, p);
    p.output_per_gpu = r.positive("out_tok_s_gpu");
    p.total_per_gpu = r.positive("total_tok_s_gpu");
    const auto mean = [&](std::string_view plain, std::string_view named) {
        const auto value = r.positive(plain);
        return value ? value : r.positive(named);
    };
    p.ttft_ms = mean("ttft_ms", "ttft_mean_ms");
    p.tpot_ms = mean("tpot_ms", "tpot_mean_ms");
    p.e2e_ms = mean("e2e_ms", "e2e_mean_ms");
    p.ttft_p99_ms = r.positive("ttft_p99_ms");
    p.tpot_p99_ms = r.positive("tpot_p99_ms");
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
    for (const std::string_view needed : {"id", "gpu", "engine", "model", "isl", "osl"})
        (void)table.column(needed);
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
        r.allow_only({"engine", "models", "gpus", "spread_lengths", "concurrency_below", "chunk_tokens",
                      "chunk_per_isl", "chunk_per_request", "chunk_extra", "admission_steps", "scenarios",
                      "draft_tokens", "gpus_above", "all_to_all", "since", "release", "source"});
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
        rule.release = r.text_or("release", "");
        rule.chunk_tokens = optional_number(r, "chunk_tokens");
        rule.admission_steps = optional_number(r, "admission_steps");
        rule.draft_tokens = optional_number(r, "draft_tokens");
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
        if (!contains(rule.scenarios, point.scenario)) continue;
        if (rule.gpus_above && point.gpus.value_or(0) <= *rule.gpus_above) continue;
        if (rule.spread_lengths && *rule.spread_lengths != point.spread_lengths) continue;
        if (rule.concurrency_below && requests >= *rule.concurrency_below) continue;
        if (point.date < rule.since) continue;
        if (!rule.exchange.empty()) s.exchange = rule.exchange;
        if (!rule.release.empty()) s.release = rule.release;
        if (rule.draft_tokens) s.draft_tokens = rule.draft_tokens;
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
