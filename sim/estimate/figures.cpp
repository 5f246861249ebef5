// SPDX-License-Identifier: Apache-2.0
#include "moecost/estimate/figures.h"

#include <limits>

namespace moecost {
namespace {

using At = const View&;

constexpr double hours_per_month = 730;   // 8760 / 12
constexpr double no_number = std::numeric_limits<double>::quiet_NaN();

/// Prices and energies of tokens that do not flow have no value, nor have prices where the rent is not known.
double where_positive(double value) { return value > 0 ? value : no_number; }

const Pool& pool(At v) { return v.scenario->pool(); }
const Traffic& traffic(At v) { return v.scenario->traffic; }
const Serving& serving(At v) { return v.estimate->serving; }
const MemoryPlan& memory(At v) { return v.estimate->memory; }
const Cost& cost(At v) { return v.estimate->cost; }
double replicas(At v) { return v.estimate->replicas; }
/// Two pools count as one instance.
double instance_gpus(At v) {
    return v.scenario->two_pools() ? v.scenario->gpus() : double{1} * pool(v).layout.gpus();
}
const PoolsEstimate* pools(At v) { return v.estimate->pools ? &*v.estimate->pools : nullptr; }
/// A figure of two pools; no number where there is one.
template <auto figure>
double of_pools(At v) {
    return pools(v) != nullptr ? figure(*pools(v)) : no_number;
}
template <double TwoPoolsAnswer::*capacity>
double share_of(At v) {
    return pools(v) != nullptr ? pools(v)->answer.rate / (pools(v)->answer.*capacity) : no_number;
}
/// A capacity; no number where a pool has nothing to do.
double limited(double capacity) { return capacity < no_limit ? capacity : no_number; }
double slots(At v) { return pools(v) != nullptr ? pools(v)->slots : replicas(v) * memory(v).max_concurrency; }
/// Dollars of a GPU-hour, the mean of both pools.
double rent_of_gpu(At v) {
    double dollars = 0;
    for (const Pool& p : v.scenario->pools) {
        if (!p.price.known()) return no_number;
        dollars += p.gpus() * p.price.usd_per_gpu_hour;
    }
    return dollars / v.scenario->gpus();
}
const OnePool* one_pool(At v) {
    return pools(v) != nullptr && pools(v)->one_pool.known() ? &pools(v)->one_pool : nullptr;
}

Interval times(const Interval& i, double factor) { return {i.low * factor, i.high * factor}; }

template <double Cost::*figure>
double price(At v) {
    return where_positive(cost(v).*figure);
}
template <Seconds Serving::*figure>
double latency(At v) {
    return where_positive((serving(v).*figure).value());
}
template <Bytes MemoryPlan::*figure>
double bytes(At v) {
    return (memory(v).*figure).value();
}

/// What memory can hold, where somebody asked.
template <double Capacity::*figure>
double capacity(At v) {
    return v.estimate->capacity ? (*v.estimate->capacity).*figure : no_number;
}

/// p10 to p90 of a figure that is off as throughput, TPOT or TTFT is.
template <double (*figure)(At), double LogSpread::*sd>
Interval about(At v) {
    return interval_about(figure(v), v.estimate->spread.*sd);
}
constexpr auto of_speed = &LogSpread::throughput;

double output_rate(At v) { return serving(v).output_tokens_per_s.value(); }
double input_rate(At v) { return serving(v).input_tokens_per_s.value(); }

double all_in_price(At v) {
    return where_positive(cost(v).usd_per_hour / 3600 / where_positive(output_rate(v)) * 1e6);
}
double all_input(At v) { return replicas(v) * input_rate(v); }
double tokens_per_gpu(At v) {
    return (serving(v).input_tokens_per_s + serving(v).output_tokens_per_s).value() / instance_gpus(v);
}
double all_requests(At v) { return replicas(v) * serving(v).requests_per_s.value(); }
double whole_request(At v) { return serving(v).e2e.value(); }
double judged_ttft(At v) { return v.scenario->slo.ttft_s > 0 ? v.estimate->ttft_of_slo.value() : no_number; }
double judged_tpot(At v) { return v.scenario->slo.tpot_s > 0 ? v.estimate->tpot_of_slo.value() : no_number; }
double energy_of_token(At v) { return where_positive(cost(v).joules_per_output_token.value()); }

std::string_view bound_of(const std::optional<StepBreakdown>& step) {
    return step ? bound_names[largest(step->spent)] : std::string_view();
}

/// A percentile of one of the latencies; nothing where no distribution is known.
template <Latency ServingLatency::*of, int level>
double tail(At v) {
    const auto& l = v.estimate->latency;
    return l ? where_positive(((*l).*of).quantile(level / 100.0).value()) : no_number;
}
/// Of loads that arrive at a rate: their capacity is another than what they are given.
bool has_capacity(At v) {
    const Load& load = traffic(v).load;
    const bool arriving = std::holds_alternative<OpenLoop>(load) || std::holds_alternative<Replay>(load);
    return arriving && v.estimate->latency && v.estimate->latency->load > 0;
}
bool has_objective(At v) {
    return v.estimate->latency && (v.scenario->slo.ttft_s > 0 || v.scenario->slo.tpot_s > 0);
}

using Kind = FigureKind;
using Group = FigureGroup;
using Scope = FigureScope;
using Stage = FigureStage;

constexpr std::string_view money = "Dollars per million tokens";
constexpr std::string_view throughput = "Throughput";
constexpr std::string_view latencies = "Latency, mean";
constexpr std::string_view percentiles = "Latency, percentiles";
constexpr std::string_view of_load = "Load";
constexpr std::string_view deployment = "Deployment";
constexpr std::string_view apart = "Prefill and decode apart";
constexpr std::string_view sequences = "Sequences";
constexpr std::string_view of_memory = "Memory of a GPU";
constexpr std::string_view holds = "What memory can hold";
constexpr std::string_view energy = "Energy";
constexpr std::string_view bounds = "What bounds it";
constexpr std::string_view rests = "What it rests on";

constexpr Figure table[] = {
    {"usd_per_mtok_output", "output", money, "USD per million output tokens", Kind::usd_per_mtok, Group::cost,
     Scope::token, Stage::result, price<&Cost::usd_per_mtok_output>, nullptr,
     [](At v) { return v.estimate->usd_per_mtok_output; }, true},
    {"usd_per_mtok_input", "input", money, "USD per million input tokens", Kind::usd_per_mtok, Group::cost,
     Scope::token, Stage::result, price<&Cost::usd_per_mtok_input>, nullptr,
     about<price<&Cost::usd_per_mtok_input>, of_speed>},
    {"usd_per_mtok_cached", "input read from the prefix cache", money, "USD per million cached tokens",
     Kind::usd_per_mtok, Group::cost, Scope::token, Stage::result, price<&Cost::usd_per_mtok_cached>, nullptr,
     about<price<&Cost::usd_per_mtok_cached>, of_speed>},
    {"usd_per_mtok_blended", "blended", money, "USD per million blended tokens", Kind::usd_per_mtok, Group::cost,
     Scope::token, Stage::result, price<&Cost::usd_per_mtok_blended>, nullptr,
     about<price<&Cost::usd_per_mtok_blended>, of_speed>},
    {"usd_per_mtok_total", "all tokens of this traffic", money, "USD per million tokens", Kind::usd_per_mtok,
     Group::cost, Scope::token, Stage::result, price<&Cost::usd_per_mtok_total>, nullptr,
     about<price<&Cost::usd_per_mtok_total>, of_speed>, false,
     "usd_per_mtok"},
    {"usd_per_mtok_output_all_in", "whole rent over output tokens", money, "USD per million output tokens, prompts included",
     Kind::usd_per_mtok, Group::cost, Scope::token, Stage::result,
     all_in_price, nullptr, about<all_in_price, of_speed>},

    {"output_tokens_per_s", "output", throughput, "output tokens/s", Kind::tokens_per_s, Group::serving,
     Scope::deployment, Stage::result, [](At v) { return replicas(v) * output_rate(v); }, nullptr,
     [](At v) { return times(v.estimate->output_tokens_per_s, replicas(v)); }, true},
    {"output_tokens_per_s_per_instance", "output, per instance", throughput, "output tokens/s per instance",
     Kind::tokens_per_s, Group::serving, Scope::instance, Stage::result, output_rate, nullptr,
     [](At v) { return v.estimate->output_tokens_per_s; }},
    {"output_tokens_per_s_per_gpu", "output, per GPU", throughput, "output tokens/s per GPU", Kind::tokens_per_s,
     Group::serving, Scope::gpu, Stage::result, [](At v) { return output_rate(v) / instance_gpus(v); }, nullptr,
     [](At v) { return times(v.estimate->output_tokens_per_s, 1 / instance_gpus(v)); }},
    {"tokens_per_s_per_user", "output, per user", throughput, "output tokens/s per user", Kind::tokens_per_s,
     Group::serving, Scope::request, Stage::result, [](At v) { return 1 / where_positive(serving(v).tpot.value()); },
     nullptr,
     [](At v) {
         const Interval& i = v.estimate->tpot_s;
         return i.known() ? Interval{1 / i.high, 1 / i.low} : Interval{};
     }},
    {"input_tokens_per_s", "input", throughput, "input tokens/s", Kind::tokens_per_s, Group::serving,
     Scope::deployment, Stage::result, all_input, nullptr, about<all_input, of_speed>},
    {"tokens_per_s_per_gpu", "input and output, per GPU", throughput, "input and output tokens/s per GPU",
     Kind::tokens_per_s, Group::serving, Scope::gpu, Stage::result,
     tokens_per_gpu, nullptr, about<tokens_per_gpu, of_speed>},
    {"requests_per_s", "requests", throughput, "requests/s", Kind::per_s, Group::serving, Scope::deployment,
     Stage::result, all_requests, nullptr, about<all_requests, of_speed>},

    {"tpot_s", "time per output token (TPOT)", latencies, "time per output token (s)", Kind::seconds, Group::serving,
     Scope::request, Stage::result, latency<&Serving::tpot>, nullptr, [](At v) { return v.estimate->tpot_s; }, true,
     "tpot"},
    {"ttft_s", "time to first token (TTFT)", latencies, "time to first token (s)", Kind::seconds, Group::serving,
     Scope::request, Stage::result, [](At v) { return serving(v).ttft.value(); }, nullptr,
     [](At v) { return v.estimate->ttft_s; }, true, "ttft"},
    {"ttft_queue_s", "of it, waiting for a slot", latencies, "of the time to first token, waiting (s)", Kind::seconds,
     Group::serving, Scope::request, Stage::result, [](At v) { return serving(v).ttft_queue.value(); }},
    {"e2e_s", "whole request (E2E)", latencies, "end-to-end time (s)", Kind::seconds, Group::serving, Scope::request,
     Stage::result, whole_request, nullptr, about<whole_request, of_speed>, false, "e2e"},
    {"ttft_p50_s", "TTFT p50", percentiles, "TTFT p50 (s)", Kind::seconds, Group::serving, Scope::request, Stage::tails,
     tail<&ServingLatency::ttft, 50>},
    {"ttft_p90_s", "TTFT p90", percentiles, "TTFT p90 (s)", Kind::seconds, Group::serving, Scope::request, Stage::tails,
     tail<&ServingLatency::ttft, 90>},
    {"ttft_p99_s", "TTFT p99", percentiles, "TTFT p99 (s)", Kind::seconds, Group::serving, Scope::request, Stage::tails,
     tail<&ServingLatency::ttft, 99>},
    {"tpot_p50_s", "TPOT p50", percentiles, "TPOT p50 (s)", Kind::seconds, Group::serving, Scope::request, Stage::tails,
     tail<&ServingLatency::tpot, 50>},
    {"tpot_p90_s", "TPOT p90", percentiles, "TPOT p90 (s)", Kind::seconds, Group::serving, Scope::request, Stage::tails,
     tail<&ServingLatency::tpot, 90>},
    {"tpot_p99_s", "TPOT p99", percentiles, "TPOT p99 (s)", Kind::seconds, Group::serving, Scope::request, Stage::tails,
     tail<&ServingLatency::tpot, 99>},
    {"e2e_p50_s", "E2E p50", percentiles, "E2E p50 (s)", Kind::seconds, Group::serving, Scope::request, Stage::tails,
     tail<&ServingLatency::e2e, 50>},
    {"e2e_p90_s", "E2E p90", percentiles, "E2E p90 (s)", Kind::seconds, Group::serving, Scope::request, Stage::tails,
     tail<&ServingLatency::e2e, 90>},
    {"e2e_p99_s", "E2E p99", percentiles, "E2E p99 (s)", Kind::seconds, Group::serving, Scope::request, Stage::tails,
     tail<&ServingLatency::e2e, 99>},
    {"ttft_of_objective_s", "TTFT that its objective is about", "", "time to first token that its objective is about (s)",
     Kind::seconds, Group::serving, Scope::request, Stage::result,
     judged_ttft, nullptr, about<judged_ttft, &LogSpread::ttft>},
    {"tpot_of_objective_s", "TPOT that its objective is about", "", "time per output token that its objective is about (s)",
     Kind::seconds, Group::serving, Scope::request, Stage::result,
     judged_tpot, nullptr, about<judged_tpot, &LogSpread::tpot>},
    {"slo_ttft_level", "percentile of the TTFT objective", "", "percentile of the TTFT objective", Kind::share,
     Group::serving, Scope::request, Stage::input,
     [](At v) { return where_positive(v.scenario->slo.ttft_level); }},
    {"slo_tpot_level", "percentile of the TPOT objective", "", "percentile of the TPOT objective", Kind::share,
     Group::serving, Scope::request, Stage::input,
     [](At v) { return where_positive(v.scenario->slo.tpot_level); }},
    {"slo_met", "objectives met", "", "objectives met", Kind::flag, Group::serving, Scope::deployment, Stage::result,
     [](At v) { return v.estimate->meets_slo ? 1.0 : 0.0; }},

    {"capacity_per_s", "capacity", of_load, "capacity (requests/s)", Kind::per_s, Group::serving, Scope::deployment,
     Stage::tails, [](At v) { return has_capacity(v) ? replicas(v) * v.estimate->latency->capacity.value() : no_number; }},
    {"load_share", "load over capacity", of_load, "load over capacity", Kind::share, Group::serving, Scope::deployment,
     Stage::tails, [](At v) { return has_capacity(v) ? v.estimate->latency->load : no_number; }},
    {"saturation", "state", of_load, "saturation", Kind::text, Group::serving, Scope::deployment, Stage::tails, nullptr,
     [](At v) { return has_capacity(v) ? name_of(v.estimate->latency->saturation) : std::string_view(); }},
    {"waits_share", "requests that wait for a slot or memory", of_load, "share of requests that wait", Kind::share,
     Group::serving, Scope::deployment, Stage::tails,
     [](At v) { return has_capacity(v) ? v.estimate->latency->waits : no_number; }},
    {"preemptions_per_request", "preemptions per request", "", "preemptions per request", Kind::count, Group::serving,
     Scope::request, Stage::tails,
     [](At v) { return v.estimate->latency ? v.estimate->latency->preemptions : no_number; }},
    {"goodput_share", "requests within the objectives", of_load, "share of requests within the objectives", Kind::share,
     Group::serving, Scope::deployment, Stage::tails,
     [](At v) { return has_objective(v) ? v.estimate->goodput_share : no_number; }},
    {"goodput_per_s", "goodput", of_load, "goodput (requests/s)", Kind::per_s, Group::serving, Scope::deployment,
     Stage::tails, [](At v) {
         return has_objective(v) ? replicas(v) * v.estimate->goodput_share * serving(v).requests_per_s.value() : no_number;
     }},
    {"method", "answered by", "", "answered by", Kind::text, Group::trust, Scope::deployment, Stage::result, nullptr,
     [](At v) -> std::string_view { return v.estimate->simulation ? "simulation" : "closed_form"; }},
    {"doubt", "doubt about the closed form", "", "why the closed form does not hold", Kind::text, Group::trust,
     Scope::deployment, Stage::result, nullptr, [](At v) { return serving(v).doubt; }},
    {"simulated_requests", "requests simulated", "", "requests simulated", Kind::count, Group::trust, Scope::instance,
     Stage::tails, [](At v) { return v.estimate->simulation ? v.estimate->simulation->requests : no_number; }},
    {"refused_requests", "requests that no instance can hold", "", "requests that no instance can hold", Kind::count,
     Group::trust, Scope::instance, Stage::tails,
     [](At v) { return v.estimate->simulation ? v.estimate->simulation->refused : no_number; }},

    {"cached_share_device", "prompt found in the cache of the GPUs", of_load, "share of prompts cached on the GPUs",
     Kind::share, Group::serving, Scope::request, Stage::result, [](At v) {
         return v.scenario->reuse.known() ? v.estimate->hits.device : no_number;
     }},
    {"cached_share_host", "prompt found in the memory of the host", of_load, "share of prompts cached on the host",
     Kind::share, Group::serving, Scope::request, Stage::result, [](At v) {
         return v.scenario->reuse.known() ? v.estimate->hits.host : no_number;
     }},

    {"gpus", "GPUs", deployment, "GPUs", Kind::count, Group::deployment, Scope::deployment, Stage::input,
     [](At v) { return double{1} * v.scenario->gpus(); }},
    {"instances", "instances", deployment, "instances", Kind::count, Group::deployment, Scope::deployment, Stage::input,
     [](At v) { return v.scenario->two_pools() ? 1.0 : pool(v).replicas; }},
    {"gpus_per_instance", "GPUs of an instance", deployment, "GPUs of an instance", Kind::count, Group::deployment,
     Scope::instance, Stage::input, instance_gpus},
    {"usd_per_gpu_hour", "rent of a GPU-hour", deployment, "price (USD per GPU-hour)", Kind::usd_per_gpu_hour,
     Group::cost, Scope::gpu, Stage::input, rent_of_gpu},
    {"usd_per_hour", "rent, per hour", deployment, "USD per hour", Kind::usd, Group::cost, Scope::deployment,
     Stage::result, [](At v) { return where_positive(replicas(v) * cost(v).usd_per_hour); }},
    {"usd_per_month", "rent, per month of 730 hours", deployment, "USD per month", Kind::usd, Group::cost,
     Scope::deployment, Stage::result,
     [](At v) { return where_positive(replicas(v) * cost(v).usd_per_hour * hours_per_month); }},
    {"limited_by", "limited by", apart, "what limits two pools", Kind::text, Group::serving, Scope::deployment,
     Stage::result, nullptr,
     [](At v) { return pools(v) != nullptr ? name_of(pools(v)->answer.limit()) : std::string_view(); }},
    {"prefill_busy_share", "prefill pool, of its capacity", apart, "share of the prefill pool's capacity", Kind::share,
     Group::serving, Scope::deployment, Stage::result, share_of<&TwoPoolsAnswer::prefill_capacity>},
    {"decode_busy_share", "decode pool, of its capacity", apart, "share of the decode pool's capacity", Kind::share,
     Group::serving, Scope::deployment, Stage::result, share_of<&TwoPoolsAnswer::decode_capacity>},
    {"transfer_busy_share", "links between them, of their capacity", apart, "share of the links' capacity", Kind::share,
     Group::serving, Scope::deployment, Stage::result, share_of<&TwoPoolsAnswer::transfer_capacity>},
    {"prefill_capacity_per_s", "prefill pool computes at most", apart, "requests/s of the prefill pool", Kind::per_s,
     Group::serving, Scope::deployment, Stage::result,
     of_pools<[](const PoolsEstimate& p) { return limited(p.answer.prefill_capacity); }>},
    {"decode_capacity_per_s", "decode pool delivers at most", apart, "requests/s of the decode pool", Kind::per_s,
     Group::serving, Scope::deployment, Stage::result,
     of_pools<[](const PoolsEstimate& p) { return limited(p.answer.decode_capacity); }>},
    {"prefill_queue_s", "wait for a prefill worker", apart, "wait for a prefill worker (s)", Kind::seconds, Group::serving,
     Scope::request, Stage::result, of_pools<[](const PoolsEstimate& p) { return p.answer.wait; }>},
    {"transfer_s", "transfer of the cache", apart, "transfer of a cache (s)", Kind::seconds, Group::serving, Scope::request,
     Stage::result, of_pools<[](const PoolsEstimate& p) { return p.transfer.value(); }>},
    {"decode_batch", "sequences of a decode worker", apart, "sequences of a decode worker", Kind::count, Group::serving,
     Scope::instance, Stage::result, of_pools<[](const PoolsEstimate& p) { return p.answer.decodes; }>},
    {"matched_prefill_workers", "prefill workers that feed one of decode", apart, "prefill workers per decode worker",
     Kind::count, Group::serving, Scope::deployment, Stage::result,
     of_pools<[](const PoolsEstimate& p) { return where_positive(p.matched); }>},
    {"prefill_memory_weights_bytes", "weights of a prefill GPU", apart, "weights of a prefill GPU (bytes)", Kind::bytes,
     Group::memory, Scope::gpu, Stage::result,
     of_pools<[](const PoolsEstimate& p) { return p.prefill_memory.weights.value(); }>},
    {"prefill_memory_cache_bytes", "cache of a prefill GPU", apart, "KV cache of a prefill GPU (bytes)", Kind::bytes,
     Group::memory, Scope::gpu, Stage::result,
     of_pools<[](const PoolsEstimate& p) { return p.prefill_memory.cache.value(); }>},
    {"one_pool_output_tokens_per_s", "output of the same GPUs as one pool", apart, "output tokens/s as one pool",
     Kind::tokens_per_s, Group::serving, Scope::deployment, Stage::result,
     [](At v) { return one_pool(v) != nullptr ? one_pool(v)->output_tokens_per_s : no_number; }},
    {"one_pool_usd_per_mtok_total", "all tokens, as one pool", apart, "USD per million tokens as one pool",
     Kind::usd_per_mtok, Group::cost, Scope::token, Stage::result,
     [](At v) { return one_pool(v) != nullptr ? where_positive(one_pool(v)->usd_per_mtok_total) : no_number; }},

    {"price_basis", "price basis", "", "price basis", Kind::text, Group::cost, Scope::gpu, Stage::input, nullptr,
     [](At v) -> std::string_view { return pool(v).price.basis; }},
    {"price_date", "price date", "", "price date", Kind::text, Group::cost, Scope::gpu, Stage::input, nullptr,
     [](At v) -> std::string_view { return pool(v).price.date; }},

    {"load", "load", "", "load", Kind::text, Group::serving, Scope::deployment, Stage::input, nullptr,
     [](At v) { return name_of(traffic(v).load); }},
    {"requests", "requests in flight, at once or per second", "", "requests in flight, at once or per second",
     Kind::count, Group::serving, Scope::deployment, Stage::input,
     [](At v) { return size_of(traffic(v).load).value_or(no_number); }},
    {"running", "running", sequences, "running sequences", Kind::count, Group::serving, Scope::deployment,
     Stage::result, [](At v) { return replicas(v) * serving(v).running; }},
    {"decoding", "of them in decode", sequences, "decoding sequences", Kind::count, Group::serving, Scope::deployment,
     Stage::result, [](At v) { return replicas(v) * serving(v).decoding; }},
    {"max_concurrency", "largest concurrency", sequences, "sequences that fit", Kind::count, Group::serving,
     Scope::deployment, Stage::result, slots, nullptr,
     [](At v) { return interval_about(slots(v), v.estimate->memory_sd); }},
    {"tokens_per_step", "tokens gained per decode step", sequences, "tokens gained per decode step", Kind::count,
     Group::serving, Scope::request, Stage::input, [](At v) { return pool(v).settings.tokens_per_step(); }},

    {"memory_weights_bytes", "weights", of_memory, "weights of a GPU (bytes)", Kind::bytes, Group::memory, Scope::gpu,
     Stage::result, bytes<&MemoryPlan::weights>},
    {"memory_cache_bytes", "cache of sequences", of_memory, "KV cache of a GPU (bytes)", Kind::bytes, Group::memory,
     Scope::gpu, Stage::result, bytes<&MemoryPlan::cache>},
    {"memory_reserve_bytes", "runtime and activations", of_memory, "reserve of a GPU (bytes)", Kind::bytes,
     Group::memory, Scope::gpu, Stage::result, bytes<&MemoryPlan::reserve>},
    {"memory_unused_bytes", "left unused", of_memory, "unused memory of a GPU (bytes)", Kind::bytes, Group::memory,
     Scope::gpu, Stage::result,
     [](At v) {
         const MemoryPlan& m = memory(v);
         return (m.capacity - m.weights - m.cache - m.reserve).value();
     }},
    {"memory_capacity_bytes", "capacity", of_memory, "memory of a GPU (bytes)", Kind::bytes, Group::memory, Scope::gpu,
     Stage::result, bytes<&MemoryPlan::capacity>},
    {"memory_sequence_bytes", "of one sequence", "", "cache of one sequence on a GPU (bytes)", Kind::bytes,
     Group::memory, Scope::request, Stage::result, bytes<&MemoryPlan::sequence>},
    {"max_context_tokens", "longest context of so many requests, tokens", holds, "longest context (tokens)", Kind::count,
     Group::memory, Scope::request, Stage::result, capacity<&Capacity::max_context>},
    {"max_requests_of_context", "most requests of this length at once", holds, "requests of this length that fit", Kind::count,
     Group::memory, Scope::deployment, Stage::result,
     [](At v) { return replicas(v) * capacity<&Capacity::max_sequences>(v); }},
    {"smallest_tp", "smallest tp that holds them", holds, "smallest tensor parallelism that holds them", Kind::count,
     Group::memory, Scope::instance, Stage::result,
     [](At v) {
         const auto& c = v.estimate->capacity;
         return c && c->smallest_tp ? *c->smallest_tp : no_number;
     }},
    {"smallest_tp_missing", "why none does", holds, "why no tensor parallelism holds them", Kind::text, Group::memory,
     Scope::instance, Stage::result, nullptr,
     [](At v) -> std::string_view {
         const auto& c = v.estimate->capacity;
         return c && !c->smallest_tp ? c->smallest_tp.error().reason : std::string_view();
     }},
    {"weights_bytes", "weights of an instance", "", "weights of an instance (bytes)", Kind::bytes, Group::memory,
     Scope::instance, Stage::input, [](At v) { return weights_of(*v.scenario).total().value(); }},

    {"joules_per_output_token", "per output token", energy, "energy (J per output token)", Kind::joules, Group::cost,
     Scope::token, Stage::result, energy_of_token, nullptr, about<energy_of_token, of_speed>},
    {"watts_per_gpu", "power of a GPU", energy, "power of a GPU (W)", Kind::watts, Group::cost, Scope::gpu,
     Stage::result, [](At v) { return cost(v).watts_per_gpu.value(); }},

    {"decode_step_s", "decode step", bounds, "decode step (s)", Kind::seconds, Group::serving, Scope::instance,
     Stage::result, [](At v) { return where_positive(serving(v).decode_time.total.value()); }},
    {"decode_bound", "decode step is bound by", bounds, "bound of the decode step", Kind::text, Group::serving,
     Scope::instance, Stage::steps, nullptr, [](At v) { return bound_of(v.steps->decode); }},
    {"prefill_step_s", "prompt step", bounds, "step with prompts (s)", Kind::seconds, Group::serving, Scope::instance,
     Stage::result, [](At v) { return where_positive(serving(v).prompt_time.total.value()); }},
    {"prefill_bound", "prompt step is bound by", bounds, "bound of the step with prompts", Kind::text, Group::serving,
     Scope::instance, Stage::steps, nullptr, [](At v) { return bound_of(v.steps->prompt); }},
    {"prefill_share", "GPU time for prompts", bounds, "share of GPU time for prompts", Kind::share, Group::serving,
     Scope::instance, Stage::result, [](At v) { return serving(v).prefill_share; }},
    {"prefill_steps_share", "steps that carry prompts", "", "share of steps that carry prompts", Kind::share,
     Group::serving, Scope::instance, Stage::result, [](At v) { return serving(v).prefill_steps_share; }},

    {"provenance", "provenance", rests, "provenance", Kind::text, Group::trust, Scope::deployment, Stage::result,
     nullptr, [](At v) { return name_of(v.estimate->provenance); }},
};

}   // namespace

std::span<const Figure> figures() { return table; }

}   // namespace moecost
