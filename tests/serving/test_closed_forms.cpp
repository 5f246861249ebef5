// SPDX-License-Identifier: Apache-2.0
// Closed forms against check values of an independent program and its event simulator (case numbers are theirs).
#include <doctest/doctest.h>

#include "moecost/serving/open_loop.h"
#include "moecost/serving/steady_loop.h"
#include "steps.h"

using namespace moecost;
using doctest::Approx;

namespace {

constexpr Batching mixed = Batching::chunked_prefill;
constexpr Batching separate = Batching::prefill_first;
double ms(Seconds s) { return 1e3 * s.value(); }

}   // namespace

TEST_CASE("requests in flight: throughput, tokens and first tokens of the check values") {
    struct Check {
        Replica r;
        double requests, x, tpot, ttft, p50, p90, p99, decodes;
    };
    const Check checks[] = {
        {replica_of(llama70b_h100x4, mixed, 8192, 512, around(1024, 256)), 64, 1827.6, 34.74, 107.5, 93.61,
         160.4, 228.3, 63.23},
        {replica_of(gptoss_b200x1, mixed, 8192, 512, around(8192, 1024)), 32, 2812.5, 11.31, 85.39, 92.13,
         98.78, 129.1, 31.77},
        {replica_of(dsv3_h200x8, separate, 8192, 512, around(1024, 1024)), 128, 2845.6, 44.96, 70.23, 66.41,
         97.96, 103.8, 127.8},
        {replica_of(llama70b_h100x4, mixed, 8192, 512, around(16384, 256)), 128, 187.07, 654.2, 8344, 7642,
         15070, 21970, 121.9},
    };
    for (const Check& c : checks) {
        const SteadyLoop s = steady_loop(c.r, c.requests);
        CHECK(s.rate * c.r.lengths.mean_output == Approx(c.x).epsilon(3e-4));
        CHECK(1e3 * s.tpot == Approx(c.tpot).epsilon(5e-4));   // four digits
        CHECK(1e3 * s.ttft == Approx(c.ttft).epsilon(5e-4));
        CHECK(s.decodes == Approx(c.decodes).epsilon(1e-3));
        const Latency t = loop_ttft(c.r, s);
        CHECK(ms(t.mean) == Approx(c.ttft).epsilon(0.002));
        CHECK(ms(t.p50()) == Approx(c.p50).epsilon(0.01));
        CHECK(ms(t.p90()) == Approx(c.p90).epsilon(0.005));
        CHECK(ms(t.p99()) == Approx(c.p99).epsilon(0.02));
    }
}

TEST_CASE("tokens in a closed loop spread by the prompts they meet") {
    // Simulated p50, p90, p99 of cases 1 to 3.
    struct Check {
        Replica r;
        double requests, p50, p90, p99;
    };
    const Check checks[] = {
        {replica_of(llama70b_h100x4, mixed, 8192, 512, around(1024, 256)), 64, 34.71, 35.52, 36.23},
        {replica_of(gptoss_b200x1, mixed, 8192, 512, around(8192, 1024)), 32, 11.40, 11.54, 11.66},
        {replica_of(dsv3_h200x8, separate, 8192, 512, around(1024, 1024)), 128, 44.97, 45.23, 45.45},
    };
    for (const Check& c : checks) {
        const Latency t = loop_tpot(c.r, steady_loop(c.r, c.requests));
        CHECK(ms(t.p50()) == Approx(c.p50).epsilon(0.01));
        CHECK(ms(t.p90()) == Approx(c.p90).epsilon(0.01));
        CHECK(ms(t.p99()) == Approx(c.p99).epsilon(0.012));
    }
}

TEST_CASE("equal lengths started together stay in step; a burst ends when it must") {
    const Lengths equal{FixedLength{1024}, FixedLength{1024}, {}};
    const SteadyLoop s = loop_in_step(replica_of(dsv3_h200x8, separate, 8192, 512, equal), 64);
    CHECK(s.rate * 1024 == Approx(1992.9).epsilon(1e-4));
    CHECK(1e3 * s.tpot == Approx(30.74).epsilon(2e-4));
    CHECK(1e3 * s.ttft == Approx(1441).epsilon(5e-4));
    CHECK(s.decodes == Approx(61.19).epsilon(2e-4));
    const std::vector<double> firsts = burst_times(replica_of(dsv3_h200x8, separate, 16384, 512, equal), 64);
    REQUIRE(firsts.size() == 64);
    double mean = 0;
    for (const double t : firsts) mean += t / 64;
    CHECK(1e3 * mean == Approx(1549).epsilon(1e-3));
    CHECK(1e3 * firsts.back() == Approx(2479).epsilon(1e-3));
}

TEST_CASE("drafted tokens and memory in a closed loop") {
    // Three drafts accepted with 0.7: y = (1 - 0.7^4)/0.3; rows (1 + q) B, the step 6 % dearer.
    Replica drafted = replica_of(llama70b_h100x4, mixed, 8192, 512, around(1024, 512));
    drafted.rules.queries = 4;
    drafted.rules.tokens_per_step = (1 - 0.7 * 0.7 * 0.7 * 0.7) / 0.3;
    drafted.step = [](double b, double k, double p, double a) {
        return 1.06 * llama70b_h100x4(4 * b, k, p, a);
    };
    const SteadyLoop s = steady_loop(drafted, 64);
    CHECK(s.rate * 512 == Approx(3014.4).epsilon(1e-3));
    CHECK(1e3 * s.tpot == Approx(21.02).epsilon(1e-3));
    CHECK(1e3 * s.ttft == Approx(128.9).epsilon(2e-3));

    Replica full = replica_of(llama70b_h100x4, mixed, 8192, 512,
                              {LognormalLength{1024, 1}, LognormalLength{1024, 1}, {}});
    full.rules.cache = CachePolicy::reserve;
    full.rules.cache_tokens = 1e5;
    CHECK(capacity(full) == Approx(32.05).epsilon(2e-4));
    const SteadyLoop waiting = steady_loop(full, 128);
    CHECK(waiting.rate * 1024 == Approx(1888).epsilon(3e-4));
    CHECK(1e3 * waiting.tpot == Approx(16.9).epsilon(1e-3));
    CHECK(waiting.ttft == Approx(52.13).epsilon(1e-3));
}

TEST_CASE("the loaded round of the check values") {
    const Replica r = replica_of(llama70b_h100x4, mixed, 8192, 256, around(1024, 256));
    const auto c = loaded_round(r, 20, 3);
    REQUIRE(c);
    CHECK(r.lengths.context == Approx(1152.53).epsilon(1e-5));
    CHECK(c->at.decode == Approx(0.0131826).epsilon(1e-5));
    CHECK(c->at.budget == 8172);
    CHECK(c->at.fill == Approx(0.125306).epsilon(1e-5));
    CHECK(c->at.full == Approx(0.553168).epsilon(1e-5));
    CHECK(c->load == Approx(0.207946).epsilon(1e-5));
    CHECK(c->round == Approx(0.016961946).epsilon(2e-4));
    CHECK(c->share == Approx(0.0496128).epsilon(2e-4));
    CHECK(c->tokens == Approx(1050.27).epsilon(1e-4));
    CHECK(prompt_wait(r, *c, 3, 1, true).behind == Approx(0.232312).epsilon(0.003));
    CHECK_FALSE(loaded_round(r, 20, 15));   // 15 x 0.069 s of prompts in a second
}

TEST_CASE("arrivals at a rate: times of the check values and of their simulation") {
    // TPOT mean, p50, p90, p99, TTFT mean, p50, p90, p99, decodes: closed form, then simulation. Ours lies within
    // 1.5 % of either, TTFT p99 within 3 % of the form.
    struct Check {
        int number;
        Replica r;
        double rate, burstiness;
        double tpot, tpot50, tpot90, tpot99, ttft, ttft50, ttft90, ttft99, decodes;
        double off = 0.015;
    };
    const Lengths equal{FixedLength{8192}, FixedLength{512}, {}};
    const Lengths wide{LognormalLength{2048, 1}, LognormalLength{512, 1}, {}};
    const Check checks[] = {
        {6, replica_of(llama70b_h100x4, mixed, 8192, 256, around(1024, 256)), 3, 1, 16.42, 16.36, 18.23,
         19.92, 110, 96.08, 162.4, 240.6, 12.56},
        {7, replica_of(llama70b_h100x4, mixed, 8192, 256, around(4096, 128)), 2, 1, 34.61, 31.46, 55.03,
         86.93, 617.3, 464.4, 1189, 1871, 8.786},
        {8, replica_of(dsv3_h200x8, separate, 8192, 256, around(1024, 1024)), 2.5, 1, 41.9, 41.87, 44, 45.81,
         89.57, 86.8, 114.7, 151.5, 107.2},
        {9, replica_of(dsv3_h200x8, separate, 16384, 256, equal), 1.5, 1, 76.39, 75.22, 94.25, 113.3, 664.5,
         458.7, 1247, 1986, 58.55, 0.045},
        {10, replica_of(gptoss_b200x1, mixed, 8192, 256, wide), 8, 1, 12.64, 12.6, 13.86, 15.06, 38.18, 33.03,
         55.58, 123.5, 51.64},
        {11, replica_of(gptoss_b200x1, mixed, 8192, 256, around(1024, 256)), 20, 4, 15.28, 15.23, 16.87,
         18.34, 39.03, 37.87, 51.64, 65.6, 77.92},
        {12, replica_of(gptoss_b200x1, mixed, 8192, 256, around(8192, 1024), 0.5), 3, 1, 10.76, 10.71, 12.11,
         13.38, 57.73, 53.95, 75.2, 114.6, 33.01, 0.03},
    };
    for (const Check& c : checks) {
        CAPTURE(c.number);
        const OpenLoopAnswer o = open_loop(c.r, c.rate, c.burstiness, true);
        REQUIRE(o.stable);
        CHECK(1e3 * o.tpot == Approx(c.tpot).epsilon(c.off));
        CHECK(1e3 * o.ttft == Approx(c.ttft).epsilon(c.off));
        CHECK(o.decodes == Approx(c.decodes).epsilon(c.off));
        const Latency tpot = open_tpot(c.r, o, c.rate, c.burstiness);
        CHECK(ms(tpot.p50()) == Approx(c.tpot50).epsilon(c.off));
        CHECK(ms(tpot.p90()) == Approx(c.tpot90).epsilon(c.off));
        CHECK(ms(tpot.p99()) == Approx(c.tpot99).epsilon(c.off));
        const Latency ttft = open_ttft(o);
        CHECK(ms(ttft.mean) == Approx(1e3 * o.ttft).epsilon(0.003));
        CHECK(ms(ttft.p50()) == Approx(c.ttft50).epsilon(c.off));
        CHECK(ms(ttft.p90()) == Approx(c.ttft90).epsilon(c.off));
        CHECK(ms(ttft.p99()) == Approx(c.ttft99).epsilon(0.045));
    }
}

TEST_CASE("a rate that all slots cannot carry is unstable, and latency grows up to it") {
    const Replica r = replica_of(llama70b_h100x4, mixed, 8192, 64, around(1024, 256));
    const double most = steady_loop(r, 64).rate;
    CHECK_FALSE(open_loop(r, most * 1.001, 1, false).stable);
    double ttft = 0;
    double tpot = 0;
    double waits = -1;
    for (const double load : {0.01, 0.2, 0.4, 0.6, 0.8, 0.9, 0.97}) {
        const OpenLoopAnswer o = open_loop(r, load * most, 1, false);
        REQUIRE(o.stable);
        CHECK(o.capacity == most);
        CHECK(o.ttft > ttft);
        CHECK(o.tpot > tpot);
        CHECK(o.waits >= waits);
        ttft = o.ttft;
        tpot = o.tpot;
        waits = o.waits;
    }
    CHECK(waits > 0.3);
}

TEST_CASE("end to end: the mean is the sum, the tail follows the lengths") {
    const Latency ttft = certain(Seconds{0.1});
    const Latency tpot = certain(Seconds{0.02});
    const Latency fixed = end_to_end(FixedLength{101}, ttft, tpot);
    CHECK(fixed.mean.value() == Approx(2.1));
    CHECK(fixed.p99().value() == Approx(2.1).epsilon(1e-3));
    // Exponential lengths of mean 100: the 99th longest output is 100 ln 100 = 460.5 tokens.
    const Latency spread = end_to_end(ExponentialLength{100}, ttft, tpot);
    CHECK(spread.p99().value() == Approx(0.1 + 0.02 * 459.5).epsilon(0.02));
}
