// SPDX-License-Identifier: Apache-2.0
// Every input a person can give comes back from the commands, or is told as one that no word says: for each engine, one
// pool and two.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "moecost/estimate/estimate.h"
#include "moecost/estimate/inputs.h"
#include "moecost/launch/carried.h"
#include "moecost/launch/checkpoint.h"
#include "moecost/launch/manifest.h"
#include "moecost/launch/sources.h"

using namespace moecost;

namespace {

const DataStore data;

using Settings = std::vector<std::pair<std::string, std::string>>;

/// A value that differs from what an input usually is, with what it needs besides.
const std::map<std::string, Settings> samples{
    {"kv", {{"kv", "fp8"}}},
    {"set", {{"set", "experts=128"}}},
    {"text-only", {{"text-only", "1"}}},
    {"host-tables", {{"host-tables", "1"}}},
    {"gpu", {{"gpu", "b200_sxm"}}},
    {"gpus", {{"gpus", "16"}}},
    {"tp", {{"tp", "8"}, {"attention-dp", "1"}}},
    {"pp", {{"pp", "2"}}},
    {"ep", {{"ep", "1"}}},
    {"attention-dp", {{"attention-dp", "4"}, {"ep", "4"}}},
    {"replicas", {{"replicas", "3"}}},
    {"all-to-all", {{"all-to-all", "low-latency"}}},
    {"redundant-experts", {{"redundant-experts", "8"}}},
    {"batch-overlap", {{"batch-overlap", "1"}}},
    {"prefill-gpus", {{"prefill-gpus", "24"}}},
    {"prefill-replicas", {{"prefill-replicas", "3"}}},
    {"prefill-gpu", {{"prefill-gpu", "b200_sxm"}}},
    {"prefill-tp", {{"prefill-tp", "8"}, {"prefill-attention-dp", "1"}}},
    {"prefill-pp", {{"prefill-pp", "2"}}},
    {"prefill-ep", {{"prefill-ep", "1"}}},
    {"prefill-attention-dp", {{"prefill-attention-dp", "4"}, {"prefill-ep", "4"}}},
    {"prefill-redundant-experts", {{"prefill-redundant-experts", "8"}}},
    {"prefill-all-to-all", {{"prefill-all-to-all", "normal"}}},
    {"prefill-chunk", {{"prefill-chunk", "16384"}}},
    {"prefill-memory-fraction", {{"prefill-memory-fraction", "0.75"}}},
    {"decode-gpus", {{"decode-gpus", "16"}}},
    {"decode-replicas", {{"decode-replicas", "2"}}},
    {"decode-gpu", {{"decode-gpu", "b200_sxm"}}},
    {"decode-tp", {{"decode-tp", "8"}, {"decode-attention-dp", "1"}}},
    {"decode-ep", {{"decode-ep", "1"}}},
    {"decode-attention-dp", {{"decode-attention-dp", "4"}, {"decode-ep", "4"}}},
    {"decode-redundant-experts", {{"decode-redundant-experts", "16"}}},
    {"decode-all-to-all", {{"decode-all-to-all", "low-latency"}}},
    {"decode-max-sequences", {{"decode-max-sequences", "77"}}},
    {"decode-memory-fraction", {{"decode-memory-fraction", "0.8"}}},
    {"transfer-gb-s", {{"transfer-gb-s", "40"}}},
    {"transfer-overlap", {{"transfer-overlap", "0.5"}}},
    {"chunk", {{"chunk", "4096"}}},
    {"max-sequences", {{"max-sequences", "100"}}},
    {"memory-fraction", {{"memory-fraction", "0.8"}}},
    {"reserve-gb", {{"reserve-gb", "7"}}},
    {"release", {{"release", "0.24"}}},
    {"model-years", {{"model-years", "1"}}},
    {"expert-skew", {{"expert-skew", "2"}}},
    {"admission-steps", {{"admission-steps", "3"}}},
    {"draft-tokens", {{"draft-tokens", "1"}}},
    {"acceptance", {{"acceptance", "0.7"}, {"draft-tokens", "1"}}},
    {"acceptance-decay", {{"acceptance-decay", "0.8"}, {"acceptance", "0.7"}, {"draft-tokens", "1"}}},
    {"isl", {{"isl", "2000"}}},
    {"osl", {{"osl", "500"}}},
    {"cached", {{"cached", "0.3"}}},
    {"turns", {{"turns", "3"}, {"isl", "4000"}}},
    {"think-time", {{"think-time", "30s"}, {"turns", "3"}, {"isl", "4000"}}},
    {"host-cache-gb", {{"host-cache-gb", "100"}, {"turns", "3"}, {"isl", "4000"}}},
    {"host-link-gbs", {{"host-link-gbs", "40"}, {"host-cache-gb", "100"}, {"turns", "3"}, {"isl", "4000"}}},
    {"equal-lengths", {{"equal-lengths", "1"}}},
    {"concurrency", {{"concurrency", "100"}}},
    {"rate", {{"rate", "1"}}},
    {"burstiness", {{"burstiness", "2"}, {"rate", "1"}}},
    {"offline", {{"offline", "1"}}},
    {"slo-ttft", {{"slo-ttft", "p95:2s"}}},
    {"slo-tpot", {{"slo-tpot", "50ms"}}},
    {"max-context", {{"max-context", "1"}}},
    {"price", {{"price", "3"}}},
    {"blend", {{"blend", "2"}}},
};

/// Said by the heading, the load generator, or not by launch at all: they are given again beside the command.
const std::set<std::string> elsewhere{"gpu",
                                      "cluster",
                                      "gpus",
                                      "replicas",
                                      "isl",
                                      "osl",
                                      "equal-lengths",
                                      "concurrency",
                                      "rate",
                                      "offline",
                                      "prefill-gpu",
                                      "decode-gpu",
                                      "prefill-gpus",
                                      "decode-gpus",
                                      "prefill-replicas",
                                      "decode-replicas"};

Description base_of(const std::string& engine, bool apart) {
    Description d;
    d.model = "deepseek-v3";
    d.gpu = "h200_sxm";
    d.engine = engine;
    d.tp = 1;
    d.attention_dp = d.ep = 8;
    if (apart) d.prefill.replicas = d.decode.replicas = 1;
    return d;
}

std::optional<Description> given_with(Description d, const Settings& settings) {
    for (const auto& [key, text] : settings) {
        const Input* input = input_named(key);
        if (std::holds_alternative<LoadSlot>(input->slot)) d.load.reset();
        if (key == "prefill-gpus") d.prefill.replicas.reset();
        if (key == "decode-gpus") d.decode.replicas.reset();
        set_option(d, key, text, {});
    }
    return d;
}

/// The words of every pool as launch writes them, read back.
std::optional<CommandReading> read_all(const Description& d, const Scenario& s) {
    std::vector<CommandReading> read;
    for (const Pool& p : s.pools) {
        LaunchChoices c;
        const auto checkpoint = checkpoint_of(data, d.model, s, p);
        if (!checkpoint) return std::nullopt;
        c.checkpoint = checkpoint->id;
        c.quantised = checkpoint->quantised;
        const auto server = server_of(s, p, c);
        if (!server) return std::nullopt;
        read.push_back(read_back(data, p.rules, *server));
        CHECK(read.back().unknown.empty());
        read.back().description.replicas = p.replicas;
    }
    return read.size() > 1 ? joined(read[0], read[1]) : read[0];
}

std::string told(const std::vector<std::string>& options) {
    std::string s;
    for (const std::string& o : options) s.append(o).append(" ");
    return s;
}

bool is_told(const std::vector<std::string>& options, const std::string& option) {
    return std::any_of(options.begin(), options.end(),
                       [&](const std::string& o) { return o == option || o.starts_with(option + " "); });
}

/// What an input comes to in a scenario.
std::string value_in(const Description& d, const Scenario& s, const Input& input) {
    const View view{&d, &s, nullptr, nullptr};
    if (input.text != nullptr) return std::string(input.text(view));
    if (input.number == nullptr) return {};
    const double x = input.number(view);
    return std::isnan(x) ? "-" : std::to_string(x);
}

void check_same(const Description& a, const Description& b, const std::string& options) {
    const auto first = describe(data, a);
    const auto second = describe(data, b);
    REQUIRE(first);
    REQUIRE_MESSAGE(second, options_of(b));
    for (const Input& input : inputs()) {
        CAPTURE(input.key);
        CHECK_MESSAGE(value_in(a, *first, input) == value_in(b, *second, input), options_of(a)
                                                                                     << "\n"
                                                                                     << options_of(b) << "\n"
                                                                                     << options);
    }
    CHECK(first->architecture.layers == second->architecture.layers);
}

}   // namespace

TEST_CASE("every input comes back from what launch writes, or is told as one that no word says") {
    int compared = 0;
    for (const char* engine : {"vllm", "sglang", "trtllm"}) {
        for (const bool apart : {false, true}) {
            for (const auto& [key, settings] : samples) {
                CAPTURE(engine);
                CAPTURE(apart);
                CAPTURE(key);
                if (!apart && std::holds_alternative<PoolSlot>(input_named(key)->slot)) continue;
                if (!apart && key.starts_with("transfer-")) continue;
                const auto d = given_with(base_of(engine, apart), settings);
                const auto s = describe(data, *d);
                if (!s) continue;   // the engine refuses it
                const auto read = read_all(*d, *s);
                if (!read) continue;
                const std::vector<std::string> missing = options_not_carried(*d, *read);
                Description back = read->description;
                for (const Input& input : inputs()) {
                    const bool again = is_told(missing, std::string("--").append(input.key));
                    const bool load = std::holds_alternative<LoadSlot>(input.slot);
                    if (again || load || elsewhere.count(std::string(input.key)) > 0)
                        copy_input(back, *d, input);
                }
                if (is_told(missing, "--set")) back.edits = d->edits;
                ++compared;
                check_same(*d, back, told(missing));
            }
        }
    }
    CHECK(compared > 200);
}

TEST_CASE("the script of two pools comes back with its workers") {
    for (const char* engine : {"vllm", "sglang", "trtllm"}) {
        Description d = base_of(engine, true);
        d.prefill.replicas = 3;
        d.decode.replicas = 2;
        d.decode.redundant_experts = 8;
        const auto s = describe(data, d);
        REQUIRE(s);
        std::string text;
        for (const Pool& p : s->pools) {
            LaunchChoices c;
            c.checkpoint = "deepseek-ai/DeepSeek-V3";
            c.settings_file = std::string("settings-").append(name_of(p.role)).append(".yaml");
            text.append("# ").append(name_of(p.role)).append(" worker, start ");
            text.append(std::to_string(p.replicas)).append(" of them:\n").append(*script_of(*s, p, c));
        }
        const auto engines = launchable_engines(data);
        const auto found = find_commands(engines, text, "");
        REQUIRE(found.size() == 2);
        std::vector<CommandReading> read;
        for (const FoundCommand& f : found) {
            read.push_back(read_server(*f.at.rules, f.words, f.at, f.settings ? &*f.settings : nullptr));
            read.back().description.replicas = static_cast<int>(f.replicas);
            CHECK(resolve_model(data, read.back()));
        }
        CHECK(role_of(read[0]) == "prefill");
        CHECK(role_of(read[1]) == "decode");
        Description back = joined(read[0], read[1]).description;
        back.gpu = d.gpu;
        CHECK(back.prefill.replicas == 3);
        CHECK(back.decode.replicas == 2);
        check_same(d, back, {});
    }
}
