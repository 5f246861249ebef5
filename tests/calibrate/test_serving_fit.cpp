// SPDX-License-Identifier: Apache-2.0
// Serving constants and pooled effects: the budget of constants, pooling by hand, own runs.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "moecost/base/data.h"
#include "moecost/calibrate/serving/constants.h"
#include "moecost/calibrate/serving/effect_fit.h"
#include "moecost/calibrate/serving/own_runs.h"

using namespace moecost;
using doctest::Approx;

namespace {

PooledPoint point(const char* gpu, const char* model, const char* version, const char* curve, double y) {
    return {{"e", gpu, model, DType::bf16, DType::bf16, version}, curve, y};
}

const Effect* find(const std::vector<Effect>& effects, EffectKind kind, const char* gpu,
                   const char* version) {
    const auto it = std::find_if(effects.begin(), effects.end(), [&](const Effect& e) {
        return e.kind == kind && e.level.gpu == gpu && e.level.version == version;
    });
    return it == effects.end() ? nullptr : &*it;
}

/// A run of Llama-3.1-8B on one H200 under SGLang, as fast as predicted times `speed`.
MeasuredPoint run(double concurrency, double speed) {
    MeasuredPoint p;
    p.id = "run " + std::to_string(int(concurrency));
    p.scenario = "closed_loop";
    p.gpu = "h200_sxm";
    p.engine = "sglang";
    p.model = "llama-3.1-8b";
    p.weights = "bf16";
    p.gpus = p.tp = p.attention_dp = 1;
    p.isl = 1000;
    p.osl = 500;
    p.concurrency = concurrency;
    const DataStore data;
    Predictor predictor(data);
    const auto result = predictor.predict(p);
    p.output_per_gpu = std::get<Prediction>(result).output_per_gpu * speed;
    return p;
}

}   // namespace

TEST_CASE("at most 25 constants of aggregated serving are fitted, and each stands in hwmodels/serving.toml") {
    const std::vector<FittedConstant> all = load_fitted_constants(DataStore());
    const auto steps = std::count_if(all.begin(), all.end(),
                                     [](const FittedConstant& c) { return c.stage == FitStage::steps; });
    CHECK(steps > 10);
    CHECK(steps <= 25);
    const LawConstants law = load_law_constants(DataStore());
    const std::vector<double> values = values_in(law, all);
    REQUIRE(values.size() == all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        CAPTURE(all[i].key);
        CHECK(values[i] >= all[i].bounds.low);
        CHECK(values[i] <= all[i].bounds.high);
    }
}

TEST_CASE("one version of one group: the precision of its points against that of its classes") {
    // Spreads 0.1 of the group alone; two curves of two points each at 0.2 and 0.1.
    PooledSpread s;
    s.of = {1e-3, 1e-3, 1e-3, 0.1, 1e-3};
    s.curve = 0.05;
    s.point = 0.04;
    const auto effects = pooled_effects({point("g", "m", "1", "a", 0.2), point("g", "m", "1", "a", 0.2),
                                         point("g", "m", "1", "b", 0.1), point("g", "m", "1", "b", 0.1)},
                                        s);
    // Mean 0.15 with variance (0.05^2 + 0.04^2/2)/2 = 0.00165; share 0.01/(0.01 + 0.00165) of it.
    const Effect* group = find(effects, EffectKind::group, "g", "");
    REQUIRE(group != nullptr);
    CHECK(group->log_time == Approx(0.15 * 0.01 / 0.01165).epsilon(0.002));
    CHECK(group->points == 4);
}

TEST_CASE("what two groups of an accelerator share is told from what is their own") {
    PooledSpread s;
    s.of = {0.1, 1e-3, 1e-3, 0.02, 1e-3};
    s.curve = 0.01;
    s.point = 0.01;
    const auto effects = pooled_effects({point("g", "m", "1", "a", 0.1), point("g", "n", "1", "b", 0.12),
                                         point("h", "m", "1", "c", 0), point("h", "n", "1", "d", 0)},
                                        s);
    CHECK(find(effects, EffectKind::engine_gpu, "g", "")->log_time == Approx(0.11).epsilon(0.05));
    CHECK(std::abs(find(effects, EffectKind::engine_gpu, "h", "")->log_time) < 0.005);
}

TEST_CASE("spreads come back from points that were drawn with them") {
    std::mt19937 random(5);
    std::normal_distribution<double> normal;
    std::vector<PooledPoint> points;
    for (int g = 0; g < 60; ++g) {
        const double group = 0.08 * normal(random);
        for (int v = 0; v < 4; ++v) {
            const double version = 0.06 * normal(random);
            for (int c = 0; c < 4; ++c) {
                const double curve = 0.05 * normal(random);
                for (int p = 0; p < 5; ++p)
                    points.push_back(point(("g" + std::to_string(g)).c_str(),
                                           ("m" + std::to_string(g)).c_str(), std::to_string(v).c_str(),
                                           std::to_string((g * 4 + v) * 4 + c).c_str(),
                                           group + version + curve + 0.03 * normal(random)));
            }
        }
    }
    const PooledSpread s = pooled_spread(points, 1);
    CHECK(s.point == Approx(0.03).epsilon(0.1));
    CHECK(s.curve == Approx(0.05).epsilon(0.15));
    CHECK(s.of[4] == Approx(0.06).epsilon(0.2));
    double wide =
        0;   // of engine_gpu, model, engine_model and group together: they are one and the same here
    for (std::size_t k = 0; k < 4; ++k) wide += s.of[k] * s.of[k];
    CHECK(std::sqrt(wide) == Approx(0.08).epsilon(0.3));
}

TEST_CASE("three own runs help, thirty fix it, and the interval narrows") {
    std::vector<MeasuredPoint> points;
    for (int i = 0; i < 30; ++i) points.push_back(run(4 + 8 * i, 0.9));
    const std::vector<MeasuredPoint> three(points.begin(), points.begin() + 3);
    const OwnRuns few = own_runs(DataStore(), three);
    const OwnRuns many = own_runs(DataStore(), points);
    REQUIRE(few.moved.size() == 1);
    CHECK(few.moved[0].after.log_time > 0.03);
    CHECK(many.moved[0].after.log_time == Approx(std::log(1 / 0.9)).epsilon(0.25));
    CHECK(many.spread_after < many.spread_before);
    CHECK(summarise(many.after).median_ape < 0.04);
    CHECK(summarise(many.left_out).median_ape < 0.05);
}

TEST_CASE("runs that contradict themselves are named, and one run is too few") {
    MeasuredPoint wrong = run(16, 1);
    wrong.ttft_ms = 100;
    wrong.tpot_ms = 10;
    wrong.output_per_gpu = 16000;   // Little's law gives 1.6 thousand
    const OwnRuns o = own_runs(DataStore(), {run(8, 1), run(32, 1), wrong});
    REQUIRE(o.unusable.size() == 1);
    CHECK(o.unusable[0].find("contradicts latencies") != std::string::npos);
    CHECK_THROWS_AS((void)own_runs(DataStore(), {run(8, 1)}), InputError);
}

TEST_CASE("runs five times slower than predicted move their effect by more than three spreads") {
    const OwnRuns o = own_runs(DataStore(), {run(8, 0.2), run(32, 0.2), run(64, 0.2)});
    CHECK(o.moved.at(0).spreads() > 3);
}

TEST_CASE("runs that contradict each other or all that was measured make nothing more certain") {
    const OwnRuns apart = own_runs(DataStore(), {run(8, 0.7), run(64, 1.4)});
    CHECK(apart.spread_after >= apart.spread_before);
    const OwnRuns far = own_runs(DataStore(), {run(8, 0.1), run(32, 0.1), run(64, 0.1)});
    CHECK(far.spread_after > 2 * far.spread_before);
}
