// SPDX-License-Identifier: Apache-2.0
// A step of training against hand arithmetic and against published runs.
#include <doctest/doctest.h>

#include <cmath>

#include "moecost/model/library.h"
#include "moecost/moecost.h"
#include "moecost/training/training.h"

using namespace moecost;
using doctest::Approx;

namespace {

const DataStore& data() {
    static const DataStore store;
    return store;
}

struct Machine {
    Cluster cluster;
    Profile profile;
    Precision precision;
    TrainingConstants constants = load_training_constants(data());

    explicit Machine(std::string_view gpu, std::string_view engine = "vllm") {
        const Accelerator accelerator = load_accelerator(data(), gpu);
        cluster = cluster_of(accelerator);
        profile = load_profile(data(), accelerator.id, accelerator.relative, engine);
    }
    [[nodiscard]] CalibratedHardware hardware() const {
        return calibrated_hardware(cluster, profile, precision);
    }
    [[nodiscard]] Expected<TrainingStep> step(const Architecture& a, const TrainingLayout& l,
                                              const TrainingTask& t = {}) const {
        const CalibratedHardware h = hardware();
        return training_step(a, precision, h, constants, l, t, true);
    }
};

TrainingLayout layout(int tp, int pp, int ep, int gpus) {
    TrainingLayout l;
    l.tp = tp;
    l.pp = pp;
    l.ep = ep;
    l.gpus = gpus;
    return l;
}

}   // namespace

TEST_CASE("FLOP of a token are six of each parameter it uses, and causal attention") {
    // Llama-3.1-405B: 405.9 B parameters less the 2.1 B of the input table; attention 12 l h s/2 = 6 x 126 x 16384 x 8192.
    const Machine h100("h100_sxm");
    const auto step = h100.step(load_model(data(), "llama-3.1-405b"), layout(8, 16, 1, 8192), {8192, 2048});
    REQUIRE(step);
    CHECK(step->flop_per_token == Approx(6 * 403.75e9 + 6.0 * 126 * 16384 * 8192).epsilon(0.01));
}

TEST_CASE("the bubble is that of the interleaved schedule") {
    // Narayanan et al. 2021, section 2.2: (p - 1)/(m v) of the time that micro-batches take.
    const Machine h100("h100_sxm");
    const Architecture a = load_model(data(), "llama-3.1-70b");
    TrainingLayout l = layout(8, 8, 1, 64);
    const TrainingTask task{4096, 16};   // 16 micro-batches of one sequence on one replica
    const auto plain = h100.step(a, l, task);
    l.virtual_stages = 2;
    const auto interleaved = h100.step(a, l, task);
    REQUIRE(plain);
    REQUIRE(interleaved);
    const Seconds body =
        plain->forward + plain->backward + plain->recompute + plain->exchange + plain->tensor;
    CHECK(plain->bubble / body == Approx(7.0 / 16));
    CHECK(interleaved->bubble / plain->bubble == Approx(0.5));
}

TEST_CASE("the parts of a step add up, and no step is faster than its FLOP at peak") {
    for (const char* gpu : {"a100_sxm_80", "h100_sxm", "b200_sxm"}) {
        const Machine m(gpu);
        for (const char* model : {"llama-3.1-8b", "mixtral-8x7b", "deepseek-v3"}) {
            const Architecture a = load_model(data(), model);
            const bool moe = std::string_view(model) != "llama-3.1-8b";
            const auto s = m.step(a, layout(1, 4, moe ? 8 : 1, 128));
            REQUIRE(s);
            const Seconds sum = s->forward + s->backward + s->recompute + s->exchange + s->tensor +
                                s->bubble + s->reduction + s->update;
            CHECK(sum.value() == Approx(s->total.value()));
            CHECK(s->mfu > 0.05);
            CHECK(s->mfu < 1);
        }
    }
}

TEST_CASE("recomputation runs the forward pass again, and saves the memory of activations") {
    const Machine h100("h100_sxm");
    const Architecture a = load_model(data(), "llama-3.1-70b");
    TrainingLayout l = layout(8, 4, 1, 128);
    const auto kept = h100.step(a, l);
    l.recompute = true;
    const auto again = h100.step(a, l);
    REQUIRE(again);
    CHECK(kept->recompute.value() == 0);
    CHECK(again->recompute.value() > 0.3 * again->backward.value());
    CHECK(again->memory < kept->memory);
    CHECK(again->tokens_per_s_gpu < kept->tokens_per_s_gpu);
}

TEST_CASE(
    "a model that no GPU holds is refused with the shortfall, and the search finds a layout that does") {
    const Machine h100("h100_sxm");
    const Architecture a = load_model(data(), "llama-3.1-70b");
    const CalibratedHardware hardware = h100.hardware();
    const auto alone =
        training_step(a, h100.precision, hardware, h100.constants, layout(1, 1, 1, 64), {4096, 64});
    REQUIRE_FALSE(alone);
    // 70.6 B parameters, 6 bytes each before the optimiser: 424 GB and more.
    CHECK(alone.error().needed > 424e9);
    const auto plan = best_training(a, h100.precision, hardware, h100.constants, 64, {4096, 512});
    REQUIRE(plan);
    CHECK(plan->step.memory.value() <= h100.constants.memory_share * h100.cluster.gpu.memory.value());
    CHECK(plan->step.mfu > 0.25);
}

TEST_CASE("degrees that divide nothing are refused by name") {
    const Machine h100("h100_sxm");
    const Architecture moe = load_model(data(), "mixtral-8x7b");
    CHECK(h100.step(moe, layout(3, 1, 1, 64)).error().quantity == "GPUs");
    CHECK(h100.step(moe, layout(1, 1, 16, 64)).error().quantity == "experts");
    CHECK(h100.step(moe, layout(1, 64, 1, 64)).error().quantity == "stages");
    CHECK(h100.step(moe, layout(1, 1, 1, 64), {4096, 8}).error().quantity == "sequences");
}

TEST_CASE("a dense step of A100 comes out as Korthikanti et al. measured it") {
    // 2205.05198, Table 5: 22 B parameters on 8 GPUs, tensor parallel, batch 4, 1.10 s a step.
    const Machine a100("a100_sxm_80");
    const Architecture a =
        load_model(data(), std::string(MOECOST_SOURCE) + "/results/training/models/gpt-22b.toml");
    TrainingLayout l = layout(8, 1, 1, 8);
    l.micro_batch = 4;
    const auto s = a100.step(a, l, {2048, 4});
    REQUIRE(s);
    CHECK(s->total.value() == Approx(1.10).epsilon(0.15));
}

// 16 ranks hold each expert of Mixtral split by 8 once in two: its states lie on 16/8 = 2 ranks, not on 16.
TEST_CASE("states of experts are shared by the ranks that hold the same experts alone") {
    const Machine h100("h100_sxm");
    const Architecture a = load_model(data(), "mixtral-8x7b");
    const TrainingTask task{4096, 64};
    const double experts = 32 * 8 * 3 * 4096.0 * 14336;
    const double dense = count(a).total - experts;
    const TrainingConstants& c = h100.constants;
    TrainingLayout l = layout(1, 1, 8, 16);
    l.recompute = true;
    const double own = dense + experts / 8;
    const double states = own * (2 + c.gradient_bytes) + (dense / 16 + experts / 16) * c.optimiser_bytes;
    TrainingLayout wide = l;
    wide.gpus = 32;
    const double halved = own * (2 + c.gradient_bytes) + (dense / 32 + experts / 32) * c.optimiser_bytes;
    const double saved = (training_memory(a, c, l, task) - training_memory(a, c, wide, task)).value();
    CHECK(saved == Approx(states - halved).epsilon(1e-6));
    CHECK(training_memory(a, c, l, task).value() > states);
}
