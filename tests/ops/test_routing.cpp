// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "moecost/ops/routing.h"

using namespace moecost;
using doctest::Approx;

TEST_CASE("a batch of one touches exactly top-k experts") {
    CHECK(distinct_experts(8, 2, 1, 0) == Approx(2).epsilon(1e-12));
    CHECK(distinct_experts(256, 8, 1, 0) == Approx(8).epsilon(1e-12));
    CHECK(distinct_experts(512, 10, 1, 0) == Approx(10).epsilon(1e-12));
    CHECK(distinct_experts(256, 8, 0, 0) == 0);
    CHECK(distinct_experts(256, 8, 0, 1.13) == Approx(0).epsilon(1e-9));
}

TEST_CASE("distinct experts of a batch follow the law of uniform choice") {
    // 256 (1 - (31/32)^64)
    CHECK(distinct_experts(256, 8, 64, 0) == Approx(222.4424876855).epsilon(1e-11));
    // Mixtral-8x7B, 8 (1 - 0.75^T): 2.00, 7.20, 8.00, 8.00.
    CHECK(distinct_experts(8, 2, 1, 0) == Approx(2.0).epsilon(1e-12));
    CHECK(distinct_experts(8, 2, 8, 0) == Approx(7.1990966796875).epsilon(1e-12));
    CHECK(distinct_experts(8, 2, 64, 0) == Approx(7.999999919274).epsilon(1e-11));
    CHECK(distinct_experts(8, 2, 256, 0) == Approx(8.0).epsilon(1e-12));
    CHECK(distinct_experts(256, 8, 1e6, 0) == 256);
}

TEST_CASE("a token that chooses every expert touches every expert") {
    for (const double skew : {0.0, 1.13}) {
        CHECK(distinct_experts(8, 8, 1, skew) == 8);
        CHECK(distinct_experts(8, 8, 1000, skew) == 8);
        CHECK(distinct_experts(8, 8, 0, skew) == 0);
        CHECK(distinct_experts(1, 1, 1, skew) == 1);
    }
}

TEST_CASE("skewed popularity touches fewer experts by the Gamma-Poisson law") {
    // l = -ln(1 - 8/256) = 0.0317487; shape 1: 256 x/(1 + x), x = 64 l = 2.031916.
    CHECK(distinct_experts(256, 8, 64, 1) == Approx(171.564962367).epsilon(1e-10));
    // shape 2: 256 (1 - (1 + 64 l/2)^-2); shape 1.13: the served value.
    CHECK(distinct_experts(256, 8, 64, 2) == Approx(193.009238812).epsilon(1e-10));
    CHECK(distinct_experts(256, 8, 64, 1.13) == Approx(175.965980611).epsilon(1e-10));
    CHECK(distinct_experts(256, 8, 64, 1e5) == Approx(222.4424876855).epsilon(1e-4));
}

TEST_CASE("distinct experts grow with the batch and stay between their bounds") {
    std::mt19937_64 random(1);
    const auto draw = [&](int low, int high) {
        return std::uniform_int_distribution<int>(low, high)(random);
    };
    for (int i = 0; i < 2000; ++i) {
        const double experts = draw(2, 1024);
        const double top_k = draw(1, std::min(static_cast<int>(experts), 16));
        const double tokens = draw(1, 5000);
        const double skew = 0.3 + 0.01 * draw(0, 500);
        CAPTURE(experts);
        CAPTURE(top_k);
        CAPTURE(tokens);
        CAPTURE(skew);
        const double uniform = distinct_experts(experts, top_k, tokens, 0);
        const double skewed = distinct_experts(experts, top_k, tokens, skew);
        CHECK(uniform <= std::min(experts, top_k * tokens) * (1 + 1e-12));
        CHECK(uniform >= top_k * (1 - 1e-12));
        CHECK(skewed <= uniform * (1 + 1e-9));
        CHECK(distinct_experts(experts, top_k, tokens + 1, 0) >= uniform);
        CHECK(distinct_experts(experts, top_k, tokens + 1, skew) >= skewed * (1 - 1e-10));
    }
}

TEST_CASE("one rank carries everything") {
    const RankLoad load = busiest_rank(256, 8, 64, 1, 0);
    CHECK(load.distinct == Approx(222.4424876855).epsilon(1e-11));
    CHECK(load.rows == 512);
    CHECK(busiest_rank(256, 8, 0, 8, 0).rows == 0);
    CHECK(busiest_rank(256, 8, 0, 8, 0).distinct == 0);
}

TEST_CASE("the busiest of many ranks carries more than the mean by the normal approximation") {
    // z(8) = Phi^-1(7.625/8.25) = 1.4342; 16 tokens: 1 + z sqrt(8/128) = 1.35855 of 16 pairs; D = 101.962 of
    // all, 12.745 of one rank, half of the excess on top.
    const RankLoad few = busiest_rank(256, 8, 16, 8, 0);
    CHECK(few.rows == Approx(21.7368006).epsilon(1e-8));
    CHECK(few.distinct == Approx(15.0301789).epsilon(1e-8));
    // 128 tokens: 1 + z sqrt(8/1024) = 1.12677 of 128 pairs; every expert of the rank is touched.
    const RankLoad many = busiest_rank(256, 8, 128, 8, 0);
    CHECK(many.rows == Approx(144.2261225).epsilon(1e-8));
    CHECK(many.distinct == 32);
    // Independent numpy implementation of the same form, skewed.
    const RankLoad skewed = busiest_rank(256, 8, 128, 8, 1.13);
    CHECK(skewed.rows == Approx(162.57277280).epsilon(1e-8));
    CHECK(skewed.distinct == Approx(29.84059518).epsilon(1e-8));
    const RankLoad wide = busiest_rank(128, 4, 4096, 16, 1.13);
    CHECK(wide.rows == Approx(1629.0749998).epsilon(1e-8));
    CHECK(wide.distinct == 8);
}

TEST_CASE("a single token occupies a whole expert of the busiest rank") {
    // 8 choices over 64 ranks are 0.95 rows of the busiest by the normal approximation, but somebody has one.
    CHECK(busiest_rank(256, 8, 1, 64, 0).rows == 1);
    CHECK(busiest_rank(256, 8, 1, 64, 0).distinct == 1);
    CHECK(busiest_rank(256, 8, 1, 32, 1.13).distinct == 1);
    CHECK(busiest_rank(8, 1, 1, 8, 0).distinct == 1);
}

TEST_CASE("the busiest rank lies between the mean and everything") {
    std::mt19937_64 random(2);
    const auto draw = [&](int low, int high) {
        return std::uniform_int_distribution<int>(low, high)(random);
    };
    for (int i = 0; i < 2000; ++i) {
        const double ranks = 1 << draw(0, 6);
        const double experts = ranks * draw(2, 16);
        const double top_k = draw(1, static_cast<int>(std::min(experts, 16.0)));
        const double tokens = draw(1, 5000);
        const double skew = draw(0, 1) * 1.13;
        CAPTURE(ranks);
        CAPTURE(experts);
        CAPTURE(top_k);
        CAPTURE(tokens);
        const RankLoad load = busiest_rank(experts, top_k, tokens, ranks, skew);
        CHECK(load.rows >= top_k * tokens / ranks * (1 - 1e-12));
        CHECK(load.rows <= top_k * tokens * (1 + 1e-12));
        CHECK(load.distinct <= experts / ranks * (1 + 1e-12));
        CHECK(load.distinct >= distinct_experts(experts, top_k, tokens, skew) / ranks * (1 - 1e-12));
    }
}

TEST_CASE("a token reaches the ranks its experts lie on") {
    CHECK(ranks_reached(4, 1, 4) == Approx(1).epsilon(1e-12));
    CHECK(ranks_reached(4, 2, 2) == Approx(5.0 / 3).epsilon(1e-12));   // 2 (1 - 1/C(4,2)) = 2 (1 - 1/6)
    CHECK(ranks_reached(6, 3, 3) == Approx(2.4).epsilon(1e-12));       // 3 (1 - C(4,3)/C(6,3)) = 3 (1 - 4/20)
    CHECK(ranks_reached(8, 8, 4) == Approx(4).epsilon(1e-12));
    CHECK(ranks_reached(256, 8, 1) == Approx(1).epsilon(1e-12));
    CHECK(ranks_reached(256, 8, 8) == Approx(5.294652000382).epsilon(1e-12));    // 8 (1 - C(224,8)/C(256,8))
    CHECK(ranks_reached(256, 8, 32) == Approx(7.266799917353).epsilon(1e-12));   // 32 (1 - C(248,8)/C(256,8))
}

TEST_CASE("a load balancer takes its share of the spread of popularity") {
    // The spread of rank loads goes with 1/sqrt(gs): half of it is a skew four times as even.
    CHECK(balanced_skew(1.13, 0) == Approx(1.13));
    CHECK(balanced_skew(1.13, 0.5) == Approx(4.52));
    const double uneven = busiest_rank(256, 8, 4096, 32, 1.13).rows;
    const double balanced = busiest_rank(256, 8, 4096, 32, balanced_skew(1.13, 0.5)).rows;
    const double even = 4096 * 8 / 32.0;
    CHECK((balanced - even) / (uneven - even) == Approx(0.5).epsilon(0.1));
}

TEST_CASE("redundant copies add experts to the ranks; without popularity they leave the rows") {
    const RankLoad plain = busiest_rank(256, 8, 1e5, 32, 0);
    const RankLoad copies = busiest_rank(256, 8, 1e5, 32, 0, 32);
    CHECK(plain.distinct == Approx(8));
    CHECK(copies.distinct == Approx(9));   // 288/32
    CHECK(copies.rows == Approx(plain.rows));
}

TEST_CASE("variance of slot loads under exponential popularity, by hand") {
    // gs = 1: P(x > j t) = exp(-j t), so that 32 copies of 256 experts give exp(-t)/(1 - exp(-t)) = 1/8, t = ln 9.
    // E[x^2; x > u] = (u^2 + 2 u + 2) exp(-u) at u = 0, t, 2 t, ...: 2, 1.246917, 0.371606, 0.080430, 0.014757, 0.002450
    // E[x^2/ceil(x/t)] = 0.753083 + 0.437656 + 0.097059 + 0.016418 + 0.002461 + 0.000397 = 1.307074
    CHECK(slot_variance(1, 0.125) == Approx(1.125 * 1.307074 - 1).epsilon(1e-4));   // 0.4705
    CHECK(slot_variance(1, 0) == Approx(1));
    CHECK(slot_variance(4, 0) == Approx(0.25));
}

TEST_CASE("copies of the busiest experts lower the busiest rank, the more of them the lower") {
    double before = HUGE_VAL;
    for (const double copies : {0.0, 8.0, 32.0, 64.0, 128.0, 256.0}) {
        const double rows = busiest_rank(256, 8, 1e5, 32, 1.13, copies).rows;
        CHECK(rows < before);
        CHECK(rows >= 1e5 * 8 / 32);   // the mean
        before = rows;
    }
}

TEST_CASE("slots of a balancer that splits the busiest expert again and again have the variance of the law") {
    // The algorithm itself on 400 draws of popularity: one more copy to the expert with the largest load of a slot.
    std::mt19937 random(11);
    for (const double skew : {0.5, 1.13, 3.0}) {
        for (const int copies : {16, 64}) {
            constexpr int experts = 256;
            std::gamma_distribution<double> popularity(skew, 1 / skew);
            double sum = 0, squares = 0, slots = 0;
            for (int draw = 0; draw < 400; ++draw) {
                std::vector<double> load(experts);
                std::vector<int> count(experts, 1);
                for (double& x : load) x = popularity(random);
                for (int c = 0; c < copies; ++c) {
                    std::size_t busiest = 0;
                    for (std::size_t e = 1; e < experts; ++e)
                        if (load[e] / count[e] > load[busiest] / count[busiest]) busiest = e;
                    ++count[busiest];
                }
                for (std::size_t e = 0; e < experts; ++e) {
                    sum += load[e];
                    squares += load[e] * load[e] / count[e];
                    slots += count[e];
                }
            }
            const double mean = sum / slots;
            const double measured = squares / slots / (mean * mean) - 1;
            CAPTURE(skew);
            CAPTURE(copies);
            CHECK(measured == Approx(slot_variance(skew, double(copies) / experts)).epsilon(0.03));
        }
    }
}
