// SPDX-License-Identifier: Apache-2.0
// Whole steps of served deployments against the numerical prototype that was calibrated on published
// measurements (independent numpy implementation of the same forms), and properties of a step that follow
// from its definition.
#include <doctest/doctest.h>

#include <string>

#include "bench.h"
#include "moecost/model/library.h"
#include "moecost/timing/step_timer.h"
#include "prototype.h"

using namespace moecost;
using doctest::Approx;

namespace {

struct Deployment {
    const char* model;
    const char* gpu;
    const char* engine;
    DType weights, experts, cache;
    Layout layout;
};

/// Everything a timer refers to.
struct Rig {
    Architecture architecture;
    Precision precision;
    Layout layout;
    Cluster cluster;
    Profile profile;
    CalibratedHardware machine;

    explicit Rig(const Deployment& d)
        : architecture(as_in_the_prototype(load_model(DataStore(), d.model))),
          layout(d.layout),
          cluster(cluster_of(load_accelerator(DataStore(), d.gpu))),
          profile(load_profile(DataStore(), cluster.gpu.id, cluster.gpu.relative, d.engine)) {
        as_in_the_prototype(profile);
        precision = precision.with_weights(d.weights);
        precision.routed_experts = d.experts;
        precision.kv_cache = d.cache;
        machine = calibrated_hardware(cluster, profile, precision);
    }
    Rig(const Rig&) = delete;
    Rig& operator=(const Rig&) = delete;

    StepTime time(const StepShape& shape) {
        return StepTimer(architecture, precision, layout, machine).time(shape);
    }
    double ms(const StepShape& shape) { return time(shape).total.value() * 1e3; }
};

StepShape shape_of(double sequences, double context, double tokens, double prompt) {
    StepShape s;
    s.decode_sequences = sequences;
    s.decode_context = context;
    s.prefill_tokens = tokens;
    s.prompt = prompt;
    return s;
}

/// Milliseconds of four steps: 8 sequences at 1500 tokens, 128 at 3000, 64 at 2000 with 2048 prompt tokens of
/// 1024 each, and 8192 prompt tokens of 4096 each alone. The prototype counts n/2 keys per prompt token, not
/// (n + 1)/2, and takes 8.0 TB/s for B200 and B300 in the small operations: 0.5 % covers both.
void check_steps(const Deployment& deployment, const double (&expected)[4], double tolerance = 0.005) {
    Rig rig(deployment);
    const std::string label = std::string(deployment.model).append(" on ").append(deployment.gpu);
    CAPTURE(label);
    CHECK(rig.ms(shape_of(8, 1500, 0, 1)) == Approx(expected[0]).epsilon(tolerance));
    CHECK(rig.ms(shape_of(128, 3000, 0, 1)) == Approx(expected[1]).epsilon(tolerance));
    CHECK(rig.ms(shape_of(64, 2000, 2048, 1024)) == Approx(expected[2]).epsilon(tolerance));
    CHECK(rig.ms(shape_of(0, 1, 8192, 4096)) == Approx(expected[3]).epsilon(tolerance));
}

constexpr DType bf16 = DType::bf16;
constexpr DType fp8 = DType::fp8;
constexpr DType block = DType::fp8_block;

}   // namespace

TEST_CASE("steps of DeepSeek-R1 agree with the calibrated prototype") {
    check_steps({"deepseek-r1", "h200", "sglang", block, block, bf16, {.tp = 8}},
                {14.2745, 38.3269, 93.1897, 291.6937});
    // The prototype gathers and scatters tokens around the three dense layers too, which run data parallel:
    // 6 (8 us + T 7168 x 2 B x 7/8 / (0.7 x 900 GB/s)) less for T = 8, 128, 2112, 8192.
    check_steps({"deepseek-r1", "b200", "trtllm", bf16, DType::nvfp4, fp8, {.ep = 8, .attention_dp = 8}},
                {12.6887 - 0.0490, 18.5329 - 0.0633, 33.0396 - 0.3002, 77.8595 - 1.0266});
}

TEST_CASE("steps of dense models agree with the calibrated prototype") {
    check_steps({"llama-3.1-70b", "h100", "vllm", fp8, fp8, bf16, {.tp = 4}},
                {11.9780, 28.0825, 123.8989, 422.5725});
    check_steps({"llama-3.1-70b", "b200", "vllm", DType::nvfp4, bf16, fp8, {.tp = 2}},
                {9.2734, 16.9878, 62.8639, 218.9544});
    check_steps({"qwen3-32b", "h100", "trtllm", fp8, fp8, fp8, {.tp = 2}},
                {10.1207, 23.0498, 80.5156, 286.7151});
}

TEST_CASE("steps of gpt-oss-120b with windowed layers agree with the calibrated prototype") {
    check_steps({"gpt-oss-120b", "b200", "trtllm", bf16, DType::mxfp4, fp8, {.tp = 4}},
                {3.5386, 7.8056, 14.0896, 32.2386});
    check_steps({"gpt-oss-120b", "h200", "vllm", bf16, DType::mxfp4, bf16, {.tp = 2}},
                {6.5320, 17.2447, 33.0506, 92.3333});
}

TEST_CASE("steps of expert-parallel mixtures agree with the calibrated prototype") {
    check_steps({"qwen3-235b-a22b", "h200", "vllm", block, block, bf16, {.tp = 8, .ep = 8}},
                {12.8594, 26.1678, 64.4857, 196.1796});
    check_steps({"minimax-m2.5", "b300", "vllm", bf16, DType::nvfp4, fp8, {.tp = 4, .ep = 4}},
                {5.5544, 12.8978, 22.4812, 53.2337});
}

TEST_CASE("steps of Kimi-K2.5 with int4 experts agree with the calibrated prototype") {
    check_steps({"kimi-k2.5", "h200", "vllm", bf16, DType::int4, bf16, {.tp = 8}},
                {12.9670, 38.1442, 131.0195, 410.2661});
}

TEST_CASE("steps of Qwen3.5 with gated delta layers agree with the calibrated prototype") {
    // The prototype leaves out the state of the convolution, 1.8 % of what a recurrent layer reads and
    // writes.
    check_steps({"qwen3.5-397b-a17b", "b300", "sglang", block, block, fp8, {.tp = 4}},
                {9.6838, 24.9767, 47.4739, 120.9379}, 0.006);
}

TEST_CASE("a Mixtral decode step of the ideal profile lies on the floor of its bytes") {
    // TP 2 on H100, bf16, context 2176: (1.473e9 + 45.10e9 D/8) 2 B/2 GPUs + batch 2176 * 65,536 B, at 3350
    // GB/s.
    Rig rig({"mixtral-8x7b", "h100", "ideal", bf16, bf16, bf16, {.tp = 2}});
    // Activations and messages are the rest: below 0.6 % up to 64 sequences, 3 % at 256.
    CHECK(rig.ms(shape_of(1, 2176, 0, 1)) == Approx(3.85).epsilon(0.01));
    CHECK(rig.ms(shape_of(8, 2176, 0, 1)) == Approx(12.9).epsilon(0.01));
    CHECK(rig.ms(shape_of(64, 2176, 0, 1)) == Approx(16.6).epsilon(0.02));
    CHECK(rig.ms(shape_of(256, 2176, 0, 1)) == Approx(24.8).epsilon(0.04));
}

TEST_CASE("a step is the sum of its classes, and of its operations and the host") {
    Rig rig({"qwen3-235b-a22b", "h200", "vllm", block, block, bf16, {.tp = 8}});
    const StepShape shape = shape_of(64, 2000, 2048, 1024);
    StepTimer timer(rig.architecture, rig.precision, rig.layout, rig.machine);
    const StepTime step = timer.time(shape);
    Seconds classes;
    for (const Seconds s : step.by_class) classes += s;
    CHECK(step.total.value() == Approx(classes.value()).epsilon(1e-12));
    Seconds operations;
    Seconds roofline;
    for (const TimedOperation& op : timer.explain(shape)) {
        operations += op.timed.total * op.operation.count;
        roofline += op.timed.ideal_total * op.operation.count;
    }
    CHECK(step.total.value() == Approx((operations + timer.host_time(shape)).value()).epsilon(1e-12));
    CHECK(step.roofline.value() == Approx(roofline.value()).epsilon(1e-12));
    CHECK(step.roofline < step.total);
    // 245.4 us + 12.33 us per sequence
    CHECK(in_us(timer.host_time(shape)) == Approx(245.4 + 64 * 12.33).epsilon(1e-9));
}

TEST_CASE("part of a shared expert hides behind the routed ones") {
    Rig rig({"deepseek-v3", "h200", "sglang", block, block, bf16, {.tp = 8}});
    const StepShape shape = shape_of(64, 2000, 0, 1);
    StepTimer timer(rig.architecture, rig.precision, rig.layout, rig.machine);
    Seconds listed;
    for (const TimedOperation& op : timer.explain(shape)) {
        if (op.operation.op_class == OpClass::shared_experts) listed += op.timed.total * op.operation.count;
    }
    const Seconds charged = timer.time(shape).by_class[static_cast<std::size_t>(OpClass::shared_experts)];
    CHECK(charged / listed == Approx(0.7).epsilon(1e-12));   // shared_expert_overlap = 0.3
}

TEST_CASE("routed and shared experts together are never faster than their bytes and FLOP") {
    Rig rig({"deepseek-v3", "h200", "sglang", block, block, bf16, {.tp = 8}});
    for (MoeTable& t :
         rig.profile.kernels->moe) {   // routed experts at datasheet speed leave nothing to hide behind
        t.floor = t.token_log = Seconds{0};
        t.compute = t.memory = 1;
        t.overlap_exponent = 100;
        t.routed_traffic = t.global_traffic = t.width_knee = t.hidden_knee = 0;
    }
    rig.profile.kernels->assumed.shared_expert_overlap = 1;
    const StepShape shape = shape_of(64, 2000, 0, 1);
    StepTimer timer(rig.architecture, rig.precision, rig.layout, rig.machine);
    Seconds roofline;
    for (const TimedOperation& op : timer.explain(shape)) {
        const OpClass c = op.operation.op_class;
        const bool experts = c == OpClass::routed_experts || c == OpClass::shared_experts;
        if (experts) roofline += op.timed.ideal_total * op.operation.count;
    }
    const StepTime step = timer.time(shape);
    const auto of = [&](OpClass c) { return step.by_class[static_cast<std::size_t>(c)]; };
    CHECK((of(OpClass::routed_experts) + of(OpClass::shared_experts)) / roofline == Approx(1).epsilon(1e-12));
}

TEST_CASE(
    "a compiled engine launches ahead: a step with prompts costs no launches, and none is shorter than "
    "them") {
    Rig rig({"llama-3.1-70b", "h100", "trtllm", bf16, bf16, bf16, {.tp = 8}});   // 80 layers
    ServingConstants& s = rig.profile.serving;
    s.prompt_step = Seconds{600e-6};
    s.prompt_step_layer = Seconds{200e-6};
    const auto total = [&](double tokens) {
        StepTimer timer(rig.architecture, rig.precision, rig.layout, rig.machine);
        return timer.time(shape_of(1, 1000, tokens, std::max(tokens, 1.0))).total.value() * 1e3;
    };
    const double prompt = total(4096), decode = total(0);
    s = as_compiled(s);
    // 0.6 ms + 80 x 0.2 ms beside a prompt, whose kernels take longer than that.
    CHECK(prompt - total(4096) == Approx(16.6).epsilon(1e-9));
    // One sequence on 8 GPUs takes less: the launches bound it. 245.4 us + 12.33 us of host on top.
    CHECK(decode < 16);
    CHECK(total(0) == Approx(16.6 + 0.2577).epsilon(1e-3));
}

TEST_CASE("attention data parallelism costs the host per sequence of a rank") {
    Rig rig({"deepseek-v3", "h200", "sglang", block, block, bf16, {.ep = 8, .attention_dp = 8}});
    StepTimer timer(rig.architecture, rig.precision, rig.layout, rig.machine);
    CHECK(in_us(timer.host_time(shape_of(64, 2000, 0, 1))) == Approx(245.4 + 8 * 12.33).epsilon(1e-9));
}

TEST_CASE("pipeline stages work on micro-batches of the batch") {
    Rig whole({"llama-3.1-70b", "h100", "ideal", bf16, bf16, bf16, {.tp = 2}});
    Rig staged({"llama-3.1-70b", "h100", "ideal", bf16, bf16, bf16, {.tp = 2, .pp = 4}});
    // Through all stages a micro-batch of 16 needs what 16 sequences need on one stage of all layers, and 3
    // sends.
    const double sends = 3 * 16.0 * 8192 * 2 / 450e9 * 1e3;
    CHECK(staged.ms(shape_of(64, 2000, 0, 1)) ==
          Approx(whole.ms(shape_of(16, 2000, 0, 1)) + sends).epsilon(1e-12));
    CHECK(staged.ms(shape_of(0, 1, 4096, 2048)) ==
          Approx(whole.ms(shape_of(0, 1, 1024, 2048)) + 64 * sends).epsilon(1e-12));
    // Fewer sequences than stages: one in flight at a time.
    CHECK(staged.ms(shape_of(2, 2000, 0, 1)) ==
          Approx(whole.ms(shape_of(1, 2000, 0, 1)) + sends / 16).epsilon(1e-12));
    CHECK(staged.ms(shape_of(0.5, 2000, 0, 1)) ==
          Approx(whole.ms(shape_of(0.5, 2000, 0, 1)) + sends / 16).epsilon(1e-12));
}

TEST_CASE("a step tells the weakest provenance of its parts") {
    Rig dense({"llama-3.1-70b", "h100", "vllm", fp8, fp8, bf16, {.tp = 4}});
    CHECK(dense.time(shape_of(64, 2000, 0, 1)).provenance == Provenance::calibrated);
    CHECK(dense.time(shape_of(64, 300000, 0, 1)).provenance == Provenance::extrapolated);
    Rig borrowed({"llama-3.1-70b", "h800_sxm", "vllm", fp8, fp8, bf16, {.tp = 4}});
    CHECK(borrowed.time(shape_of(64, 2000, 0, 1)).provenance == Provenance::borrowed);
}

TEST_CASE("a format without tensor-core path or kernel table is refused with what is allowed") {
    const DataStore data;
    const Architecture mixtral = load_model(data, "mixtral-8x7b");
    const auto problem = [&](const char* gpu, const char* engine, DType weights, DType cache) {
        const Cluster cluster = cluster_of(load_accelerator(data, gpu));
        Precision p;
        p = p.with_weights(weights);
        p.kv_cache = cache;
        const auto found = precision_problem(
            mixtral, p, cluster, load_profile(data, cluster.gpu.id, cluster.gpu.relative, engine));
        return found ? std::string("--").append(found->option).append(": ").append(found->message)
                     : std::string();
    };
    CHECK(problem("h100", "vllm", bf16, bf16).empty());
    CHECK(problem("h100", "vllm", bf16, fp8).empty());
    CHECK(problem("a100_sxm_80", "vllm", fp8, bf16)
              .starts_with(
                  "--weights: attention weights in fp8 cannot run on a100_sxm_80 under vllm; allowed: "));
    CHECK(problem("h100", "vllm", DType::nvfp4, bf16).find("nvfp4 cannot run on h100_sxm") !=
          std::string::npos);
    CHECK(problem("a100_sxm_80", "vllm", bf16, fp8)
              .starts_with("--kv: a KV cache in fp8 cannot run on a100_sxm_80"));
    CHECK(problem("h100", "ideal", bf16, DType::int8).starts_with("--kv: a KV cache in int8 cannot run"));
}

TEST_CASE("two half batches: one computes while the other travels, the longer of both counts") {
    Rig whole({"deepseek-v3",
               "h100_sxm",
               "sglang",
               DType::fp8_block,
               DType::fp8_block,
               DType::bf16,
               {.ep = 32, .attention_dp = 32, .exchange = ExpertExchange::low_latency}});
    const StepShape shape = shape_of(32 * 128, 4000, 0, 0);
    StepShape half = shape;
    half.decode_sequences /= 2;
    const StepTime one = whole.time(half);
    whole.layout.batch_overlap = true;
    const StepTime both = whole.time(shape);
    const auto part = [](const StepTime& t, OpClass c) {
        return t.by_class[static_cast<std::size_t>(c)].value();
    };
    const double travel = 2 * part(one, OpClass::communication);
    const double host = part(both, OpClass::host);
    const double compute = 2 * whole.profile.pools.wide.straggler *
                           (one.total.value() - part(one, OpClass::communication) - part(one, OpClass::host));
    CHECK(both.total.value() == Approx(std::max(compute, travel) + host).epsilon(1e-9));
}

TEST_CASE("a pool of one phase runs by its own constants") {
    const Deployment d{"qwen3-30b-a3b", "h100_sxm", "vllm", DType::bf16, DType::bf16, DType::bf16, {}};
    Rig rig(d);
    rig.profile.pools.alone.step = 0.5;
    rig.profile.pools.alone.experts = 2;
    const StepShape shape = shape_of(64, 1000, 0, 0);
    const StepTime both = rig.time(shape);
    const StepTime alone =
        StepTimer(rig.architecture, rig.precision, rig.layout, rig.machine, Phase::decode).time(shape);
    const auto experts = static_cast<std::size_t>(OpClass::routed_experts);
    const auto host = static_cast<std::size_t>(OpClass::host);
    CHECK(alone.by_class[experts].value() == Approx(2 * both.by_class[experts].value()).epsilon(1e-9));
    CHECK(alone.by_class[host] == both.by_class[host]);
    CHECK(alone.total > both.total * 0.5);   // no operation falls below its roofline
}
