// SPDX-License-Identifier: Apache-2.0
#include "moecost/measured/columns.h"

#include <cmath>
#include <stdexcept>

#include "moecost/base/data.h"

namespace moecost {
namespace {

using enum ColumnKind;
constexpr bool needed = true, optional = false;

constexpr MeasuredColumn columns[] = {
    {"id", text, "", needed, "name of the row, in messages"},
    {"source", text, "", optional, "where the figures were published"},
    {"source_date", text, "", optional, "when, as 2026-11-30"},
    {"scenario", text, "", optional,
     "closed_loop, burst, request_rate, offline_max or static_batch; or mode"},
    {"mode", text, "", optional, "in place of scenario: agg or disagg, with _mtp where tokens are drafted"},
    {"gpu", text, "", needed, "accelerator (moecost list gpus)"},
    {"num_gpus", degree, "", optional, "GPUs of the deployment"},
    {"engine", text, "", needed, "vllm, sglang, trtllm"},
    {"engine_version", text, "", optional, "release of the engine"},
    {"image", text, "", optional, "container image of the engine"},
    {"also_in", text, "", optional, "another table that holds the row too: left out here"},
    {"model", text, "", needed, "model (moecost list models)"},
    {"model_path", text, "", optional, "checkpoint that was served, as the table names it"},
    {"weight_dtype", text, "", optional, "format of the weights"},
    {"moe_dtype", text, "", optional, "format of the routed experts"},
    {"kv_dtype", text, "", optional, "format of the KV cache"},
    {"isl", count, "tokens", needed, "prompt"},
    {"osl", number, "tokens", needed, "output; 0 where prompts alone were run"},
    {"length_spread", text, "", optional, "uniform...: lengths spread over 0.8 to 1.0 of nominal"},
    {"concurrency", count, "", optional, "requests in flight"},
    {"num_prompts", count, "", optional, "requests of the run"},
    {"request_rate", amount, "1/s", optional, "arrivals; inf is none"},
    {"tp", degree, "", optional, "tensor parallelism"},
    {"pp", degree, "", optional, "pipeline stages"},
    {"ep", degree, "", optional, "expert parallelism"},
    {"attention_dp", degree, "", optional, "ranks of data-parallel attention"},
    {"prefill_workers", degree, "", optional, "prefill and decode apart: workers that compute prompts"},
    {"prefill_tp", degree, "", optional, "GPUs of each"},
    {"prefill_pp", degree, "", optional, "its pipeline stages"},
    {"prefill_ep", amount, "", optional, "its expert parallelism; 0 or 1 is none"},
    {"prefill_attention_dp", degree, "", optional, "its ranks of data-parallel attention"},
    {"decode_workers", degree, "", optional, "workers that decode"},
    {"decode_tp", degree, "", optional, "tables of advanced runs: GPUs of an instance that decodes"},
    {"decode_pp", degree, "", optional, "its pipeline stages"},
    {"decode_ep", amount, "", optional, "its expert parallelism; 0 or 1 is none"},
    {"decode_attention_dp", degree, "", optional, "its ranks of data-parallel attention"},
    {"mtp", flag, "", optional, "tokens are drafted"},
    {"mtp_draft_tokens", amount, "tokens", optional, "how many a step"},
    {"out_tok_s_gpu", amount, "tokens/s", optional, "output per GPU"},
    {"total_tok_s_gpu", amount, "tokens/s", optional, "input and output per GPU"},
    {"ttft_ms", amount, "ms", optional, "time to first token, mean"},
    {"tpot_ms", amount, "ms", optional, "time per output token after the first, mean"},
    {"ttft_mean_ms", amount, "ms", optional, "the same as ttft_ms, of two pools"},
    {"tpot_mean_ms", amount, "ms", optional, "the same as tpot_ms, of two pools"},
    {"tpot_median_ms", amount, "ms", optional, "in place of a mean; throughput counts the whole run then"},
    {"e2e_ms", amount, "ms", optional, "whole request, mean"},
    {"e2e_mean_ms", amount, "ms", optional, "in place of e2e_ms"},
    {"ttft_p99_ms", amount, "ms", optional, "time to first token, 99th percentile"},
    {"tpot_p99_ms", amount, "ms", optional, "time per output token, 99th percentile"},
    {"suspect", flag, "", optional, "the row contradicts itself or its neighbours: left out"},
};

struct KindRow {
    ColumnKind kind;
    std::string_view name, problem;
    Range range;
};
constexpr KindRow kinds[] = {
    {text, "text", "", {}},
    {flag, "flag", "", {}},
    {number, "number", "is not a number", {-1e300, 1e300}},
    {amount, "amount", "is not in 0..1e15", {0, 1e15}},
    {count, "count", "is not in 1..1e9", {1, 1e9}},
    {degree, "whole", "is not a whole number in 1..65536", {1, 65536}},
};

constexpr const KindRow& row_of(ColumnKind kind) { return kinds[static_cast<std::size_t>(kind)]; }

}   // namespace

std::span<const MeasuredColumn> measured_columns() { return columns; }

const MeasuredColumn& measured_column(std::string_view name) {
    for (const MeasuredColumn& c : columns) {
        if (c.name == name) return c;
    }
    throw std::logic_error(std::string("no measured column is named ").append(name));
}

bool allows(const MeasuredColumn& column, double value) {
    const Range range = row_of(column.kind).range;
    const bool whole = column.kind != degree || value == std::floor(value);
    return whole && value >= range.low && value <= range.high;
}

std::string_view allowed_text(const MeasuredColumn& column) { return row_of(column.kind).problem; }

std::string_view name_of(ColumnKind kind) { return row_of(kind).name; }

}   // namespace moecost
