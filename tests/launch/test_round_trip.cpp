// SPDX-License-Identifier: Apache-2.0
// What launch writes, the reader reads back: commands, settings files and manifests of random deployments.
#include <doctest/doctest.h>

#include <map>
#include <random>

#include "moecost/base/yaml.h"
#include "moecost/estimate/estimate.h"
#include "moecost/launch/checkpoint.h"
#include "moecost/launch/manifest.h"
#include "moecost/launch/sources.h"

using namespace moecost;

namespace {

const DataStore data;

template <class T>
T pick(std::mt19937& random, const std::vector<T>& from) {
    return from[random() % from.size()];
}

Description random_deployment(std::mt19937& random) {
    Description d;
    d.engine = pick<std::string>(random, {"vllm", "sglang", "trtllm"});
    d.model = pick<std::string>(random, {"deepseek-v3", "mixtral-8x7b", "gpt-oss-120b", "qwen3-235b-a22b",
                                         "kimi-k2", "llama-3.1-70b"});
    d.gpu = pick<std::string>(random, {"h200_sxm", "b200_sxm", "h100_sxm"});
    d.tp = pick<int>(random, {1, 2, 4, 8});
    d.attention_dp = pick<int>(random, {1, 1, 2, 4, 8, 16});
    d.pp = pick<int>(random, {1, 1, 2});
    d.ep = pick<int>(random, {1, *d.tp * *d.attention_dp, 2, 4});
    d.exchange = pick<std::string>(random, {"", "", "low-latency", "normal"});
    d.kv = pick<std::string>(random, {"bf16", "fp8"});
    d.chunk = pick<double>(random, {2048, 8192, 16384});
    d.max_sequences = 1 + static_cast<double>(random() % 1000);
    d.memory_fraction = 0.5 + static_cast<double>(random() % 45) / 100;
    d.draft_tokens = pick<double>(random, {0, 0, 1, 3});
    d.isl = 1000 + static_cast<double>(random() % 3000);
    return d;
}

using Cache = std::map<std::string, Expected<Scenario>>;

/// The scenario of a description; its names are resolved once.
Expected<Scenario> scenario_of(Cache& cache, const Description& d) {
    std::string key;
    for (const std::string& name : {d.engine, d.model, d.gpu, d.kv, d.exchange, d.weights})
        key.append(name).append("|");
    auto it = cache.find(key);
    if (it == cache.end()) {
        Description names = d;
        names.tp = names.pp = names.ep = names.attention_dp = 1;
        it = cache.emplace(key, describe(data, names)).first;
    }
    if (!it->second) return it->second;
    Scenario s = *it->second;
    if (const auto why = apply_numbers(d, s)) return *why;
    return s;
}

/// Whatever the command carries of a scenario.
std::string carried(const Scenario& s) {
    const Pool& p = s.pool();
    std::string text(s.architecture.name);
    for (const double n : {double{1} * p.layout.tp, double{1} * p.layout.pp, double{1} * p.layout.ep,
                           double{1} * p.layout.attention_dp, p.settings.chunk_tokens,
                           p.settings.max_sequences, p.settings.memory_fraction, p.settings.draft_tokens})
        text.append(" ").append(std::to_string(n));
    text.append(" ").append(name_of(p.layout.exchange)).append(" ").append(info(p.precision.kv_cache).name);
    return text.append(" ").append(info(p.precision.attention).name).append(" ").append(p.profile.engine);
}

CommandReading read_back(const std::vector<EngineRules>& engines, const std::string& text,
                         const std::string& file) {
    const auto found = find_commands(engines, text, file);
    CommandReading r = read_server(*found[0].at.rules, found[0].words, found[0].at,
                                   found[0].settings ? &*found[0].settings : nullptr);
    CHECK(resolve_model(data, r));
    return r;
}

}   // namespace

TEST_CASE("a thousand random deployments come back as they were") {
    std::mt19937 random(7);
    const auto engines = launchable_engines(data);
    Cache cache;
    int launched = 0;
    for (int i = 0; i < 60000 && launched < 1000; ++i) {
        const Description d = random_deployment(random);
        const Expected<Scenario> scenario = scenario_of(cache, d);
        if (!scenario) continue;
        LaunchChoices c;
        const auto checkpoint = checkpoint_of(data, d.model, *scenario, scenario->pool());
        REQUIRE(checkpoint);
        c.checkpoint = checkpoint->id;
        const auto script = script_of(*scenario, scenario->pool(), c);
        if (!script) continue;
        ++launched;
        CommandReading r = read_back(engines, *script, "");
        CHECK(r.unknown.empty());
        r.description.gpu = d.gpu;
        r.description.isl = d.isl;
        const Expected<Scenario> again = scenario_of(cache, r.description);
        REQUIRE_MESSAGE(again, *script);
        const bool same = carried(*again) == carried(*scenario);
        CHECK_MESSAGE(same, carried(*scenario) << "\n" << carried(*again) << "\n" << *script);
        if (!same || launched % 10 != 0) continue;
        for (const Manifest form :
             {Manifest::kubernetes, Manifest::compose, Manifest::llm_d, Manifest::dynamo}) {
            const auto manifest = manifest_of(*scenario, scenario->pool(), c, form);
            if (!manifest) continue;
            CommandReading m = read_back(engines, *manifest, "m.yaml");
            CHECK_MESSAGE(m.unknown.empty(), *manifest);
            m.description.gpu = d.gpu;
            m.description.isl = d.isl;
            const Expected<Scenario> third = scenario_of(cache, m.description);
            REQUIRE_MESSAGE(third, *manifest);
            CHECK_MESSAGE(carried(*third) == carried(*scenario), *manifest);
        }
    }
    CHECK(launched == 1000);
}
