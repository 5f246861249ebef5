// SPDX-License-Identifier: Apache-2.0
#include "moecost/launch/carried.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "moecost/estimate/inputs.h"
#include "moecost/launch/checkpoint.h"

namespace moecost {
namespace {

/// Said by the checkpoint, by the machines, by the load generator, or by the engine's name.
constexpr std::array said{"model",       "family",       "size",           "experts",        "top-k",
                          "granularity", "weights",      "expert-weights", "shared-experts", "gpu",
                          "cluster",     "gpus",         "replicas",       "engine",         "isl",
                          "osl",         "equal-lengths"};

std::string_view without_pool(std::string_view key) {
    for (const std::string_view pool : {"prefill-", "decode-"}) {
        if (key.starts_with(pool) && key != "prefill-only" && key != "decode-only")
            return key.substr(pool.size());
    }
    return key;
}

bool is_said(const Input& input) {
    return std::holds_alternative<LoadSlot>(input.slot) ||
           std::find(said.begin(), said.end(), without_pool(input.key)) != said.end();
}

bool same(const Description& a, const Input& input, const Description& b, const Input& other) {
    const auto x = given_number(a, input);
    const auto y = given_number(b, other);
    if (x && y) return std::abs(*x - *y) <= 1e-9 * std::max(std::abs(*x), std::abs(*y));
    return texts_of(a, input) == texts_of(b, other);
}

/// What is read of the deployment as a whole holds of both pools.
bool comes_back(const Description& given, const Input& input, const Description& read) {
    if (!texts_of(read, input).empty()) return same(given, input, read, input);
    const Input* whole = input_named(without_pool(input.key));
    return whole != nullptr && whole != &input && same(given, input, read, *whole);
}

/// A number that asks for nothing (no drafts, no copies, no overlap) is said by silence.
bool is_nothing(const Description& given, const Input& input) {
    constexpr std::array optional{"draft-tokens", "redundant-experts", "batch-overlap", "host-cache-gb"};
    return given_number(given, input) == 0.0 &&
           std::find(optional.begin(), optional.end(), without_pool(input.key)) != optional.end();
}

/// The same for words: a collective exchange is what engines do when nobody says otherwise.
bool is_usual(const Description& given, const Input& input) {
    const auto texts = texts_of(given, input);
    return without_pool(input.key) == "all-to-all" && texts == std::vector<std::string>{"collective"};
}

}   // namespace

CommandReading read_back(const DataStore& data, const EngineRules& rules, const Server& server) {
    const std::vector<EngineRules> engines{rules};
    const auto at = find_server(engines, server.words);
    if (!at) return {};
    Document settings;
    settings.root = server.settings;
    const ServerWords words{&rules, at->start, at->first};
    CommandReading r = read_server(rules, server.words, words, server.has_settings() ? &settings : nullptr);
    (void)resolve_model(data, r);
    return r;
}

std::vector<std::string> options_not_carried(const Description& given, const CommandReading& read) {
    std::vector<std::string> options;
    for (const Input& input : inputs()) {
        const auto texts = texts_of(given, input);
        if (texts.empty() || is_said(input) || is_nothing(given, input) || is_usual(given, input)) continue;
        if (comes_back(given, input, read.description)) continue;
        for (const std::string& text : texts) {
            std::string option("--");
            option.append(input.key);
            if (!input.argument.empty()) option.append(" ").append(text);
            options.push_back(std::move(option));
        }
    }
    return options;
}

}   // namespace moecost
