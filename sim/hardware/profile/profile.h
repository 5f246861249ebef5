// SPDX-License-Identifier: Apache-2.0
// The calibrated constants of (accelerator, engine): one table per kernel and number format, each with its residual
// and the range it was fitted on, the scalars of the serving form, and the launch defaults of the engine.
// The forms that use the constants are in timing/ (kernels) and serving/; units are in the names.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/dtype.h"
#include "moecost/base/quantity.h"
#include "moecost/hardware/format_support.h"
#include "moecost/hardware/profile/pool_law.h"

namespace moecost {

struct Document;
struct EffectTable;
class DataStore;

/// How far to trust a figure: inside the fitted range, outside it, with efficiencies of a relative, or at datasheet peaks.
enum class Provenance { calibrated, extrapolated, borrowed, roofline };
[[nodiscard]] std::string_view name_of(Provenance provenance);
[[nodiscard]] constexpr Provenance weaker(Provenance a, Provenance b) { return a < b ? b : a; }

/// Inclusive range of one argument over the rows of the fit.
struct FitRange {
    double low = 0;
    double high = 0;
    [[nodiscard]] bool contains(double x) const { return x >= low && x <= high; }
};

/// Where a set of constants comes from and how well it holds on shapes held out of the fit.
struct FitQuality {
    std::string table;   // engine and version whose kernel table was fitted
    std::string note;
    double rows = 0;
    double median_error = 0;   // absolute relative error
    double p90_error = 0;
    std::string kernel{};   // as the table names it, where the form has one for each format
};

struct GemmTable {
    DType weights{};
    Seconds floor;
    Seconds k_latency;             // per unit of K
    double compute = 1;            // share of the dense peak
    double memory = 1;             // share of the memory bandwidth
    double overlap_exponent = 2;   // exponent of the p-norm
    double wave_tail = 0;          // 0: a partial last wave costs its share, 1: a whole wave
    double split_k = 1;            // least K per split
    double output_traffic = 1;     // passes over the output
    FitRange m, n, k;
    FitQuality fit;
};

struct MoeTable {
    DType weights{};
    MathUnit unit{};
    std::string kernel;
    Seconds floor;
    double compute = 1;
    double memory = 1;
    double overlap_exponent = 2;
    double tile_rows = 1;        // rows a tile pads each expert to
    double routed_traffic = 0;   // passes over the rows routed to this rank
    double global_traffic = 0;   // passes over the routed rows of all ranks
    double width_knee = 0;       // expert width at which half the compute efficiency is left
    double hidden_knee = 0;
    Seconds token_log;   // per log2(1 + tokens)
    FitRange tokens;
    FitQuality fit;
};

struct DecodeAttentionTable {
    DType cache{};
    Seconds floor;
    double compute = 1;   // share of the bf16 peak
    double memory = 1;
    double overlap_exponent = 2;
    Seconds per_sequence;
    double split_tokens = 1;   // tokens of one work item
    double occupancy_power = 0;
    FitRange batch, context;
    FitQuality fit;
};

struct PrefillAttentionTable {
    DType cache{};
    Seconds floor;
    double compute = 1;   // share of the bf16 peak
    double startup_tokens = 0;
    double io_traffic = 0;   // passes over queries, keys, values and outputs
    double head_knee = 0;    // head size at which half the compute efficiency is left
    double wave_tail = 0;
    FitRange prompt;
    FitQuality fit;
    DType query = DType::bf16;   // that the table was timed with
};

struct MlaDecodeTable {
    DType cache{};
    Seconds floor;
    double compute = 1;   // share of the bf16 peak
    double memory = 1;
    double overlap_exponent = 2;
    Seconds per_sequence;
    FitRange batch, context;
    FitQuality fit;
};

struct AllReduceTable {
    Seconds one_shot;
    double one_shot_bandwidth = 1;   // share of the link bandwidth
    Seconds two_shot;
    double two_shot_bandwidth = 1;
    Seconds per_rank;   // for every rank beyond two
    FitRange bytes, gpus;
    FitQuality fit;
    Seconds nvls{};              // reduced in the switch, where the engine does so
    double nvls_bandwidth = 0;   // share of the link bandwidth; 0: it does not
};

enum class AllToAllMode { low_latency, normal, nvlink };

/// Expert dispatch and combine over `nodes` nodes of 8 (DeepEP), or inside one NVLink domain.
struct AllToAllTable {
    AllToAllMode mode{};
    int nodes = 1;
    Seconds dispatch, dispatch_log;
    BytesPerSecond dispatch_bandwidth;
    Seconds combine, combine_log;
    BytesPerSecond combine_bandwidth;
    FitQuality fit;
};

/// Efficiencies without a fit of their own.
struct AssumedEfficiencies {
    double mla_absorb_compute = 1;
    double mla_absorb_memory = 1;
    Seconds mla_absorb_floor;
    double recurrent_compute = 1;
    double recurrent_memory = 1;
    Seconds recurrent_decode_floor;
    Seconds recurrent_prefill_floor;
    double indexer_memory = 1;
    Seconds indexer_floor;
    double small_op_passes = 0;         // passes over rows x hidden of the small kernels of a layer
    double shared_expert_overlap = 0;   // share of the shared expert hidden behind the routed ones
    Seconds gather;                // one gather or scatter of tokens between attention-data-parallel ranks
    double gather_bandwidth = 1;   // share of the link bandwidth
    std::string source;
};

/// Small kernels that a layer launches between its large ones (norms, rotary embedding, cache write, top-k, quantisation),
/// by the kind of its mixer.
struct SmallLaunches {
    double grouped = 0;
    double grouped_qk_norm = 0;   // queries and keys are normed too
    double compressed = 0;        // latent attention and recurrent mixers
    double sparse = 0;            // an indexer selects what is attended
};

/// Shapes of the kernel laws, the same for every profile (hwmodels/timing.toml). Zero: not loaded, times are not finite.
struct KernelLaw {
    /// Area of a GEMM tile over its efficiency, in elements of output: 64 x 64, 64 x 128, 128 x 64, 128 x 128, 256 x 128,
    /// 128 x 256. Ascending.
    std::array<double, 6> padded_tile{};
    double partial_tile = 0;               // of the rows of an expert's tile that is not full
    double least_prompt_tokens = 0;        // of the startup of prefill attention
    double noticeable_extrapolation = 0;   // share of a step from which it is called extrapolated
    SmallLaunches small_launches;
};
/// The same of the closed loop.
struct ServingLaw {
    double most_prefill_steps = 0;   // share of the steps
    double drain_occupancy = 0;      // of the slots, while the last wave of an offline run drains
};
struct KernelTables {
    std::vector<GemmTable> gemm;
    std::vector<MoeTable> moe;
    std::vector<DecodeAttentionTable> decode_attention;
    std::vector<PrefillAttentionTable> prefill_attention;
    std::vector<MlaDecodeTable> mla_decode;
    std::vector<PrefillAttentionTable> mla_prefill;
    std::vector<AllReduceTable> all_reduce;
    std::vector<AllToAllTable> all_to_all;
    AssumedEfficiencies assumed;
    KernelLaw law;
};

/// Scalars of a served engine that no isolated kernel shows.
struct ServingConstants {
    double floor_factor = 1;       // floor of a kernel in the served graph over its isolated floor
    Seconds floor_cap;             // larger floors are eager-mode timings
    double prefill_factor = 1;     // prompt work over isolated kernels
    Seconds host;                  // per step
    Seconds host_per_sequence;     // per sequence and attention rank
    Seconds stream_per_sequence;   // more of it where tokens are streamed to clients
    double expert_skew = 0;        // Gamma shape of expert popularity; 0: uniform routing
    // Of the floor of a quantised GEMM beyond that of bf16: how much is left in the served graph, by where scales come from.
    double quantise_static = 1;
    double quantise_dynamic = 1;
    // Body of a kernel in the served step over the isolated one.
    double gemm_factor = 1;
    double expert_factor = 1;
    double decode_attention_factor = 1;
    Seconds small_kernel;        // of each small launch, whatever the floor factor
    Seconds prompt_step;         // a step that carries prompts is launched kernel by kernel: once,
    Seconds prompt_step_layer;   // and for each layer
    // Steps of a model that the engine has served for y years take exp(young_slowdown e^(-y/young_years)) as long.
    double young_slowdown = 0;
    double young_years = 0;
    double pace =
        1;   // of all steps: what is known of this deployment's class, and the youth of its model; never in a file
    double queue = 0;               // share of the other slots whose prompts are in the way of a new one
    double queue_in_step = 0;       // the same where equal lengths keep in step
    double lone = 1;                // a first token's own prompt over its step
    double lockstep_requests = 0;   // equal lengths start together up to so many requests
    Seconds first_token;            // HTTP, tokeniser, first chunk
    double first_token_steps = 0;   // decode steps it takes beyond the half that an arrival waits anyway
    bool compiled = false;          // a compiled engine launches ahead of its kernels; never in a file
    std::string source;
    ServingLaw law;
};
/// The constants of a release that runs compiled engines: prompts wait for no launches of their own.
[[nodiscard]] ServingConstants as_compiled(ServingConstants constants);

/// Constants that served points taught, of an engine (hwmodels/serving.toml). A profile may state others.
struct ServedEngine {
    std::string engine;
    ServingConstants constants;
};
struct LawConstants {
    KernelLaw kernels;
    ServingLaw serving;
    std::vector<ServedEngine> engines;
    /// Those of the engine; neutral ones where nobody served it.
    [[nodiscard]] ServingConstants served(std::string_view engine) const;
};
[[nodiscard]] LawConstants load_law_constants(const DataStore& data);

enum class Batching { chunked_prefill, prefill_first };   // prompts share steps with decodes, or stall them
enum class MemoryBasis { total, free };   // memory_fraction is of all memory, or of what weights leave

/// What checking drafted tokens costs an engine (hwmodels/drafting.toml).
struct DraftCost {
    double verification =
        0;   // v: a decode step is longer by v q/3 b/(b + 16) for q drafts of b sequences of a rank
    double prompt_factor = 1;       // prompt work is multiplied
    Seconds host_per_sequence{0};   // of a decode step
};

struct EngineSettings {
    Batching batching = Batching::chunked_prefill;
    double chunk_tokens = 8192;    // prompt tokens of one step and attention rank
    double max_sequences = 1024;   // running sequences of an attention rank
    MemoryBasis memory_basis = MemoryBasis::total;
    double memory_fraction = 0.9;
    std::optional<Bytes> reserve{};   // runtime, graphs, activations; nothing: by the engine's memory terms
    double output_reserve = 1;    // share of the output length a sequence holds on average when memory binds
    double admission_steps = 0;   // decode steps between two polls for new requests
    double prompt_interval =
        0;   // least steps between two that carry prompts, where attention ranks step together
    double profiled_tokens =
        0;                     // without chunked prefill: tokens of a step that activations are reserved for
    double draft_tokens = 0;   // drafted per decode step (speculative decoding, multi-token prediction)
    double acceptance = 0;     // a: chance that the first drafted token is accepted
    double acceptance_decay = 1;   // g: that of the j-th, when the ones before it were, is a g^(j-1)
    DraftCost draft_cost{};

    /// Tokens a sequence gains per decode step: 1 + sum over j = 1..q of the product over i <= j of a g^(i-1).
    [[nodiscard]] double tokens_per_step() const {
        double sum = 1;
        double chance = 1;
        double next = acceptance;
        for (double i = 0; i < draft_tokens; ++i, next *= acceptance_decay)
            sum += chance *= std::min(next, 1.0);
        return sum;
    }
    /// Prompt work is that many times more where the engine drafts.
    [[nodiscard]] double prompt_work() const { return draft_tokens > 0 ? draft_cost.prompt_factor : 1; }
    /// Decode steps of `sequences` of an attention rank are that many times longer for their drafts.
    [[nodiscard]] double verification(double sequences) const {
        return 1 + draft_cost.verification * draft_tokens / 3 * sequences / (sequences + 16);
    }
};

struct Profile {
    std::string id;
    std::string accelerator;   // whose kernels were timed; "any": the profile holds for every accelerator
    std::string engine;        // vllm, sglang, trtllm, ideal
    std::string source;
    Provenance basis = Provenance::calibrated;   // borrowed from a relative; roofline: no kernels at all
    std::optional<KernelTables> kernels;         // none: the pure roofline (profile `ideal`)
    ServingConstants serving;
    EngineSettings defaults;
    std::shared_ptr<const EffectTable> effects{};   // of served points (effects.h); never in a file
    FormatSupport formats{};   // of the engine's rules on the generation it runs on; never in a file
    PoolLaw pools{};           // of the engine, from hwmodels/pools.toml; never in a profile file
};

class Reader;
/// Replaces what a table of serving constants states, and keeps the rest.
void read_serving(const Reader& table, ServingConstants& constants);

/// A profile file, or the table `profile` of an accelerator file, with the constants of the laws.
[[nodiscard]] Profile profile_from_toml(const Document& document, const LawConstants& law);

/// Where the calibrated profiles lie; the rules of the engines are in the folder above (engine_rules.h).
inline constexpr std::string_view profile_folder = "hwmodels/engines/profiles";

inline constexpr std::string_view any_accelerator = "any";

/// The profile of an engine on an accelerator: the file of the profile folder that states both names, else that of the
/// `relative` accelerator, else one that holds for any; a relative with basis `borrowed`. `engine` may be a path to a
/// profile.
[[nodiscard]] Profile load_profile(const DataStore& data, std::string_view accelerator,
                                   std::string_view relative, std::string_view engine);
/// What the head of a profile says it is of. Other files of hwmodels/engines state no accelerator.
struct ProfileName {
    std::string file;   // its stem
    std::string accelerator;
    std::string engine;
};
/// Every profile, sorted by file.
[[nodiscard]] std::vector<ProfileName> profile_names(const DataStore& data);
/// Engines that any profile is of, sorted.
[[nodiscard]] std::vector<std::string> engine_names(const DataStore& data);

}   // namespace moecost
