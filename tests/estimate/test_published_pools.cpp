// SPDX-License-Identifier: Apache-2.0
// Published deployments of wide expert parallelism, from their set-up alone. None of them was part of a fit.
#include <doctest/doctest.h>

#include <string>

#include "moecost/estimate/estimate.h"
#include "moecost/estimate/inputs.h"

using namespace moecost;
using doctest::Approx;

namespace {

/// What all of them share: DeepSeek-V3 in FP8 by blocks, prompts over 32 GPUs in DeepEP's normal mode and 16,384 tokens
/// per GPU and step, decode in its low-latency mode, two half batches in overlap.
Description wide(const std::string& gpu, int decode_ranks) {
    Description d;
    d.model = "deepseek-v3";
    d.gpu = gpu;
    d.engine = "sglang";
    d.weights = "fp8-block";
    d.kv = "bf16";
    d.batch_overlap = true;
    d.prefill.tp = d.decode.tp = 1;
    d.prefill.attention_dp = d.prefill.ep = 32;
    d.decode.attention_dp = d.decode.ep = decode_ranks;
    d.prefill.chunk = 16384;
    d.prefill.exchange = "normal";
    d.decode.exchange = "low-latency";
    return d;
}

Estimate answered(const Description& d, Scenario& s) {
    const Expected<Scenario> described = describe(DataStore(), d);
    REQUIRE(described);
    s = *described;
    const Expected<Estimate> e = evaluate(s);
    REQUIRE(e);
    return *e;
}

double per_node(double tokens_per_s, const Pool& pool) { return 8 * tokens_per_s / pool.gpus(); }

}   // namespace

TEST_CASE(
    "DeepSeek's production of February 2025: 73.7k input and 14.8k output tokens/s per node of 8 H800") {
    // 226.75 nodes; 608 G input tokens a day, 56.3 % of them cached, 168 G output tokens: 73.7k and 14.8k per node say that
    // 42 % of the nodes prefill, so 23 units of 4 nodes beside 7 of 18. Mean cache length 4,989 = I + O/2, I/O = 3.62:
    // I 4,384, O 1,211. 20 to 22 tokens/s per user: 14.8k/8/21 = 88 sequences per GPU.
    Description d = wide("h800_sxm", 144);
    d.prefill.replicas = 23;
    d.decode.replicas = 7;
    d.redundant_experts = 32;
    d.isl = 4384;
    d.osl = 1211;
    d.prefix_hit_rate = 0.563;
    d.load = ClosedLoop{88.0 * 7 * 144};
    Scenario s;
    const Estimate e = answered(d, s);
    const double output = per_node(e.serving.output_tokens_per_s.value(), s.pools.back());
    const double input = per_node(e.serving.input_tokens_per_s.value(), s.pools.front());
    MESSAGE("input " << input << ", output " << output << ", TPOT " << e.serving.tpot.value());
    CHECK(output == Approx(14800).epsilon(0.15));
    CHECK(input == Approx(73700).epsilon(0.15));
}

TEST_CASE("SGLang on 96 H100 of May 2025: 22.3k output tokens/s per node at prompts of 2k") {
    // Decode on 9 nodes, 288 experts of which 32 are copies, 256 sequences per GPU at about 2,000 tokens.
    Description d = wide("h100_sxm", 72);
    d.prefill.replicas = 60;   // as many as do not bind: the published figure is of decode alone
    d.decode.replicas = 1;
    d.decode.redundant_experts = 32;
    d.isl = 1950;
    d.osl = 100;
    d.memory_fraction = 0.93;
    d.load = ClosedLoop{256.0 * 72};
    Scenario s;
    const Estimate e = answered(d, s);
    const double batch = e.pools->answer.decodes;
    const double output = per_node(batch / e.serving.tpot.value(), s.pools.back());
    MESSAGE("output " << output << " at " << batch / 72 << " sequences per GPU");
    CHECK(output == Approx(22300).epsilon(0.15));
}

TEST_CASE("tokens/s per GPU grow with expert parallelism, as in the published runs") {
    double last = 0;
    for (const int ranks : {8, 16, 32, 64}) {
        Description d = wide("h200_sxm", ranks);
        d.prefill.replicas = 60;
        d.decode.replicas = 1;
        d.isl = 2000;
        d.osl = 100;
        d.load = ClosedLoop{128.0 * ranks};
        Scenario s;
        const Estimate e = answered(d, s);
        const double output = per_node(e.serving.output_tokens_per_s.value(), s.pools.back());
        CHECK(output > last);
        last = output;
    }
}
