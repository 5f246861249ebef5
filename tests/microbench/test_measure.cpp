// SPDX-License-Identifier: Apache-2.0
// Timing of one case by samples that a test dictates.
#include <doctest/doctest.h>

#include <cmath>

#include "host/measure.h"

using namespace microbench;

namespace {

/// Gives the samples of `next(i)` and counts them; a millisecond passes with each.
struct Script {
    std::function<Sample(int)> next;
    int taken = 0;
    Opened opened() {
        Opened o;
        o.reference = "a script";
        o.sample = [this] { return next(taken++); };
        return o;
    }
    Measurement measure_with(const StoppingRule& rule, Opened o, const std::function<bool()>& stop) {
        return measure(
            o, rule, [this] { return taken * 1e-3; }, stop);
    }
    Measurement run(const StoppingRule& rule = {}) {
        return measure_with(rule, opened(), [] { return false; });
    }
};

}   // namespace

TEST_CASE("a steady kernel takes thirty samples after three of warm-up") {
    Script s{[](int i) { return Sample{i < 3 ? 500.0 : 12.5, 1700, 0}; }};
    const Measurement m = s.run();
    CHECK(m.summary.samples == 30);
    CHECK(s.taken == 33);
    CHECK(m.summary.median_us == 12.5);
    CHECK(m.code.empty());
    CHECK_FALSE(m.suspect);
}

TEST_CASE("a noisy kernel is sampled until time runs out and marked N") {
    Script s{[](int i) { return Sample{i % 2 == 0 ? 10.0 : 11.0, 0, 0}; }};
    StoppingRule rule;
    rule.seconds = 0.5;
    const Measurement m = s.run(rule);
    CHECK(m.code == "N");
    CHECK(s.taken == 500);
}

TEST_CASE("throttled samples are discarded, a mostly throttled case is suspect") {
    Script now_and_then{[](int i) { return i % 5 == 0 ? Sample{20, 800, 0} : Sample{10, 1600, 0}; }};
    const Measurement good = now_and_then.run();
    CHECK(good.summary.median_us == 10);
    CHECK(good.summary.p90_us == 10);
    CHECK(good.code.empty());
    Script mostly{[](int i) { return i % 5 == 0 ? Sample{10, 1600, 0} : Sample{20, 800, 0}; }};
    const Measurement bad = mostly.run();
    CHECK(bad.code == "T");
    CHECK(bad.suspect);
    CHECK(bad.summary.median_us == 10);
}

TEST_CASE("a wrong result is never timed") {
    Script s{[](int) { return Sample{10, 0, 0}; }};
    for (const double error : {1.5, std::nan("")}) {
        Opened o = s.opened();
        o.error = error;
        CHECK_THROWS_AS((void)s.measure_with({}, o, [] { return false; }), SkipCase);
    }
    CHECK(s.taken == 0);
}

TEST_CASE("a warm cache is told by L") {
    Script s{[](int) { return Sample{10, 0, 0}; }};
    Opened o = s.opened();
    o.warm = true;
    CHECK(s.measure_with({}, o, [] { return false; }).code == "L");
}

TEST_CASE("an event that failed is no sample") {
    Script s{[](int) { return Sample{0, 0, 0}; }};
    CHECK_THROWS_AS((void)s.run(), SkipCase);
}

TEST_CASE("an interruption ends the sampling at once") {
    Script s{[](int i) { return Sample{i % 2 == 0 ? 10.0 : 20.0, 0, 0}; }};
    (void)s.measure_with({}, s.opened(), [&s] { return s.taken >= 17; });
    CHECK(s.taken == 17);
}
