// SPDX-License-Identifier: Apache-2.0
// Plans that stay between steps change no answer, whatever they were asked before.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "moecost/model/library.h"
#include "moecost/timing/step_plans.h"
#include "moecost/timing/step_timer.h"

using namespace moecost;
using doctest::Approx;

namespace {

struct Rig {
    Architecture architecture = load_model(DataStore(), "deepseek-v3");
    Cluster cluster = cluster_of(load_accelerator(DataStore(), "h200"));
    Profile profile = load_profile(DataStore(), cluster.gpu.id, cluster.gpu.relative, "sglang");
    Precision precision = Precision{}.with_weights(DType::fp8_block);
    CalibratedHardware machine = calibrated_hardware(cluster, profile, precision);

    [[nodiscard]] double seconds(const Layout& layout, const StepShape& shape, StepPlans* plans) const {
        const KeptPlan kept = plans != nullptr ? plans->of(layout, Phase::both) : KeptPlan{};
        return StepTimer(architecture, precision, layout, machine, Phase::both, kept)
            .time(shape)
            .total.value();
    }
};

StepShape shape_of(int i) {
    StepShape s;
    s.decode_sequences = 1 + i % 300;
    s.decode_context = 1000 + i;
    s.prefill_tokens = i % 3 == 0 ? 0 : i * 61 % 20000;
    s.prompt = 1 + i * 17 % 4000;
    return s;
}

constexpr Layout layouts[] = {{.tp = 8}, {.tp = 8, .ep = 8}, {.tp = 1, .ep = 8, .attention_dp = 8}};

}   // namespace

TEST_CASE("a step takes the same time by a plan that has seen others") {
    const Rig rig;
    StepPlans plans;
    plans.select(1, 1);
    for (int i = 0; i < 2000; ++i) {
        const Layout& layout = layouts[i % 3];
        const double fresh = rig.seconds(layout, shape_of(i), nullptr);
        CHECK(rig.seconds(layout, shape_of(i), &plans) == Approx(fresh).epsilon(1e-11));
    }
}

TEST_CASE("the answer of a plan does not depend on what it was asked before") {
    const Rig rig;
    StepPlans forth, back;
    forth.select(1, 1);
    back.select(1, 1);
    std::vector<double> seconds;
    for (int i = 0; i < 1000; ++i) seconds.push_back(rig.seconds(layouts[i % 3], shape_of(i), &forth));
    for (int i = 1000; i-- > 0;)   // to the last bit
        CHECK(rig.seconds(layouts[i % 3], shape_of(i), &back) == seconds[static_cast<std::size_t>(i)]);
}

TEST_CASE("a plan is that of the model and the machine that were selected") {
    Rig rig;
    StepPlans plans;
    plans.select(1, 1);
    const double before = rig.seconds(layouts[0], shape_of(10), &plans);
    rig.architecture.hidden *= 2;
    plans.select(1, 2);
    const double wide = rig.seconds(layouts[0], shape_of(10), &plans);
    CHECK(wide == Approx(rig.seconds(layouts[0], shape_of(10), nullptr)).epsilon(1e-11));
    CHECK(wide > 1.2 * before);
    rig.cluster.gpu.memory_bandwidth *= 2;
    plans.select(2, 2);
    const double fresh = rig.seconds(layouts[0], shape_of(10), nullptr);
    CHECK(rig.seconds(layouts[0], shape_of(10), &plans) == Approx(fresh).epsilon(1e-11));
}

TEST_CASE("a GEMM by bands of rows takes the time of its law") {
    const Rig rig;
    double worst = 0;
    for (const Gemm& shape : {Gemm{0, 2112, 7168, DType::fp8_block}, Gemm{0, 7168, 16384, DType::fp8_block},
                              Gemm{0, 256, 7168, DType::bf16}, Gemm{0, 129280, 7168, DType::bf16},
                              Gemm{0, 512, 256, DType::fp8_block}}) {
        const GemmPlan plan(shape, rig.machine);
        std::vector<GemmBand> bands(256);
        for (double m = 1; m < 40000; m = m * 1.01 + 0.3) {
            const GemmPlan::Total t = plan.total(GemmRows(m), bands);
            const Timed law = plan.time(m);
            worst = std::max(worst, std::abs(t.seconds / law.total.value() - 1));
            CHECK(t.inside == (law.provenance == Provenance::calibrated));
        }
    }
    CHECK(worst < 1e-11);
}
