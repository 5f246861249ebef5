// SPDX-License-Identifier: Apache-2.0
#include "moecost/sweep/fields.h"

#include <array>
#include <limits>

namespace moecost {
namespace {

using View = const PointView&;

/// Prices and energies of tokens that do not flow have no value.
double where_positive(double value) { return value > 0 ? value : std::numeric_limits<double>::quiet_NaN(); }

const Layout& layout(View p) { return p.scenario->layout; }
const Traffic& traffic(View p) { return p.scenario->traffic; }
const EngineSettings& engine(View p) { return p.scenario->engine; }
const Serving& serving(View p) { return p.estimate->serving; }
const MemoryPlan& memory(View p) { return p.estimate->memory; }
const Cost& cost(View p) { return p.estimate->cost; }

constexpr auto in = FieldStage::input;
constexpr auto out = FieldStage::result;

constexpr Field table[] = {
    {"model", "model", in, nullptr, [](View p) -> std::string_view { return p.scenario->architecture.name; }},
    {"family", "family", in, nullptr, [](View p) -> std::string_view { return p.description->family; }},
    {"gpu", "accelerator", in, nullptr,
     [](View p) -> std::string_view { return p.scenario->cluster.gpu.id; }},
    {"cluster", "cluster", in, nullptr, [](View p) -> std::string_view { return p.scenario->cluster.id; }},
    {"engine", "engine", in, nullptr, [](View p) -> std::string_view { return p.scenario->profile.engine; }},
    {"weights", "format of the routed experts", in, nullptr,
     [](View p) { return info(p.scenario->precision.routed_experts).name; }},
    {"kv", "format of the KV cache", in, nullptr,
     [](View p) { return info(p.scenario->precision.kv_cache).name; }},
    {"load", "load", in, nullptr, [](View p) { return name_of(traffic(p).load); }},
    {"price_basis", "price basis", in, nullptr,
     [](View p) -> std::string_view { return p.scenario->price.basis; }},
    // The GPUs of all replicas: as given, where the degrees disagree with them.
    {"gpus", "GPUs", in,
     [](View p) {
         return p.description->gpus ? *p.description->gpus
                                    : double{1} * layout(p).gpus() * layout(p).replicas;
     }},
    {"tp", "tensor parallelism", in, [](View p) { return double{1} * layout(p).tp; }},
    {"pp", "pipeline stages", in, [](View p) { return double{1} * layout(p).pp; }},
    {"ep", "expert parallelism", in, [](View p) { return double{1} * layout(p).ep; }},
    {"attention_dp", "attention data parallelism", in,
     [](View p) { return double{1} * layout(p).attention_dp; }},
    {"replicas", "replicas", in, [](View p) { return double{1} * layout(p).replicas; }},
    {"isl", "prompt length (tokens)", in, [](View p) { return traffic(p).input; }},
    {"osl", "output length (tokens)", in, [](View p) { return traffic(p).output; }},
    {"cached", "share of prompt tokens in the prefix cache", in,
     [](View p) { return traffic(p).prefix_hit_rate; }},
    {"requests", "requests in flight per instance", in, [](View p) { return traffic(p).requests; }},
    {"chunk", "prompt tokens of a step", in, [](View p) { return engine(p).chunk_tokens; }},
    {"max_sequences", "running sequences of a rank", in, [](View p) { return engine(p).max_sequences; }},
    {"memory_fraction", "memory share of the engine", in, [](View p) { return engine(p).memory_fraction; }},
    {"reserve_gb", "reserved memory (GB)", in, [](View p) { return engine(p).reserve.value() / 1e9; }},
    {"admission_steps", "steps between two polls", in, [](View p) { return engine(p).admission_steps; }},
    {"equal_lengths", "equal lengths", in, [](View p) { return traffic(p).equal_lengths ? 1.0 : 0.0; }},
    {"slo_ttft", "objective of the time to first token (s)", in,
     [](View p) { return p.scenario->slo.ttft_s; }},
    {"slo_tpot", "objective of the time per output token (s)", in,
     [](View p) { return p.scenario->slo.tpot_s; }},
    {"price", "price (USD per GPU-hour)", in, [](View p) { return p.scenario->price.usd_per_gpu_hour; }},
    {"blend", "input tokens per output token", in, [](View p) { return p.scenario->blend_input_parts; }},
    {"weights_gb", "weights of an instance (GB)", in,
     [](View p) { return p.scenario->weights.total().value() / 1e9; }},

    {"output_tokens_per_s", "output tokens/s per instance", out,
     [](View p) { return serving(p).output_tokens_per_s.value(); }},
    {"output_tokens_per_s_per_gpu", "output tokens/s per GPU", out,
     [](View p) { return serving(p).output_tokens_per_s.value() / layout(p).gpus(); }},
    {"input_tokens_per_s", "input tokens/s per instance", out,
     [](View p) { return serving(p).input_tokens_per_s.value(); }},
    {"tokens_per_s_per_gpu", "input and output tokens/s per GPU", out,
     [](View p) {
         return (serving(p).input_tokens_per_s + serving(p).output_tokens_per_s).value() / layout(p).gpus();
     }},
    {"tokens_per_s_per_user", "output tokens/s per user", out,
     [](View p) { return 1 / where_positive(serving(p).tpot.value()); }},
    {"requests_per_s", "requests/s per instance", out,
     [](View p) { return serving(p).requests_per_s.value(); }},
    {"ttft_s", "time to first token (s)", out, [](View p) { return serving(p).ttft.value(); }},
    {"ttft_queue_s", "of it waiting (s)", out, [](View p) { return serving(p).ttft_queue.value(); }},
    {"tpot_s", "time per output token (s)", out,
     [](View p) { return where_positive(serving(p).tpot.value()); }},
    {"e2e_s", "end-to-end time (s)", out, [](View p) { return serving(p).e2e.value(); }},
    {"running", "running sequences", out, [](View p) { return serving(p).running; }},
    {"prefill_share", "share of GPU time for prompts", out, [](View p) { return serving(p).prefill_share; }},
    {"decode_step_s", "decode step (s)", out, [](View p) { return serving(p).decode_time.total.value(); }},
    {"max_concurrency", "sequences that fit", out, [](View p) { return memory(p).max_concurrency; }},
    {"memory_weights_gb", "weights of a GPU (GB)", out,
     [](View p) { return memory(p).weights.value() / 1e9; }},
    {"memory_cache_gb", "KV cache of a GPU (GB)", out, [](View p) { return memory(p).cache.value() / 1e9; }},
    {"usd_per_mtok_output", "USD per million output tokens", out,
     [](View p) { return where_positive(cost(p).usd_per_mtok_output); }},
    {"usd_per_mtok_input", "USD per million input tokens", out,
     [](View p) { return where_positive(cost(p).usd_per_mtok_input); }},
    {"usd_per_mtok_cached", "USD per million cached tokens", out,
     [](View p) { return cost(p).usd_per_mtok_cached; }},
    {"usd_per_mtok_blended", "USD per million blended tokens", out,
     [](View p) { return where_positive(cost(p).usd_per_mtok_blended); }},
    {"usd_per_mtok_total", "USD per million tokens", out,
     [](View p) { return where_positive(cost(p).usd_per_mtok_total); }},
    {"usd_per_hour", "USD per hour of an instance", out, [](View p) { return cost(p).usd_per_hour; }},
    {"joules_per_output_token", "energy (J per output token)", out,
     [](View p) { return where_positive(cost(p).joules_per_output_token.value()); }},
    {"watts_per_gpu", "power of a GPU (W)", out, [](View p) { return cost(p).watts_per_gpu.value(); }},
    {"slo_met", "objectives met", out, [](View p) { return p.estimate->meets_slo ? 1.0 : 0.0; }},
    {"provenance", "provenance", out, nullptr, [](View p) { return name_of(p.estimate->provenance); }},
};

struct ShortForm {
    std::string_view alias;
    std::string_view name;
};
constexpr std::array<ShortForm, 14> short_forms{{
    {"input_tokens", "isl"},
    {"output_tokens", "osl"},
    {"prefix_hit_rate", "cached"},
    {"concurrency", "requests"},
    {"rate", "requests"},
    {"static_batch", "requests"},
    {"burst", "requests"},
    {"decode_only", "requests"},
    {"usd_per_gpu_hour", "price"},
    {"kv_cache", "kv"},
    {"ttft", "ttft_s"},
    {"tpot", "tpot_s"},
    {"e2e", "e2e_s"},
    {"usd_per_mtok", "usd_per_mtok_total"},
}};

}   // namespace

std::span<const Field> field_table() { return table; }

const Field* field_named(std::string_view name) {
    for (const ShortForm& form : short_forms) {
        if (form.alias == name) name = form.name;
    }
    for (const Field& field : table) {
        if (field.name == name) return &field;
    }
    return nullptr;
}

std::vector<std::string> field_names() {
    std::vector<std::string> names;
    for (const Field& field : table) names.emplace_back(field.name);
    for (const ShortForm& form : short_forms) names.emplace_back(form.alias);
    return names;
}

}   // namespace moecost
