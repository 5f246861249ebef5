// SPDX-License-Identifier: Apache-2.0
#include "moecost/hardware/profile/profile.h"

#include <algorithm>

namespace moecost {
namespace {

constexpr Range share{1e-6, 20};   // of a peak; above 1 where a table was timed with warm caches
constexpr Range microseconds{0, 1e6};

Seconds us(const Reader& r, std::string_view key) { return Seconds{r.number(key, microseconds) * 1e-6}; }

FitRange range(const Reader& r, std::string_view key) {
    const std::vector<double> ends = r.numbers(key, non_negative);
    if (ends.size() != 2 || ends[0] > ends[1]) r.fail(key, "expected [low, high]");
    return {ends[0], ends[1]};
}

DType dtype(const Reader& r, std::string_view key) {
    const std::string name = r.text(key);
    if (const auto type = dtype_named(name)) return *type;
    r.fail(key, std::string("'").append(name).append("' is not a number format"));
}

MathUnit unit(const Reader& r) {
    const std::string name = r.text("unit");
    for (const MathUnit u : {MathUnit::fp32, MathUnit::bf16, MathUnit::fp8, MathUnit::int8, MathUnit::fp4}) {
        if (name_of(u) == name) return u;
    }
    r.fail("unit", "is not one of fp32, bf16, fp8, int8, fp4");
}

FitQuality quality(const Reader& r) {
    return {r.text("table"),
            r.text_or("note", ""),
            r.number_or("rows", 0, non_negative),
            r.number_or("median_error", 0, non_negative),
            r.number_or("p90_error", 0, non_negative),
            r.text_or("kernel", "")};
}

Residual residual(const Reader& r, std::string_view key) {
    if (!r.has(key)) return {};
    const FitRange ends = range(r, key);
    return {ends.low, ends.high};
}

GemmTable gemm(const Reader& r) {
    r.allow_only({"weights", "table", "note", "rows", "median_error", "p90_error", "floor_us", "k_latency_us",
                  "compute", "memory", "overlap_exponent", "wave_tail", "split_k", "output_traffic", "m", "n",
                  "k"});
    return {dtype(r, "weights"),
            us(r, "floor_us"),
            us(r, "k_latency_us"),
            r.number("compute", share),
            r.number("memory", share),
            r.number("overlap_exponent", {0.3, 64}),
            r.number("wave_tail", fraction),
            r.number("split_k", {1, 1e9}),
            r.number("output_traffic", {0, 100}),
            range(r, "m"),
            range(r, "n"),
            range(r, "k"),
            quality(r)};
}

MoeTable moe(const Reader& r) {
    r.allow_only({"weights", "unit", "kernel", "table", "note", "rows", "median_error", "p90_error",
                  "floor_us", "compute", "memory", "overlap_exponent", "tile_rows", "routed_traffic",
                  "global_traffic", "width_knee", "hidden_knee", "token_log_us", "tokens"});
    return {dtype(r, "weights"),
            unit(r),
            r.text("kernel"),
            us(r, "floor_us"),
            r.number("compute", share),
            r.number("memory", share),
            r.number("overlap_exponent", {0.3, 64}),
            r.number("tile_rows", {0, 1e5}),
            r.number("routed_traffic", {0, 1000}),
            r.number("global_traffic", {0, 1000}),
            r.number("width_knee", {0, 1e6}),
            r.number("hidden_knee", {0, 1e6}),
            us(r, "token_log_us"),
            range(r, "tokens"),
            quality(r)};
}

DecodeAttentionTable decode_attention(const Reader& r) {
    r.allow_only({"cache", "kernel", "table", "note", "rows", "median_error", "p90_error", "floor_us",
                  "compute", "memory", "overlap_exponent", "per_sequence_us", "split_tokens",
                  "occupancy_power", "batch", "context"});
    return {dtype(r, "cache"),
            us(r, "floor_us"),
            r.number("compute", share),
            r.number("memory", share),
            r.number("overlap_exponent", {0.3, 64}),
            us(r, "per_sequence_us"),
            r.number("split_tokens", {1, 1e7}),
            r.number("occupancy_power", {0, 4}),
            range(r, "batch"),
            range(r, "context"),
            quality(r)};
}

PrefillAttentionTable prefill_attention(const Reader& r) {
    r.allow_only({"cache", "query", "kernel", "table", "note", "rows", "median_error", "p90_error",
                  "floor_us", "compute", "startup_tokens", "io_traffic", "head_knee", "wave_tail", "prompt"});
    return {dtype(r, "cache"),
            us(r, "floor_us"),
            r.number("compute", share),
            r.number("startup_tokens", {0, 1e6}),
            r.number("io_traffic", {0, 1000}),
            r.number("head_knee", {0, 1e5}),
            r.number("wave_tail", {0, 4}),
            range(r, "prompt"),
            quality(r),
            r.has("query") ? dtype(r, "query") : DType::bf16};
}

MlaDecodeTable mla_decode(const Reader& r) {
    r.allow_only({"cache", "table", "note", "rows", "median_error", "p90_error", "floor_us", "compute",
                  "memory", "overlap_exponent", "per_sequence_us", "batch", "context"});
    return {dtype(r, "cache"),
            us(r, "floor_us"),
            r.number("compute", share),
            r.number("memory", share),
            r.number("overlap_exponent", {0.3, 64}),
            us(r, "per_sequence_us"),
            range(r, "batch"),
            range(r, "context"),
            quality(r)};
}

AllReduceTable all_reduce(const Reader& r) {
    r.allow_only({"table", "note", "rows", "median_error", "p90_error", "one_shot_us", "one_shot_bandwidth",
                  "two_shot_us", "two_shot_bandwidth", "per_rank_us", "bytes", "gpus", "nvls_us",
                  "nvls_bandwidth"});
    const bool nvls = r.has("nvls_us");
    return {us(r, "one_shot_us"),
            r.number("one_shot_bandwidth", share),
            us(r, "two_shot_us"),
            r.number("two_shot_bandwidth", share),
            us(r, "per_rank_us"),
            range(r, "bytes"),
            range(r, "gpus"),
            quality(r),
            nvls ? us(r, "nvls_us") : Seconds{0},
            nvls ? r.number("nvls_bandwidth", share) : 0};
}

AllToAllTable all_to_all(const Reader& r) {
    r.allow_only({"mode", "nodes", "table", "note", "dispatch_us", "dispatch_gb_s", "dispatch_log_us",
                  "dispatch_error", "combine_us", "combine_gb_s", "combine_log_us", "combine_error"});
    const std::string mode = r.text("mode");
    if (mode != "low-latency" && mode != "normal") r.fail("mode", "is not low-latency or normal");
    AllToAllTable t;
    t.mode = mode == "normal" ? AllToAllMode::normal : AllToAllMode::low_latency;
    t.nodes = static_cast<int>(r.integer("nodes", 1, 1024));
    t.dispatch = us(r, "dispatch_us");
    t.dispatch_log = us(r, "dispatch_log_us");
    t.dispatch_bandwidth = BytesPerSecond{r.number("dispatch_gb_s", positive) * 1e9};
    t.combine = us(r, "combine_us");
    t.combine_log = us(r, "combine_log_us");
    t.combine_bandwidth = BytesPerSecond{r.number("combine_gb_s", positive) * 1e9};
    t.fit = {r.text("table"), r.text_or("note", ""), 0, r.number_or("dispatch_error", 0, non_negative),
             r.number_or("combine_error", 0, non_negative)};
    return t;
}

AssumedEfficiencies assumed(const Reader& r) {
    r.allow_only({"source", "mla_absorb_compute", "mla_absorb_memory", "mla_absorb_floor_us",
                  "recurrent_compute", "recurrent_memory", "recurrent_decode_floor_us",
                  "recurrent_prefill_floor_us", "indexer_memory", "indexer_floor_us", "small_op_passes",
                  "shared_expert_overlap", "gather_us", "gather_bandwidth"});
    return {r.number("mla_absorb_compute", share),
            r.number("mla_absorb_memory", share),
            us(r, "mla_absorb_floor_us"),
            r.number("recurrent_compute", share),
            r.number("recurrent_memory", share),
            us(r, "recurrent_decode_floor_us"),
            us(r, "recurrent_prefill_floor_us"),
            r.number("indexer_memory", share),
            us(r, "indexer_floor_us"),
            r.number("small_op_passes", {0, 1000}),
            r.number("shared_expert_overlap", fraction),
            us(r, "gather_us"),
            r.number("gather_bandwidth", share),
            r.text("source")};
}

ServingConstants serving(const Reader& r) {
    r.allow_only({"source", "date", "median_error", "floor_factor", "floor_cap_us", "prefill_factor",
                  "host_us", "host_per_sequence_us", "expert_skew", "queue_spread", "queue_fixed",
                  "first_token_ms", "throughput_residual", "tpot_residual", "ttft_residual"});
    return {r.number("floor_factor", {0, 100}),
            us(r, "floor_cap_us"),
            r.number("prefill_factor", {0.01, 100}),
            us(r, "host_us"),
            us(r, "host_per_sequence_us"),
            r.number("expert_skew", {0, 1e6}),
            r.number("queue_spread", {0, 10}),
            r.number("queue_fixed", {0, 10}),
            Seconds{r.number("first_token_ms", {0, 1e6}) * 1e-3},
            r.text("source"),
            r.number_or("median_error", 0, non_negative),
            residual(r, "throughput_residual"),
            residual(r, "tpot_residual"),
            residual(r, "ttft_residual")};
}

EngineSettings defaults(const Reader& r) {
    r.allow_only({"source", "batching", "chunk_tokens", "max_sequences", "memory_basis", "memory_fraction",
                  "reserve_gb", "output_reserve", "admission_steps", "acceptance"});
    const std::string batching = r.text("batching");
    if (batching != "chunked_prefill" && batching != "prefill_first")
        r.fail("batching", "is not chunked_prefill or prefill_first");
    const std::string basis = r.text("memory_basis");
    if (basis != "total" && basis != "free") r.fail("memory_basis", "is not total or free");
    return {batching == "chunked_prefill" ? Batching::chunked_prefill : Batching::prefill_first,
            r.number("chunk_tokens", {1, 1e9}),
            r.number("max_sequences", {1, 1e9}),
            basis == "total" ? MemoryBasis::total : MemoryBasis::free,
            r.number("memory_fraction", {0.01, 1}),
            Bytes{r.number("reserve_gb", {0, 1e4}) * 1e9},
            r.number("output_reserve", fraction),
            r.number("admission_steps", {0, 1e6}),
            0,
            r.number_or("acceptance", 0, fraction)};
}

template <class Table>
void read_all(const Reader& r, std::string_view key, Table (*read)(const Reader&), std::vector<Table>& into) {
    if (!r.has(key)) return;
    for (const Reader& item : r.tables(key)) into.push_back(read(item));
}

KernelTables kernel_tables(const Reader& r) {
    KernelTables t;
    read_all(r, "gemm", gemm, t.gemm);
    read_all(r, "moe", moe, t.moe);
    read_all(r, "decode_attention", decode_attention, t.decode_attention);
    read_all(r, "prefill_attention", prefill_attention, t.prefill_attention);
    read_all(r, "mla_decode", mla_decode, t.mla_decode);
    read_all(r, "mla_prefill", prefill_attention, t.mla_prefill);
    read_all(r, "all_reduce", all_reduce, t.all_reduce);
    read_all(r, "all_to_all", all_to_all, t.all_to_all);
    t.assumed = assumed(r.table("assumed"));
    if (t.gemm.empty()) r.fail("gemm", "a calibrated profile needs at least one [[gemm]] table");
    return t;
}

}   // namespace

std::string_view name_of(Provenance provenance) {
    constexpr std::string_view names[] = {"calibrated", "extrapolated", "datasheet"};
    return names[static_cast<std::size_t>(provenance)];
}

Profile profile_from_toml(const Document& document) {
    const Reader root(document);
    const Reader r = root.has("profile") ? root.table("profile") : root;   // of an accelerator file
    r.allow_only({"schema", "accelerator", "engine", "source", "date", "serving", "defaults", "assumed",
                  "gemm", "moe", "decode_attention", "prefill_attention", "mla_decode", "mla_prefill",
                  "all_reduce", "all_to_all"});
    Profile p;
    p.id = document.file;
    p.accelerator = r.text_or("accelerator", "");
    p.engine = r.text("engine");
    p.source = r.text("source");
    p.serving = serving(r.table("serving"));
    p.defaults = defaults(r.table("defaults"));
    if (r.has("gemm") || r.has("assumed"))
        p.kernels = kernel_tables(r);
    else
        p.basis = Provenance::datasheet;   // the pure roofline
    return p;
}

Profile load_profile(const DataStore& data, std::string_view accelerator, std::string_view relative,
                     std::string_view engine) {
    constexpr std::string_view folder = "hwmodels/engines";
    if (is_path(engine) || engine == "ideal")
        return profile_from_toml(data.open(folder, engine, "engine profile"));
    const std::vector<std::string> known = data.names(folder);
    std::vector<std::string> engines{"ideal"};
    for (const std::string& name : known) {
        const std::size_t dash = name.find('-');
        if (dash == std::string::npos) continue;
        const std::string suffix = name.substr(dash + 1);
        if (std::find(engines.begin(), engines.end(), suffix) == engines.end()) engines.push_back(suffix);
    }
    for (const std::string_view owner : {accelerator, relative}) {
        std::string name(owner);
        name.append("-").append(engine);
        if (owner.empty() || std::find(known.begin(), known.end(), name) == known.end()) continue;
        Profile p = profile_from_toml(data.open(folder, name, "engine profile"));
        if (owner != accelerator) p.basis = Provenance::datasheet;
        return p;
    }
    const bool known_engine = std::find(engines.begin(), engines.end(), engine) != engines.end();
    std::string message(known_engine ? "there is no profile of '" : "no engine is named '");
    message.append(engine).append("' for accelerator '").append(accelerator).append("'");
    const std::string hint = known_engine ? "'ideal' runs on any; moecost list engines shows the others"
                                          : name_hint(engine, engines);
    throw InputError({"--engine"}, {}, message, hint);
}

}   // namespace moecost
