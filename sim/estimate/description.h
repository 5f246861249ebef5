// SPDX-License-Identifier: Apache-2.0
// A deployment as a person describes it: names and optional numbers, each an input of the table in inputs.h.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "moecost/base/value.h"
#include "moecost/model/family/family.h"
#include "moecost/traffic/load.h"

namespace moecost {

struct Description {
    std::string model;
    std::string family;   // instead of a model: a member of a family, of this size and with these choices
    std::optional<double> size;
    std::optional<int> experts, top_k, granularity, shared_experts;
    std::string gpu;
    std::string cluster;
    std::string engine;                  // empty: vllm, or the profile of the accelerator's own file
    std::string engine_version;          // as measurements name it; empty: not known
    std::string profile;                 // file of `moecost calibrate --serving`
    std::optional<double> model_years;   // that the engine has served the model for; none: many
    std::optional<int> gpus;             // of the whole deployment
    std::optional<int> tp, pp, ep, attention_dp;   // of one instance
    std::optional<int> replicas;
    std::string exchange;                      // all-to-all backend: low-latency, normal; empty: collectives
    std::string weights, expert_weights, kv;   // empty: as released
    std::string traffic;
    std::optional<double> isl, osl, prefix_hit_rate;
    std::optional<bool> equal_lengths;
    std::optional<Load> load;   // of the whole deployment
    std::optional<double> chunk, max_sequences, memory_fraction, reserve_gb, admission_steps;
    std::optional<double> draft_tokens, acceptance;
    std::optional<double> slo_ttft, slo_tpot;               // seconds
    std::optional<double> slo_ttft_level, slo_tpot_level;   // of a percentile; none: the mean
    std::string price;                        // a basis; empty: that of the accelerator's price file
    std::optional<double> usd_per_gpu_hour;   // in place of a basis
    std::optional<double> blend;
    std::vector<std::pair<std::string, std::string>> edits;   // what-if edits of the architecture
    std::vector<std::string> ignored_keys;                    // of a config.json, counted without them
    std::optional<bool> text_only, host_tables;               // towers left out; lookup tables on the host
};

/// The member of its family that a description asks for; what it leaves open is the usual of the family.
[[nodiscard]] FamilyRequest member_request(const Description& description);

/// The description whose member_request() this is.
[[nodiscard]] Description description_of(const FamilyRequest& request);

}   // namespace moecost
