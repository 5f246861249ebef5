// SPDX-License-Identifier: Apache-2.0
// A deployment as a person describes it: names and optional numbers. One table of options is the single source of
// command-line flags, scenario files, help, man page and shell completion.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moecost/base/value.h"
#include "moecost/model/family/family.h"
#include "moecost/model/huggingface/huggingface.h"
#include "moecost/traffic/traffic.h"

namespace moecost {

struct Description {
    std::string model;
    std::string family;   // instead of a model: a member of a family, of this size and with these choices
    std::optional<double> size;
    std::optional<int> experts, top_k, granularity, shared_experts;
    std::string gpu;
    std::string cluster;
    std::string engine = "vllm";
    std::optional<int> gpus, tp, pp, ep, attention_dp, replicas;
    std::string exchange;                      // all-to-all backend: low-latency, normal; empty: collectives
    std::string weights, expert_weights, kv;   // empty: as released
    std::string traffic;
    std::optional<double> isl, osl, prefix_hit_rate;
    std::optional<bool> equal_lengths;
    std::optional<LoadKind> load;
    double requests = 0;   // by `load`
    std::optional<double> chunk, max_sequences, memory_fraction, reserve_gb, admission_steps;
    std::optional<double> draft_tokens, acceptance;
    std::optional<double> slo_ttft, slo_tpot;
    std::string price;
    std::optional<double> blend;
    std::vector<std::pair<std::string, std::string>> edits;   // what-if edits of the architecture
    ImportOptions import;                                     // how a configuration of others is read
};

/// One option: its key (flag --key and scenario key), the argument shown in help (empty: a switch), help text, group,
/// and how it changes a description. `apply` receives the text and throws InputError through `where`.
struct Option {
    std::string_view key;
    std::string_view argument;
    std::string_view group;
    std::string_view help;
    void (*apply)(Description& description, std::string_view text, const Location& where);
};
[[nodiscard]] std::span<const Option> description_options();

/// Sets one option by key; InputError names the nearest key.
void set_option(Description& description, std::string_view key, std::string_view text, const Location& where);

/// The member of its family that a description asks for; what it leaves open is the usual of the family.
[[nodiscard]] FamilyRequest member_request(const Description& description);

/// A scenario file: `key = value` with the keys of the options; `set` is a table of what-if edits.
void apply_scenario_file(Description& description, const Document& document);

/// "7e9", "7B", "350M", "1.5T": parameters. InputError names what is allowed.
[[nodiscard]] double parse_size(std::string_view text, const Location& where);
/// "2s", "50ms", "1.5" (seconds). InputError names what is allowed.
[[nodiscard]] double parse_duration(std::string_view text, const Location& where);

}   // namespace moecost
