// SPDX-License-Identifier: Apache-2.0
// Every change that is told as one that would run does run, whatever the deployment that was refused.
#include <doctest/doctest.h>

#include "moecost/estimate/estimate.h"
#include "moecost/estimate/fix_options.h"
#include "moecost/estimate/inputs.h"

using namespace moecost;

namespace {

const DataStore data;

std::optional<Infeasible> why_not(const Description& d) {
    const Expected<Scenario> s = describe(data, d);
    if (!s) return s.error();
    const Expected<Estimate> e = evaluate(*s);
    return e ? std::nullopt : std::optional<Infeasible>(e.error());
}

std::optional<Infeasible> why_not_with(Description d, const Change& change) {
    for (const auto& [key, text] : change) set_option(d, key, text, {});
    return why_not(d);
}

struct Hints {
    int refused = 0;
    int fixed = 0;
};

/// Tries the hint of a deployment, if it is refused at all.
void try_hint(const Description& d, Hints& hints) {
    const auto why = why_not(d);
    if (!why) return;
    ++hints.refused;
    const std::string fix = smallest_fix(data, d, *why);
    if (fix.empty()) return;
    ++hints.fixed;
    const auto alternatives = options_in(fix);
    CHECK_MESSAGE(!alternatives.empty(), fix);
    for (const Change& c : alternatives) {
        const auto still = why_not_with(d, c);
        CHECK_MESSAGE(!still, options_of(d) << "\n" << fix << "\n" << (still ? to_text(*still) : ""));
    }
}

Description deployment(const char* model, const char* gpu, const char* engine) {
    Description d;
    d.model = model;
    d.gpu = gpu;
    d.engine = engine;
    return d;
}

}   // namespace

TEST_CASE("sentences about what to do are read as options") {
    using L = std::vector<Change>;
    CHECK(options_in("--tp 1 --attention-dp 16, or --tp 16 --attention-dp 1") ==
          L{{{"tp", "1"}, {"attention-dp", "16"}}, {{"tp", "16"}, {"attention-dp", "1"}}});
    CHECK(options_in("--ep 8 (--enable-expert-parallel) or --ep 1") == L{{{"ep", "8"}}, {{"ep", "1"}}});
    CHECK(options_in("--engine vllm or sglang") == L{{{"engine", "vllm"}}, {{"engine", "sglang"}}});
    CHECK(options_in("redundant experts that make the sum a multiple of ep").empty());
    CHECK(options_in("a smaller tp, with --pp or --attention-dp for the rest") ==
          L{{{"attention-dp", "for"}}});
}

TEST_CASE("the hint to every refused deployment of one pool runs") {
    Hints hints;
    for (const char* engine : {"vllm", "sglang", "trtllm"}) {
        for (const char* model : {"deepseek-v3", "qwen3-235b-a22b-fp8", "gpt-oss-120b"}) {
            for (const int tp : {1, 8, 16}) {
                for (const int dp : {1, 8}) {
                    for (const int ep : {1, 3, 8}) {
                        for (const char* exchange : {"", "low-latency"}) {
                            Description d = deployment(model, "h100_sxm", engine);
                            d.tp = tp;
                            d.attention_dp = dp;
                            d.ep = ep;
                            d.exchange = exchange;
                            try_hint(d, hints);
                        }
                    }
                }
            }
        }
    }
    CHECK(hints.refused > 150);
    CHECK(hints.fixed > 0.9 * hints.refused);
}

TEST_CASE("the hint to every refused deployment of two pools runs, and names the pool") {
    Hints hints;
    for (const char* engine : {"vllm", "sglang", "trtllm"}) {
        for (const char* model : {"deepseek-v3", "gpt-oss-120b", "qwen3-next-80b-a3b"}) {
            for (const int prefill_tp : {1, 4, 8}) {
                for (const int decode_tp : {3, 8}) {
                    for (const int pp : {1, 2}) {
                        for (const int ep : {1, 8}) {
                            Description d = deployment(model, "h200_sxm", engine);
                            d.prefill.replicas = d.decode.replicas = 1;
                            d.prefill.tp = prefill_tp;
                            d.decode.tp = decode_tp;
                            d.prefill.pp = pp;
                            d.decode.ep = ep;
                            try_hint(d, hints);
                        }
                    }
                }
            }
        }
    }
    CHECK(hints.refused > 100);
    CHECK(hints.fixed > 0.9 * hints.refused);
}

TEST_CASE("counts of GPUs, loads and memory that do not fit get a hint that runs") {
    Hints hints;
    for (const int gpus : {3, 9, 12, 20, 64}) {
        for (const double rate : {0.5, 20.0, 60.0}) {
            for (const bool apart : {false, true}) {
                Description d = deployment("deepseek-v3", "h200_sxm", "vllm");
                d.load = OpenLoop{rate};
                d.isl = 3000;
                d.osl = 800;
                (apart ? d.prefill.gpus : d.gpus) = gpus;
                (apart ? d.prefill.tp : d.tp) = 8;
                if (apart) d.decode.gpus = gpus;
                if (apart) d.decode.tp = 8;
                try_hint(d, hints);
            }
        }
    }
    CHECK(hints.refused > 15);
    CHECK(hints.fixed > 0.8 * hints.refused);
}

TEST_CASE("pipeline stages of a prefill worker under vLLM are refused with what runs") {
    Description d = deployment("deepseek-v3", "h200_sxm", "vllm");
    d.prefill.replicas = d.decode.replicas = 1;
    d.tp = 8;
    d.prefill.pp = 2;
    const auto why = why_not(d);
    REQUIRE(why);
    CHECK(why->detail ==
          "NixlConnector hands caches over between workers of one pipeline stage each, the prefill worker "
          "has 2");
    CHECK(smallest_fix(data, d, *why) == "--prefill-pp 1");
}

TEST_CASE(
    "weights that do not fit a node are spread over the GPUs that were given before their format is "
    "changed") {
    Description d;
    d.model = "kimi-k2";
    d.gpu = "h200_sxm";
    d.gpus = 16;
    const auto why = why_not(d);
    REQUIRE(why);
    CHECK(smallest_fix(data, d, *why) == "--tp 16");
}

TEST_CASE("a tensor parallelism that divides nothing is answered with the nearest that does") {
    for (const auto& [tp, fix] : {std::pair{3, "--tp 4"}, {5, "--tp 8"}, {6, "--tp 8"}}) {
        Description d;
        d.model = "gpt-oss-120b";
        d.gpu = "h100_sxm";
        d.tp = tp;
        const Expected<Scenario> s = describe(DataStore(), d);
        REQUIRE_FALSE(s);
        CHECK(smallest_fix(DataStore(), d, s.error()) == fix);
    }
}

TEST_CASE("a model without a module that drafts drafts only at an acceptance that is stated") {
    Description d;
    d.model = "mixtral-8x7b";
    d.gpu = "h100_sxm";
    d.tp = 2;
    d.draft_tokens = 3;
    const Expected<Scenario> s = describe(DataStore(), d);
    REQUIRE_FALSE(s);
    CHECK(s.error().reason == "the model has no module that drafts");
    CHECK(smallest_fix(DataStore(), d, s.error()) == "--draft-tokens 0");
    d.acceptance = 0.7;
    CHECK(describe(DataStore(), d));
}
