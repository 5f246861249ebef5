// SPDX-License-Identifier: Apache-2.0
// The one list of fields of every table of a profile. The TOML reader with its allowed keys, the TOML writer and the
// parameter vector of a fit (calibrate/kernel_form_time.cpp) visit it. Inner header of the rooms that do.
//
// An archive offers
//   number(key, double, range)              a plain number that must be there
//   quantity(key, quantity, unit, range)    the file holds quantity / unit, in that range
//   optional_number(key, double, range)     absent where it is 0
//   text(key, string), optional_text(key, string)      the second is absent where it is empty
//   span(key, FitRange)                     [low, high]
//   optional_pair(key, low, high)           [low, high], absent where both are 0
//   format(key, DType), optional_format(key, DType)    the second keeps its default where it is absent
//   choice(key, enum, names)                names in the order of the enumerators
//   count(key, int, most)                   1 to most
//   present(key, stated)                    whether the fields that follow are there: the file has `key`, or `stated`
//   unread(key, words)                      a key of the file that no law reads; the writer puts `words`, if any
//   items(key, vector), table(key, struct)  tables of their own
#pragma once

#include <array>
#include <string_view>

#include "moecost/base/value.h"
#include "moecost/hardware/profile/profile.h"

namespace moecost {

inline constexpr std::array<std::string_view, 5> math_unit_names{"fp32", "bf16", "fp8", "int8", "fp4"};
inline constexpr std::array<std::string_view, 3> all_to_all_mode_names{"low-latency", "normal", "nvlink"};
inline constexpr std::array<std::string_view, 2> batching_names{"chunked_prefill", "prefill_first"};
inline constexpr std::array<std::string_view, 2> memory_basis_names{"total", "free"};

inline constexpr Range share_of_peak{1e-6, 20};   // above 1 where a table was timed with warm caches
inline constexpr Range norm_exponent{0.3, 64};
inline constexpr Range traffic_passes{0, 1000};

template <class A>
void microseconds(A& a, std::string_view key, Seconds& x) {
    a.quantity(key, x, 1e-6, Range{0, 1e6});
}

template <class A>
void quality(A& a, FitQuality& x) {
    a.text("table", x.table);
    a.optional_text("note", x.note);
    a.optional_number("rows", x.rows, non_negative);
    a.optional_number("median_error", x.median_error, non_negative);
    a.optional_number("p90_error", x.p90_error, non_negative);
}

template <class A>
void fields(A& a, GemmTable& x) {
    a.format("weights", x.weights);
    quality(a, x.fit);
    microseconds(a, "floor_us", x.floor);
    microseconds(a, "k_latency_us", x.k_latency);
    a.number("compute", x.compute, share_of_peak);
    a.number("memory", x.memory, share_of_peak);
    a.number("overlap_exponent", x.overlap_exponent, norm_exponent);
    a.number("wave_tail", x.wave_tail, fraction);
    a.number("split_k", x.split_k, Range{1, 1e9});
    a.number("output_traffic", x.output_traffic, Range{0, 100});
    a.span("m", x.m);
    a.span("n", x.n);
    a.span("k", x.k);
}

template <class A>
void fields(A& a, MoeTable& x) {
    a.format("weights", x.weights);
    a.choice("unit", x.unit, math_unit_names);
    a.text("kernel", x.kernel);
    quality(a, x.fit);
    microseconds(a, "floor_us", x.floor);
    a.number("compute", x.compute, share_of_peak);
    a.number("memory", x.memory, share_of_peak);
    a.number("overlap_exponent", x.overlap_exponent, norm_exponent);
    a.number("tile_rows", x.tile_rows, Range{0, 1e5});
    a.number("routed_traffic", x.routed_traffic, traffic_passes);
    a.number("global_traffic", x.global_traffic, traffic_passes);
    a.number("width_knee", x.width_knee, Range{0, 1e6});
    a.number("hidden_knee", x.hidden_knee, Range{0, 1e6});
    microseconds(a, "token_log_us", x.token_log);
    a.span("tokens", x.tokens);
}

template <class A>
void fields(A& a, DecodeAttentionTable& x) {
    a.format("cache", x.cache);
    a.optional_text("kernel", x.fit.kernel);
    quality(a, x.fit);
    microseconds(a, "floor_us", x.floor);
    a.number("compute", x.compute, share_of_peak);
    a.number("memory", x.memory, share_of_peak);
    a.number("overlap_exponent", x.overlap_exponent, norm_exponent);
    microseconds(a, "per_sequence_us", x.per_sequence);
    a.number("split_tokens", x.split_tokens, Range{1, 1e7});
    a.number("occupancy_power", x.occupancy_power, Range{0, 4});
    a.span("batch", x.batch);
    a.span("context", x.context);
}

template <class A>
void fields(A& a, PrefillAttentionTable& x) {
    a.format("cache", x.cache);
    a.optional_format("query", x.query);
    a.optional_text("kernel", x.fit.kernel);
    quality(a, x.fit);
    microseconds(a, "floor_us", x.floor);
    a.number("compute", x.compute, share_of_peak);
    a.number("startup_tokens", x.startup_tokens, Range{0, 1e6});
    a.number("io_traffic", x.io_traffic, traffic_passes);
    a.number("head_knee", x.head_knee, Range{0, 1e5});
    a.number("wave_tail", x.wave_tail, Range{0, 4});
    a.span("prompt", x.prompt);
}

template <class A>
void fields(A& a, MlaDecodeTable& x) {
    a.format("cache", x.cache);
    quality(a, x.fit);
    microseconds(a, "floor_us", x.floor);
    a.number("compute", x.compute, share_of_peak);
    a.number("memory", x.memory, share_of_peak);
    a.number("overlap_exponent", x.overlap_exponent, norm_exponent);
    microseconds(a, "per_sequence_us", x.per_sequence);
    a.span("batch", x.batch);
    a.span("context", x.context);
}

template <class A>
void fields(A& a, AllReduceTable& x) {
    quality(a, x.fit);
    microseconds(a, "one_shot_us", x.one_shot);
    a.number("one_shot_bandwidth", x.one_shot_bandwidth, share_of_peak);
    microseconds(a, "two_shot_us", x.two_shot);
    a.number("two_shot_bandwidth", x.two_shot_bandwidth, share_of_peak);
    microseconds(a, "per_rank_us", x.per_rank);
    a.span("bytes", x.bytes);
    a.span("gpus", x.gpus);
    if (!a.present("nvls_us", x.nvls_bandwidth > 0)) return;
    microseconds(a, "nvls_us", x.nvls);
    a.number("nvls_bandwidth", x.nvls_bandwidth, share_of_peak);
}

/// The two halves have one error each; they stand where the other tables have their median and 90 % quantile.
template <class A>
void fields(A& a, AllToAllTable& x) {
    a.choice("mode", x.mode, all_to_all_mode_names);
    a.count("nodes", x.nodes, 1024);
    a.text("table", x.fit.table);
    a.optional_text("note", x.fit.note);
    microseconds(a, "dispatch_us", x.dispatch);
    a.quantity("dispatch_gb_s", x.dispatch_bandwidth, 1e9, positive);
    microseconds(a, "dispatch_log_us", x.dispatch_log);
    a.optional_number("dispatch_error", x.fit.median_error, non_negative);
    microseconds(a, "combine_us", x.combine);
    a.quantity("combine_gb_s", x.combine_bandwidth, 1e9, positive);
    microseconds(a, "combine_log_us", x.combine_log);
    a.optional_number("combine_error", x.fit.p90_error, non_negative);
}

template <class A>
void fields(A& a, AssumedEfficiencies& x) {
    a.text("source", x.source);
    a.number("mla_absorb_compute", x.mla_absorb_compute, share_of_peak);
    a.number("mla_absorb_memory", x.mla_absorb_memory, share_of_peak);
    microseconds(a, "mla_absorb_floor_us", x.mla_absorb_floor);
    a.number("recurrent_compute", x.recurrent_compute, share_of_peak);
    a.number("recurrent_memory", x.recurrent_memory, share_of_peak);
    microseconds(a, "recurrent_decode_floor_us", x.recurrent_decode_floor);
    microseconds(a, "recurrent_prefill_floor_us", x.recurrent_prefill_floor);
    a.number("indexer_memory", x.indexer_memory, share_of_peak);
    microseconds(a, "indexer_floor_us", x.indexer_floor);
    a.number("small_op_passes", x.small_op_passes, traffic_passes);
    a.number("shared_expert_overlap", x.shared_expert_overlap, fraction);
    microseconds(a, "gather_us", x.gather);
    a.number("gather_bandwidth", x.gather_bandwidth, share_of_peak);
}

template <class A>
void fields(A& a, ServingConstants& x) {
    a.text("source", x.source);
    a.unread("date", "");
    a.number("floor_factor", x.floor_factor, Range{0, 100});
    microseconds(a, "floor_cap_us", x.floor_cap);
    a.number("prefill_factor", x.prefill_factor, Range{0.01, 100});
    microseconds(a, "host_us", x.host);
    microseconds(a, "host_per_sequence_us", x.host_per_sequence);
    microseconds(a, "stream_per_sequence_us", x.stream_per_sequence);
    a.number("expert_skew", x.expert_skew, Range{0, 1e6});
    a.number("queue", x.queue, Range{0, 10});
    a.number("queue_in_step", x.queue_in_step, Range{0, 10});
    a.number("lone", x.lone, Range{0, 100});
    a.optional_number("lockstep_requests", x.lockstep_requests, Range{0, 1e6});
    a.number("quantise_static", x.quantise_static, Range{0, 100});
    a.number("quantise_dynamic", x.quantise_dynamic, Range{0, 100});
    a.number("gemm_factor", x.gemm_factor, Range{0.01, 100});
    a.number("expert_factor", x.expert_factor, Range{0.01, 100});
    a.number("decode_attention_factor", x.decode_attention_factor, Range{0.01, 100});
    microseconds(a, "small_kernel_us", x.small_kernel);
    microseconds(a, "prompt_step_us", x.prompt_step);
    microseconds(a, "prompt_step_layer_us", x.prompt_step_layer);
    a.number("young_slowdown", x.young_slowdown, Range{0, 10});
    a.number("young_years", x.young_years, Range{0, 10});
    a.quantity("first_token_ms", x.first_token, 1e-3, Range{0, 1e6});
    a.optional_number("first_token_steps", x.first_token_steps, Range{0, 1e3});
}

/// Drafts are asked for, never a default.
template <class A>
void fields(A& a, EngineSettings& x) {
    a.unread("source", "launch defaults of the engine");
    a.choice("batching", x.batching, batching_names);
    a.number("chunk_tokens", x.chunk_tokens, Range{1, 1e9});
    a.number("max_sequences", x.max_sequences, Range{1, 1e9});
    a.choice("memory_basis", x.memory_basis, memory_basis_names);
    a.number("memory_fraction", x.memory_fraction, Range{0.01, 1});
    a.number("output_reserve", x.output_reserve, fraction);
    a.number("admission_steps", x.admission_steps, Range{0, 1e6});
    a.optional_number("prompt_interval", x.prompt_interval, Range{0, 1e6});
    a.optional_number("profiled_tokens", x.profiled_tokens, Range{0, 1e9});
    a.optional_number("acceptance", x.acceptance, fraction);
    if (!a.present("reserve_gb", x.reserve.has_value()))
        return x.reserve.reset();   // by the engine's memory terms
    if (!x.reserve) x.reserve.emplace();
    a.quantity("reserve_gb", *x.reserve, 1e9, Range{0, 1e4});
}

template <class A>
void fields(A& a, KernelTables& x) {
    a.table("assumed", x.assumed);
    a.items("gemm", x.gemm);
    a.items("moe", x.moe);
    a.items("decode_attention", x.decode_attention);
    a.items("prefill_attention", x.prefill_attention);
    a.items("mla_decode", x.mla_decode);
    a.items("mla_prefill", x.mla_prefill);
    a.items("all_reduce", x.all_reduce);
    a.items("all_to_all", x.all_to_all);
}

}   // namespace moecost
