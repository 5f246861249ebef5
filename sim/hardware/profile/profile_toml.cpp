// SPDX-License-Identifier: Apache-2.0
#include "moecost/hardware/profile/profile_toml.h"

#include "moecost/base/toml_writer.h"

namespace moecost {
namespace {

/// A unit conversion leaves no digits behind that the figure does not have.
double tidy(double value) { return rounded(value, 12); }
double us(Seconds s) { return tidy(s.value() * 1e6); }

void range(TomlWriter& w, std::string_view key, const FitRange& r) { w.pair(key, r.low, r.high); }

void quality(TomlWriter& w, const FitQuality& q) {
    w.optional_text("kernel", q.kernel);
    w.text("table", q.table);
    w.optional_text("note", q.note);
    w.optional_number("rows", q.rows);
    w.optional_number("median_error", q.median_error);
    w.optional_number("p90_error", q.p90_error);
}

void write(TomlWriter& w, const GemmTable& t) {
    w.item("gemm");
    w.text("weights", info(t.weights).name);
    quality(w, t.fit);
    w.number("floor_us", us(t.floor));
    w.number("k_latency_us", us(t.k_latency));
    w.number("compute", t.compute);
    w.number("memory", t.memory);
    w.number("overlap_exponent", t.overlap_exponent);
    w.number("wave_tail", t.wave_tail);
    w.number("split_k", t.split_k);
    w.number("output_traffic", t.output_traffic);
    range(w, "m", t.m);
    range(w, "n", t.n);
    range(w, "k", t.k);
}

void write(TomlWriter& w, const MoeTable& t) {
    w.item("moe");
    w.text("weights", info(t.weights).name);
    w.text("unit", name_of(t.unit));
    w.text("kernel", t.kernel);
    FitQuality q = t.fit;
    q.kernel.clear();   // stands above
    quality(w, q);
    w.number("floor_us", us(t.floor));
    w.number("compute", t.compute);
    w.number("memory", t.memory);
    w.number("overlap_exponent", t.overlap_exponent);
    w.number("tile_rows", t.tile_rows);
    w.number("routed_traffic", t.routed_traffic);
    w.number("global_traffic", t.global_traffic);
    w.number("width_knee", t.width_knee);
    w.number("hidden_knee", t.hidden_knee);
    w.number("token_log_us", us(t.token_log));
    range(w, "tokens", t.tokens);
}

void write(TomlWriter& w, const DecodeAttentionTable& t) {
    w.item("decode_attention");
    w.text("cache", info(t.cache).name);
    quality(w, t.fit);
    w.number("floor_us", us(t.floor));
    w.number("compute", t.compute);
    w.number("memory", t.memory);
    w.number("overlap_exponent", t.overlap_exponent);
    w.number("per_sequence_us", us(t.per_sequence));
    w.number("split_tokens", t.split_tokens);
    w.number("occupancy_power", t.occupancy_power);
    range(w, "batch", t.batch);
    range(w, "context", t.context);
}

void write_prefill(TomlWriter& w, std::string_view item, const PrefillAttentionTable& t) {
    w.item(item);
    w.text("cache", info(t.cache).name);
    w.text("query", info(t.query).name);
    quality(w, t.fit);
    w.number("floor_us", us(t.floor));
    w.number("compute", t.compute);
    w.number("startup_tokens", t.startup_tokens);
    w.number("io_traffic", t.io_traffic);
    w.number("head_knee", t.head_knee);
    w.number("wave_tail", t.wave_tail);
    range(w, "prompt", t.prompt);
}

void write(TomlWriter& w, const MlaDecodeTable& t) {
    w.item("mla_decode");
    w.text("cache", info(t.cache).name);
    quality(w, t.fit);
    w.number("floor_us", us(t.floor));
    w.number("compute", t.compute);
    w.number("memory", t.memory);
    w.number("overlap_exponent", t.overlap_exponent);
    w.number("per_sequence_us", us(t.per_sequence));
    range(w, "batch", t.batch);
    range(w, "context", t.context);
}

void write(TomlWriter& w, const AllReduceTable& t) {
    w.item("all_reduce");
    quality(w, t.fit);
    w.number("one_shot_us", us(t.one_shot));
    w.number("one_shot_bandwidth", t.one_shot_bandwidth);
    w.number("two_shot_us", us(t.two_shot));
    w.number("two_shot_bandwidth", t.two_shot_bandwidth);
    w.number("per_rank_us", us(t.per_rank));
    range(w, "bytes", t.bytes);
    range(w, "gpus", t.gpus);
    if (t.nvls_bandwidth == 0) return;
    w.number("nvls_us", us(t.nvls));
    w.number("nvls_bandwidth", t.nvls_bandwidth);
}

void write(TomlWriter& w, const AllToAllTable& t) {
    w.item("all_to_all");
    w.text("mode", t.mode == AllToAllMode::normal ? "normal" : "low-latency");
    w.number("nodes", t.nodes);
    w.text("table", t.fit.table);
    w.optional_text("note", t.fit.note);
    w.number("dispatch_us", us(t.dispatch));
    w.number("dispatch_gb_s", tidy(t.dispatch_bandwidth.value() / 1e9));
    w.number("dispatch_log_us", us(t.dispatch_log));
    w.optional_number("dispatch_error", t.fit.median_error);
    w.number("combine_us", us(t.combine));
    w.number("combine_gb_s", tidy(t.combine_bandwidth.value() / 1e9));
    w.number("combine_log_us", us(t.combine_log));
    w.optional_number("combine_error", t.fit.p90_error);
}

void residual(TomlWriter& w, std::string_view key, const Residual& r) {
    if (r.known()) w.pair(key, r.p10, r.p90);
}

void write(TomlWriter& w, const ServingConstants& s) {
    w.table("serving");
    w.text("source", s.source);
    w.optional_number("median_error", s.median_error);
    w.number("floor_factor", s.floor_factor);
    w.number("floor_cap_us", us(s.floor_cap));
    w.number("prefill_factor", s.prefill_factor);
    w.number("host_us", us(s.host));
    w.number("host_per_sequence_us", us(s.host_per_sequence));
    w.number("expert_skew", s.expert_skew);
    w.number("queue_spread", s.queue_spread);
    w.number("queue_fixed", s.queue_fixed);
    w.number("first_token_ms", tidy(s.first_token.value() * 1e3));
    residual(w, "throughput_residual", s.throughput_residual);
    residual(w, "tpot_residual", s.tpot_residual);
    residual(w, "ttft_residual", s.ttft_residual);
}

void write(TomlWriter& w, const EngineSettings& d) {
    w.table("defaults");
    w.text("source", "launch defaults of the engine");
    w.text("batching", d.batching == Batching::chunked_prefill ? "chunked_prefill" : "prefill_first");
    w.number("chunk_tokens", d.chunk_tokens);
    w.number("max_sequences", d.max_sequences);
    w.text("memory_basis", d.memory_basis == MemoryBasis::total ? "total" : "free");
    w.number("memory_fraction", d.memory_fraction);
    w.number("reserve_gb", tidy(d.reserve.value() / 1e9));
    w.number("output_reserve", d.output_reserve);
    w.number("admission_steps", d.admission_steps);
    w.optional_number("acceptance", d.acceptance);
}

void write(TomlWriter& w, const AssumedEfficiencies& a) {
    w.table("assumed");
    w.text("source", a.source);
    w.number("mla_absorb_compute", a.mla_absorb_compute);
    w.number("mla_absorb_memory", a.mla_absorb_memory);
    w.number("mla_absorb_floor_us", us(a.mla_absorb_floor));
    w.number("recurrent_compute", a.recurrent_compute);
    w.number("recurrent_memory", a.recurrent_memory);
    w.number("recurrent_decode_floor_us", us(a.recurrent_decode_floor));
    w.number("recurrent_prefill_floor_us", us(a.recurrent_prefill_floor));
    w.number("indexer_memory", a.indexer_memory);
    w.number("indexer_floor_us", us(a.indexer_floor));
    w.number("small_op_passes", a.small_op_passes);
    w.number("shared_expert_overlap", a.shared_expert_overlap);
    w.number("gather_us", us(a.gather));
    w.number("gather_bandwidth", a.gather_bandwidth);
}

void write(TomlWriter& w, const Profile& p, std::string_view date) {
    w.number("schema", 1);
    w.optional_text("accelerator", p.accelerator);
    w.text("engine", p.engine);
    w.text("source", p.source);
    w.text("date", date);
    write(w, p.serving);
    write(w, p.defaults);
    if (!p.kernels) return;
    write(w, p.kernels->assumed);
    for (const GemmTable& t : p.kernels->gemm) write(w, t);
    for (const MoeTable& t : p.kernels->moe) write(w, t);
    for (const DecodeAttentionTable& t : p.kernels->decode_attention) write(w, t);
    for (const PrefillAttentionTable& t : p.kernels->prefill_attention)
        write_prefill(w, "prefill_attention", t);
    for (const MlaDecodeTable& t : p.kernels->mla_decode) write(w, t);
    for (const PrefillAttentionTable& t : p.kernels->mla_prefill) write_prefill(w, "mla_prefill", t);
    for (const AllReduceTable& t : p.kernels->all_reduce) write(w, t);
    for (const AllToAllTable& t : p.kernels->all_to_all) write(w, t);
}

void write(TomlWriter& w, const Accelerator& a) {
    w.text("name", a.name);
    w.optional_text("vendor", a.vendor);
    w.optional_number("year", a.year);
    w.text("status", a.status);
    w.optional_text("generation", a.generation);
    w.text("relative", a.relative);
    w.optional_text("same_as", a.same_as);
    w.table("peak_tflops");
    for (std::size_t i = 0; i < a.peak.size(); ++i) {
        w.optional_number(name_of(static_cast<MathUnit>(i)), tidy(a.peak[i].value() / 1e12));
    }
    w.table("memory");
    w.number("usable_gib", tidy(a.memory.value() / gib));
    w.number("bandwidth_tb_s", tidy(a.memory_bandwidth.value() / 1e12));
    w.table("compute");
    w.number("multiprocessors", a.multiprocessors);
    w.table("scale_up");
    w.optional_text("link", a.link);
    w.number("gb_s_per_direction", tidy(a.link_bandwidth.value() / 1e9));
    w.number("domain", a.domain);
    w.number("link_latency_us", us(a.link_latency));
    w.table("scale_out");
    w.number("gbit_s_per_gpu", tidy(a.nic_bandwidth.value() * 8 / 1e9));
    w.number("nic_latency_us", us(a.nic_latency));
    w.table("power");
    w.number("tdp_w", a.tdp.value());
    w.number("idle_share", a.idle_power_share);
}

}   // namespace

std::string toml_of(const Profile& profile, std::string_view date) {
    TomlWriter w;
    w.comment("SPDX-License-Identifier: Apache-2.0");
    w.comment(
        "Constants of the kernel forms and of the serving form; compute and memory are shares of the "
        "datasheet");
    w.comment("peaks of the accelerator. Written by moecost calibrate.");
    write(w, profile, date);
    return w.str();
}

std::string toml_of(const Accelerator& accelerator,
                    const std::vector<std::pair<std::string, std::string>>& sources, const Profile& profile,
                    std::string_view date) {
    TomlWriter w;
    w.comment(
        "An accelerator with an engine profile of its own: moecost estimate --gpu THIS_FILE uses both.");
    w.comment("Written by moecost calibrate.");
    write(w, accelerator);
    w.table("sources");
    for (const auto& [key, text] : sources) w.text(key, text);
    TomlWriter inner("profile.");
    write(inner, profile, date);
    return w.str() + "\n[profile]\n" + inner.str();
}

}   // namespace moecost
