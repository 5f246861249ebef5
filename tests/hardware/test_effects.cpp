// SPDX-License-Identifier: Apache-2.0
// What measured servers say of a deployment: which effects apply, and how wide the interval is, by hand.
#include "moecost/hardware/profile/effects.h"

#include <doctest/doctest.h>

#include <cmath>

#include "moecost/base/data.h"
#include "moecost/base/value.h"

using namespace moecost;
using doctest::Approx;

namespace {

/// Spreads 0.03, 0.04, 0.05, 0.06, 0.07 of the kinds, 0.01 and 0.02 of curve and point; one known group with a version.
EffectTable table() {
    EffectTable t;
    for (std::size_t k = 0; k < effect_kinds; ++k) {
        const double sd = 0.03 + 0.01 * static_cast<double>(k);
        t.spread[k] = {sd, sd, 0.2};
    }
    t.spread[effect_kinds] = {0.01, 0.01, 0.1};
    t.spread[effect_kinds + 1] = {0.02, 0.02, 0.1};
    t.of_load[1] = {0.1, 0.1, 0.1};
    t.of_class[static_cast<std::size_t>(Familiarity::borrowed)] = {0.3, 0.3, 0.3};
    t.log_time[static_cast<std::size_t>(Familiarity::borrowed)] = 0.2;
    const auto add = [&](EffectKind kind, double log_time, double sd) {
        const ServedNames all{"vllm", "h100_sxm", "m", DType::fp8, DType::fp8, "1.0"};
        t.effects.push_back({kind, level_of(kind, all), log_time, sd, 10});
    };
    add(EffectKind::engine_gpu, 0.01, 0.011);
    add(EffectKind::model, 0.02, 0.012);
    add(EffectKind::group, 0.04, 0.013);
    add(EffectKind::version, 0.08, 0.014);
    return t;
}

ServedNames names(const char* model, const char* version) {
    return {"vllm", "h100_sxm", model, DType::fp8, DType::fp8, version};
}

double squares(std::initializer_list<double> sds) {
    double sum = 0;
    for (const double sd : sds) sum += sd * sd;
    return std::sqrt(sum);
}

}   // namespace

TEST_CASE("a known group applies its effects, its own deviation and the spread of an unknown release") {
    const ServedClass c = served_class(table(), names("m", ""), Provenance::calibrated, false);
    CHECK(c.known == Familiarity::group);
    CHECK(c.log_time == Approx(0.01 + 0.02 + 0.04));
    CHECK(c.spread[0].throughput == Approx(squares({0.013, 0.07, 0.01, 0.02})));
    CHECK(c.spread[1].throughput == Approx(squares({0.013, 0.07, 0.01, 0.02, 0.1})));   // at a rate
    CHECK(c.points == 10);
}

TEST_CASE("a known release narrows the interval further, an unknown model widens it") {
    const ServedClass known = served_class(table(), names("m", "1.0"), Provenance::calibrated, false);
    CHECK(known.known == Familiarity::version);
    CHECK(known.log_time == Approx(0.15));
    CHECK(known.spread[0].throughput == Approx(squares({0.014, 0.01, 0.02})));
    const ServedClass other = served_class(table(), names("n", "1.0"), Provenance::calibrated, false);
    CHECK(other.known == Familiarity::engine_or_model);
    CHECK(other.log_time == Approx(0.01));
    CHECK(other.spread[0].throughput == Approx(squares({0.011, 0.04, 0.05, 0.06, 0.07, 0.01, 0.02})));
}

TEST_CASE("an edited model knows no effect of the model it was") {
    const ServedClass c = served_class(table(), names("m", "1.0"), Provenance::calibrated, true);
    CHECK(c.log_time == Approx(0.01));
}

TEST_CASE(
    "kernels of a relative are slower on average and uncertain, until the accelerator itself was served") {
    ServedNames n = names("n", "");
    n.gpu = "x";
    const ServedClass c = served_class(table(), n, Provenance::borrowed, false);
    CHECK(c.known == Familiarity::borrowed);
    CHECK(c.log_time == Approx(0.2));
    CHECK(c.spread[0].throughput > 0.3);
    CHECK(served_class(table(), names("n", ""), Provenance::borrowed, false).log_time == Approx(0.01));
}

TEST_CASE("own effects stand for a release without an effect of its own") {
    const Document own = parse_toml(R"(schema = "moecost.effects/1"
[[effect]]
kind = "version"
engine = "vllm"
gpu = "h100_sxm"
model = "m"
attention = "fp8"
experts = "fp8"
log_time = -0.1
sd = 0.015
)",
                                    "own.toml");
    const auto t = with_own_effects(table(), own);
    const ServedClass c = served_class(*t, names("m", ""), Provenance::calibrated, false);
    CHECK(c.log_time == Approx(0.07 - 0.1));
    CHECK(c.spread[0].throughput == Approx(squares({0.015, 0.01, 0.02})));
    CHECK(served_class(*t, names("m", "1.0"), Provenance::calibrated, false).log_time == Approx(0.15));
    const Document wrong = parse_toml("schema = 1\n[[effect]]\nkind = \"model\"\n", "wrong.toml");
    CHECK_THROWS_AS((void)with_own_effects(table(), wrong), InputError);
}

TEST_CASE("shipped effects: every class of deployments has an interval, wider the less is known") {
    const auto t = load_effects(DataStore());
    const auto sd = [&](const ServedNames& n, Provenance basis) {
        return served_class(*t, n, basis, false).spread[0].throughput;
    };
    const ServedNames known{"vllm", "b200_sxm", "minimax-m2.5", DType::fp8_block, DType::fp8_block, ""};
    ServedNames other = known;
    other.model = "nobody";
    ServedNames far = other;
    far.gpu = "tpu_v6e";
    CHECK(sd(known, Provenance::calibrated) > 0);
    CHECK(sd(known, Provenance::calibrated) < sd(other, Provenance::calibrated));
    CHECK(sd(other, Provenance::calibrated) < sd(far, Provenance::borrowed));
    CHECK(sd(far, Provenance::borrowed) < sd(far, Provenance::roofline));
}

TEST_CASE("a spread grows with the share of the time that lies beyond what was fitted") {
    // sqrt(0.1^2 + (0.8 x 0.5)^2) = sqrt(0.17); the time per token had nothing beyond.
    const LogSpread s = widened({0.1, 0.1, 0.3}, 0.8, {0.5, 0, 1});
    CHECK(s.throughput == Approx(std::sqrt(0.17)).epsilon(1e-12));
    CHECK(s.tpot == Approx(0.1).epsilon(1e-12));
    CHECK(s.ttft == Approx(std::sqrt(0.09 + 0.64)).epsilon(1e-12));
    CHECK(!widened({}, 0.8, {0.5, 0.5, 0.5}).known());
}
