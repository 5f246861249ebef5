// SPDX-License-Identifier: Apache-2.0
// The closed form of a least-recently-used cache against caches that are played, and against its limits.
#include "moecost/traffic/reuse.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <queue>

#include "moecost/traffic/prefix_cache.h"
#include "moecost/traffic/random.h"

using namespace moecost;
using doctest::Approx;

namespace {

struct Turn {
    double time;
    std::vector<std::uint64_t> blocks;
};

/// Conversations start as a Poisson process; each turn adds `growth` blocks and the next comes after `stay` and an
/// exponential pause. In order of time.
std::vector<Turn> conversations(int count, int turns, int growth, double starts_per_s, double stay,
                                double think) {
    Random random(3);
    std::vector<Turn> all;
    double start = 0;
    std::uint64_t next = 1;
    for (int c = 0; c < count; ++c) {
        start += random.exponential() / starts_per_s;
        double time = start;
        std::vector<std::uint64_t> blocks;
        for (int k = 0; k < turns; ++k) {
            for (int b = 0; b < growth; ++b) blocks.push_back(next++);
            all.push_back({time, blocks});
            time += stay + think * random.exponential();
        }
    }
    // From when as many conversations end as begin until no more begin.
    std::erase_if(all, [&](const Turn& t) { return t.time < 600 || t.time > start; });
    std::sort(all.begin(), all.end(), [](const Turn& a, const Turn& b) { return a.time < b.time; });
    return all;
}

/// Share of the blocks that a cache of two tiers finds, of the second half of the turns: an LRU of the first size, and
/// what one of both sizes finds more.
TierHits played(const std::vector<Turn>& turns, std::size_t device, std::size_t host) {
    PrefixCache first(device), both(device + host);
    double found = 0, found_both = 0, blocks = 0;
    for (std::size_t i = 0; i < turns.size(); ++i) {
        const auto a = static_cast<double>(first.hit(turns[i].blocks));
        const auto b = static_cast<double>(both.hit(turns[i].blocks));
        if (i < turns.size() / 4 || i > turns.size() * 3 / 4) continue;
        found += a;
        found_both += b;
        blocks += static_cast<double>(turns[i].blocks.size());
    }
    return {found / blocks, (found_both - found) / blocks, 0, 0};
}

}   // namespace

TEST_CASE("hits of a cache of any size follow from how soon blocks come back") {
    const auto turns = conversations(12000, 6, 4, 2, 5, 40);
    ReuseCounter counter(1);
    for (const Turn& t : turns) counter.add(t.time, t.blocks, static_cast<double>(t.blocks.size()));
    const ReuseCurve curve = counter.curve();
    for (const std::size_t device : {500UL, 1000UL, 2000UL, 4000UL, 8000UL}) {
        CAPTURE(device);
        const TierHits events = played(turns, device, 2000);
        const TierHits form = tier_hits(curve, static_cast<double>(device), 2000);
        CHECK(form.device == Approx(events.device).epsilon(0.03));
        CHECK(form.device + form.host == Approx(events.device + events.host).epsilon(0.03));
    }
}

TEST_CASE("conversations have the curve of their turns") {
    // 6 turns of 4 blocks each: on average 14 blocks, 10 of them seen before.
    const auto turns = conversations(12000, 6, 4, 2, 5, 40);
    const ReuseCurve curve = conversation_reuse(6, 14, 0, 12, 5, 40);
    CHECK(curve.at(1e9) == Approx(10.0 / 14));
    CHECK(curve.at(4.5) == 0);
    CHECK(curve.at(45) == Approx(10.0 / 14 * (1 - std::exp(-1))).epsilon(0.02));
    const TierHits events = played(turns, 4000, 0);
    CHECK(tier_hits(curve, 4000, 0).device == Approx(events.device).epsilon(0.05));
}

TEST_CASE("no room finds nothing, endless room all that comes back, more users less") {
    const ReuseCurve curve = conversation_reuse(10, 5000, 100, 1, 10, 60);
    CHECK(tier_hits(curve, 0, 0).device == 0);
    CHECK(tier_hits(curve, 1e15, 0).device == Approx(curve.share.back()));
    const TierHits few = tier_hits(curve, 1e5, 1e5);
    const TierHits many = tier_hits(curve, 1e5, 1e5, 4);
    CHECK(few.device > many.device);
    CHECK(few.device + few.host > many.device + many.host);
    CHECK(tier_hits({}, 1e6, 1e6).device == 0);
}
