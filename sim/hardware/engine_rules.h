// SPDX-License-Identifier: Apache-2.0
// What an engine can launch, on which number formats, with which defaults and under which words of its command line:
// hwmodels/engines/<engine>.toml as plain values. The schema stands at the head of vllm.toml; sim/ops/launchable.h
// judges a layout by the rules.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moecost/base/data.h"
#include "moecost/base/dtype.h"
#include "moecost/hardware/engine_memory.h"
#include "moecost/hardware/format_support.h"
#include "moecost/hardware/profile/profile.h"
#include "moecost/hardware/rule_conditions.h"

namespace moecost {

inline constexpr std::string_view rules_folder = "hwmodels/engines";

struct LaunchRule {
    std::string name;
    std::vector<Condition> when, check;
    std::string reason, fix, source;   // {quantity} stands for a value
    bool of_mixers = false;            // names a quantity that differs between groups of mixers,
    bool of_ffns = false;              // or of feed-forwards: judged group by group
};

struct FormatRow {
    FormatRole role{};
    std::vector<DType> formats;
    std::vector<std::string> generations;   // empty: any, unknown ones too
    Compute compute{};
    std::optional<CacheKind> mixers;   // of a cache; none: both
    std::string kernel, source;
};

/// What an unset option means; of [[defaults_for]] only the keys that stand there.
struct DefaultsRow {
    std::vector<std::string> generations;   // empty: any
    std::vector<Condition> when;
    std::optional<Batching> batching;
    std::optional<MemoryBasis> memory_basis;
    std::optional<double> chunk_tokens, max_sequences, memory_fraction, reserve_gb, output_reserve,
        admission_steps, acceptance, block_tokens;
    std::optional<bool> prefix_caching;
    std::optional<std::string> kv_cache;   // "model" or a format
};

/// How the engine says an input of ours.
struct EngineFlag {
    std::string input;
    std::string flag;   // empty: not a word of the command line
    std::vector<std::string> aliases;
    std::string yaml;                                          // key of a settings file; empty: none
    std::vector<std::string> value;                            // product of quantities and inputs
    double add = 0;                                            // to the product
    std::string text;                                          // template with {names}; empty: none
    std::vector<std::pair<std::string, std::string>> values;   // our word, the engine's
    std::vector<std::pair<std::string, std::string>> reads;    // further words of the engine, ours
    std::vector<std::pair<std::string, std::vector<std::string>>> implies;   // a quantity and its factors
    bool refines = false;   // says nothing by itself: narrows what another row of the input says
    std::string beside;     // the switch without which the number means `alone`
    std::string alone;
    std::vector<Condition> when;
    std::string off, since, until;
    [[nodiscard]] bool is_switch() const { return value.empty() && text.empty() && values.empty(); }
};

struct EngineProgram {
    std::vector<std::string> command, config;
    std::vector<std::vector<std::string>> starts;   // further words that start the same server
    std::vector<std::string>
        across_nodes;           // the words before the command on more than one node; may be empty
    bool abbreviates = false;   // unique beginnings of a flag stand for it
    std::string image, health, since;
    std::string tag;                   // before a version in the tag of the image: "v" or empty
    std::vector<std::string> dynamo;   // the words that start a Dynamo worker; empty: not known
    std::string dynamo_image;
    std::string dynamo_role;   // its flag for prefill or decode, where the engine's own words do not say it
    std::string llm_d;         // modelCommand of llm-d values; empty: not known
    int port = 0;
};

struct EngineRules {
    std::string id;     // the word of --engine
    std::string name;   // for people
    std::string versions, date, source;
    std::vector<std::pair<std::string, std::vector<RuleTerm>>>
        numbers;   // the engine's own sizes as products
    std::vector<LaunchRule> launch;
    std::vector<FormatRow> formats;
    std::vector<DefaultsRow> defaults;   // in order: the last that matches wins
    std::vector<EngineFlag> flags;
    EngineProgram program;
    EngineMemory memory;
    std::vector<std::string> generations;         // that the file names
    std::vector<std::string> compiled_releases;   // what names of releases that compile a model begin with
    [[nodiscard]] bool compiles(std::string_view release) const;
};

/// hwmodels/engines/<engine>.toml; InputError names the nearest engine, or the line and key that are wrong.
[[nodiscard]] EngineRules load_engine_rules(const DataStore& data, std::string_view engine);
[[nodiscard]] EngineRules engine_rules_from_toml(const Document& document);
/// The same; an engine without a file (a profile of one's own under another name) has no rules.
[[nodiscard]] EngineRules engine_rules_if_any(const DataStore& data, std::string_view engine);

/// The code of a generation for RuleTerm::generation: -1 where the file does not name it, unknown_generation for "".
[[nodiscard]] double generation_code(const EngineRules& rules, std::string_view generation);

/// How each format is computed on a generation. Generation not known, or rules without formats: by_tables everywhere.
[[nodiscard]] FormatSupport format_support(const EngineRules& rules, std::string_view generation);
/// The same for one format. `kind` counts for a cache alone.
[[nodiscard]] Compute how_computed(const EngineRules& rules, FormatRole role, DType format,
                                   std::string_view generation, CacheKind kind = CacheKind::grouped);

/// Launch defaults on a generation. Format of the cache: below.
[[nodiscard]] EngineSettings default_settings(const EngineRules& rules, std::string_view generation);
/// Format of the cache when nobody says (`values` holds the formats of the weights); nothing: as released.
[[nodiscard]] std::optional<DType> default_cache(const EngineRules& rules, std::string_view generation,
                                                 const TermValues& values);

/// Every row about one input of ours, in order.
[[nodiscard]] std::vector<const EngineFlag*> flags_of(const EngineRules& rules, std::string_view input);
/// The rows that a word of the command line stands for; '-' and '_' are the same inside a word.
[[nodiscard]] std::vector<const EngineFlag*> flags_named(const EngineRules& rules, std::string_view word);

}   // namespace moecost
