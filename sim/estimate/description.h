// SPDX-License-Identifier: Apache-2.0
// A deployment as a person describes it: names and optional numbers, each an input of the table in inputs.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "moecost/base/error_place.h"
#include "moecost/base/value.h"
#include "moecost/model/family/family.h"
#include "moecost/traffic/load.h"
#include "moecost/traffic/traffic.h"

namespace moecost {

inline constexpr double usual_think_s = 60;
inline constexpr double usual_host_link_gbs = 50;   // PCIe 5 x16 as copies reach it

/// What one of two pools has of its own; what is not given is that of the whole deployment.
struct PoolChoices {
    std::string gpu, cluster, exchange, weights, expert_weights, price;
    std::optional<int> gpus, replicas, tp, pp, ep, attention_dp, redundant_experts;
    std::optional<double> chunk, max_sequences, memory_fraction;

    /// Says how large the pool is.
    [[nodiscard]] bool sized() const { return gpus.has_value() || replicas.has_value(); }
    bool operator==(const PoolChoices&) const = default;
};

struct Description {
    std::string model;
    std::string family;   // instead of a model: a member of a family, of this size and with these choices
    std::optional<double> size;
    std::optional<int> experts, top_k, granularity, shared_experts;
    std::string gpu;
    std::string cluster;
    std::string engine;           // empty: vllm, or the profile of the accelerator's own file
    std::string engine_version;   // as measurements name it; empty: not known
    std::string profile;          // file of `moecost calibrate --serving`
    std::optional<double>
        expert_skew;   // Gamma shape of expert popularity; 0: all alike; none: of the engine
    std::optional<double> model_years;             // that the engine has served the model for; none: many
    std::optional<int> gpus;                       // of the whole deployment
    std::optional<int> tp, pp, ep, attention_dp;   // of one instance
    std::optional<int> replicas;
    std::string exchange;                      // all-to-all backend: low-latency, normal; empty: collectives
    std::string weights, expert_weights, kv;   // empty: as released
    std::string traffic;
    std::string trace;                             // replayed
    std::shared_ptr<const Traffic> traffic_read;   // what the trace that `traffic` or `trace` names says
    std::optional<double> isl, osl, prefix_hit_rate;
    std::optional<double> burstiness;
    std::optional<bool> equal_lengths;
    std::optional<Load> load;   // of the whole deployment
    std::optional<double> chunk, max_sequences, memory_fraction, reserve_gb, admission_steps;
    std::optional<double> draft_tokens, acceptance, acceptance_decay;
    std::optional<double> turns, think_time, host_cache_gb,
        host_link_gbs;                                      // what fills and backs a prefix cache
    std::optional<double> slo_ttft, slo_tpot;               // seconds
    std::optional<double> slo_ttft_level, slo_tpot_level;   // of a percentile; none: the mean
    std::string price;                        // a basis; empty: that of the accelerator's price file
    std::optional<double> usd_per_gpu_hour;   // in place of a basis
    std::optional<double> blend;
    PoolChoices prefill, decode;           // two pools where either is sized
    std::optional<double> transfer_gb_s;   // of one GPU, for caches on their way to the decode pool
    std::optional<double>
        transfer_overlap;                   // share of the transfer that hides behind the prompt's own steps
    std::optional<int> redundant_experts;   // of one instance, beyond those of the model
    std::optional<bool> batch_overlap;      // two half batches, one computing while the other travels
    std::optional<bool> max_context;        // ask what memory can hold
    std::vector<std::pair<std::string, std::string>> edits;   // what-if edits of the architecture
    std::vector<std::string> ignored_keys;                    // of a config.json, counted without them
    std::vector<std::pair<std::string, Location>> places;     // remember_place()
    std::optional<bool> text_only, host_tables;               // towers left out; lookup tables on the host

    [[nodiscard]] bool two_pools() const { return prefill.sized() || decode.sized(); }
};

/// Where the value of an input was read, in a file or as an option; nothing is known of one set by hand. `key` is that of
/// the input, or set.FIELD of an edit.
[[nodiscard]] Location place_of(const Description& description, std::string_view key);
void remember_place(Description& description, std::string key, Location where);

/// What `read` returns; an error of it is told at the place of the input that it names, or else of the input `key`.
template <class Read>
auto placed(const Description& description, std::string_view key, Read read) -> decltype(read()) {
    try {
        return read();
    } catch (const InputError& e) {
        const std::string_view option = option_of(e);
        throw placed_at(e, place_of(description, option.empty() ? key : option));
    }
}

/// The member of its family that a description asks for; what it leaves open is the usual of the family.
[[nodiscard]] FamilyRequest member_request(const Description& description);

/// The description whose member_request() this is.
[[nodiscard]] Description description_of(const FamilyRequest& request);

}   // namespace moecost
