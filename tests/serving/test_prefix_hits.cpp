// SPDX-License-Identifier: Apache-2.0
// Hits of a prefix cache inside a deployment: they follow memory, rate and the pauses between turns.
#include "moecost/serving/prefix_hits.h"

#include <doctest/doctest.h>

#include "served.h"

using namespace moecost;
using doctest::Approx;

namespace {

/// Conversations of 10 turns on an instance whose memory holds `cache_gb` on each GPU.
SettledTraffic settled(double cache_gb, double host_gb, double think_s) {
    Served s(llama_h100);
    s.traffic = lengths(8000, 200);
    s.traffic.load = ClosedLoop{8};
    MemoryPlan memory;
    memory.cache = Bytes{cache_gb * 1e9};
    memory.sequence = Bytes{8100 * 80e3};   // 80 kB a token and GPU
    memory.max_concurrency = 64;
    PrefixReuse reuse;
    reuse.turns = 10;
    reuse.think_s = think_s;
    reuse.host_per_gpu = Bytes{host_gb * 1e9};
    const ServingInput in = s.input();
    EngineSettings settings = in.engine;
    settings.output_reserve = 0.5;
    return with_prefix_hits(reuse, in.timer, in.scalars, settings, in.layout, memory, s.traffic);
}

}   // namespace

TEST_CASE("more memory finds more of the prompts again, up to all that comes back") {
    const double small = settled(10, 0, 60).traffic.prefix_hit_rate;
    const double large = settled(40, 0, 60).traffic.prefix_hit_rate;
    const double endless = settled(1e6, 0, 60).traffic.prefix_hit_rate;
    CHECK(small < large);
    CHECK(large < endless);
    // 10 turns of 8,000 tokens on average: 4.5 earlier ones of 1,290 own and 200 answered tokens.
    const double own = (8000 - 4.5 * 200) / 5.5;
    CHECK(endless == Approx(4.5 * (own + 200) / 8000).epsilon(1e-3));
}

TEST_CASE("longer pauses find less, a tier on the host brings it back at the price of its transfer") {
    CHECK(settled(20, 0, 30).traffic.prefix_hit_rate > settled(20, 0, 300).traffic.prefix_hit_rate);
    const SettledTraffic alone = settled(20, 0, 300);
    const SettledTraffic tiers = settled(20, 200, 300);
    CHECK(alone.traffic.restore_s == 0);
    CHECK(tiers.hits.host > 0.05);
    CHECK(tiers.traffic.prefix_hit_rate == Approx(tiers.hits.device + tiers.hits.host));
    // Its tokens at 80 kB over 50 GB/s.
    CHECK(tiers.traffic.restore_s == Approx(tiers.hits.host * 8000 * 80e3 / 50e9));
}

TEST_CASE("traffic that says nothing about its reuse stays as it is") {
    Served s(llama_h100);
    s.traffic = lengths(1000, 100);
    s.traffic.prefix_hit_rate = 0.3;
    MemoryPlan memory;
    memory.cache = memory.sequence = Bytes{1e9};
    const ServingInput in = s.input();
    CHECK(with_prefix_hits({}, in.timer, in.scalars, in.engine, in.layout, memory, s.traffic)
              .traffic.prefix_hit_rate == 0.3);
}
