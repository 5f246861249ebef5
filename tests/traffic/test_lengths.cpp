// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>

#include "moecost/traffic/lengths.h"

using namespace moecost;
using doctest::Approx;

TEST_CASE("moments of each law are those of the textbook") {
    CHECK(moment(FixedLength{10}, 3) == 1000);
    CHECK(mean(UniformLength{0, 12}) == 6);
    CHECK(moment(UniformLength{0, 12}, 2) == Approx(48));           // 12^2/3
    CHECK(moment(ExponentialLength{5}, 2) == Approx(50));           // 2 m^2
    CHECK(moment(ExponentialLength{5}, 3) == Approx(750));          // 6 m^3
    CHECK(moment(LognormalLength{100, 1}, 2) == Approx(20000));     // m^2 (1 + cv^2)
    CHECK(moment(LognormalLength{100, 1}, 3) == Approx(8000000));   // m^3 (1 + cv^2)^3
    CHECK(moment(empirical_length({1, 1, 4}), 2) == Approx(6));     // (1 + 1 + 16)/3
}

TEST_CASE("quantiles: half of an exponential lies below m ln 2, a lognormal's median is m/sqrt(1 + cv^2)") {
    CHECK(quantile(ExponentialLength{100}, 0.5) == Approx(69.3147));
    CHECK(quantile(LognormalLength{100, 1}, 0.5) == Approx(70.7107));
    CHECK(quantile(UniformLength{100, 200}, 0.25) == 125);
    const Length seen = empirical_length({30, 10, 20, 40});
    CHECK(quantile(seen, 0.25) == 10);
    CHECK(quantile(seen, 0.26) == 20);
    CHECK(quantile(seen, 1) == 40);
}

TEST_CASE("nodes keep the mean and spread less than the law, more in the tail") {
    const Length laws[] = {FixedLength{1000}, UniformLength{800, 1200}, LognormalLength{1000, 1.5},
                           ExponentialLength{1000},
                           length_from_quantiles({0, 0.25, 0.5, 0.9, 1}, {1, 10, 100, 5000, 30000})};
    for (const Length& law : laws) {
        double weight = 0;
        double sum = 0;
        double squares = 0;
        for (const LengthNode& n : nodes(law)) {
            weight += n.weight;
            sum += n.weight * n.tokens;
            squares += n.weight * n.tokens * n.tokens;
        }
        CHECK(weight == Approx(1));
        CHECK(sum == Approx(mean(law)).epsilon(1e-9));
        CHECK(squares <= moment(law, 2) * (1 + 1e-12));
        CHECK(squares >= 0.6 * moment(law, 2));
    }
}

TEST_CASE("samples are whole tokens, repeat with the seed and follow their law") {
    const Lengths lengths{LognormalLength{1024, 1}, UniformLength{228, 284}, {}};
    LengthSampler first(lengths, 7);
    LengthSampler same(lengths, 7);
    LengthSampler other(lengths, 8);
    double in = 0;
    double out = 0;
    int equal = 0;
    for (int i = 0; i < 100000; ++i) {
        const LengthPair p = first.next();
        CHECK_MESSAGE(p == same.next(), i);
        equal += p == other.next() ? 1 : 0;
        CHECK_MESSAGE((p.input == std::floor(p.input) && p.output >= 228 && p.output <= 284), i);
        in += p.input;
        out += p.output;
    }
    CHECK(in / 100000 == Approx(1024).epsilon(0.01));   // standard error of the mean: 0.3 %
    CHECK(out / 100000 == Approx(256).epsilon(0.001));
    CHECK(equal < 1000);
}

TEST_CASE("joint lengths are drawn in pairs") {
    const Lengths lengths{FixedLength{1}, FixedLength{1}, {{10, 1000}, {1000, 10}}};
    LengthSampler sampler(lengths, 1);
    int long_prompts = 0;
    for (int i = 0; i < 10000; ++i) {
        const LengthPair p = sampler.next();
        CHECK_MESSAGE(p.input * p.output == 10000, i);
        long_prompts += p.input == 1000 ? 1 : 0;
    }
    CHECK(long_prompts == Approx(5000).epsilon(0.04));
    CHECK(mean_product(lengths) == 10000);
}

TEST_CASE("a shape takes another mean") {
    const Length law = scaled_to(UniformLength{819, 1024}, 921.5 * 8);
    CHECK(quantile(law, 0) == Approx(6552));
    CHECK(quantile(law, 1) == Approx(8192));
    CHECK(mean(scaled_to(empirical_length({1, 3}), 100)) == Approx(100));
}

TEST_CASE("a histogram counts exactly up to 8192 tokens and to a thousandth above") {
    LengthHistogram h;
    for (const double x : {13.0, 13.0, 500.0, 100000.0}) h.add(x);
    const Length seen = h.distribution();
    CHECK(quantile(seen, 0.5) == 13);
    CHECK(quantile(seen, 0.75) == 500);
    CHECK(quantile(seen, 1) == Approx(100000).epsilon(1e-3));
    CHECK(h.mean() == Approx(25131.5));
    CHECK(h.largest() == 100000);
}

TEST_CASE("gaps between arrivals have the rate and the burstiness asked for") {
    for (const double burstiness : {0.0, 0.25, 1.0, 4.0}) {
        ArrivalGaps gaps(2, burstiness, 3);
        double sum = 0;
        double squares = 0;
        constexpr int n = 200000;
        for (int i = 0; i < n; ++i) {
            const double g = gaps.next();
            sum += g;
            squares += g * g;
        }
        const double m = sum / n;
        CHECK(m == Approx(0.5).epsilon(0.02));
        CHECK(squares / n / (m * m) - 1 == Approx(burstiness).epsilon(0.05));
    }
}
