// SPDX-License-Identifier: Apache-2.0
// Conservation laws of a whole step: bytes of weights, FLOP per token, shares of ranks, messages.
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "listed.h"
#include "moecost/model/counts.h"

using namespace moecost;
using doctest::Approx;

namespace {

/// GEMM operands that no operation of a step stands for: the mixing matrices of parallel residual streams
/// (DeepSeek-V4) and attention residuals (Kimi-K3), and the 1 x h gate of a shared expert. Together they are
/// less than 0.3 % of the weights of any model of the library.
bool left_out(const Tensor& t) {
    return t.name == "hc.fn" || t.name == "hc_head.fn" || t.name == "res_proj" ||
           t.name == "shared_expert_gate";
}

/// Elements of all GEMM operands that a step reads; `active`: of one token only. A tied table is read as
/// head.
double gemm_elements(const Architecture& a, bool active) {
    double sum = 0;
    for (const Tensor& t : tensors(a)) {
        const bool operand = t.kind == TensorKind::matmul || t.kind == TensorKind::tied_table;
        if (operand && !left_out(t)) sum += t.elements() * (active ? t.active_copies : t.copies);
    }
    return sum;
}

}   // namespace

TEST_CASE("a huge batch reads every GEMM weight of a model once") {
    // Parameters without input table (vocabulary x hidden) and norms, 2 B each; totals from the model cards.
    CHECK(weights_read(listed(model_named("llama-3.1-8b"), {}, decode_shape(4096, 1))) ==
          2 * (8030261248.0 - 128256.0 * 4096 - 65.0 * 4096));
    CHECK(weights_read(listed(model_named("qwen3-32b"), {}, decode_shape(4096, 1))) ==
          2 * (32762123264.0 - 151936.0 * 5120 - 129.0 * 5120 - 64.0 * 256));
    CHECK(weights_read(listed(model_named("mixtral-8x7b"), {}, decode_shape(4096, 1))) ==
          2 * (46702792704.0 - 32000.0 * 4096 - 65.0 * 4096));
    // The kv up-projection is read as the absorb product; norms and the 58 x 256 correction biases are left
    // out.
    CHECK(weights_read(listed(model_named("deepseek-v3"), {}, decode_shape(1e6, 1))) ==
          Approx(2 * (671026419200.0 - 129280.0 * 7168 - 123.0 * 7168 - 61.0 * (1536 + 512) - 58.0 * 256))
              .epsilon(1e-12));
}

TEST_CASE(
    "a batch of one reads the active GEMM weights, a huge one all of them, for every model of the library") {
    for (const std::string& name : DataStore().names("workloads/models")) {
        CAPTURE(name);
        const Architecture a = model_named(name);
        CHECK(weights_read(listed(a, {}, decode_shape(1, 1))) ==
              Approx(2 * gemm_elements(a, true)).epsilon(1e-12));
        CHECK(weights_read(listed(a, {}, decode_shape(1e7, 1))) ==
              Approx(2 * gemm_elements(a, false)).epsilon(1e-12));
        CHECK(gemm_elements(a, true) > 0.997 * count(a).active_matmul_only);
    }
}

TEST_CASE("FLOP of a decoded token tend to two per active GEMM parameter as the context vanishes") {
    for (const std::string& name : DataStore().names("workloads/models")) {
        CAPTURE(name);
        const Architecture a = model_named(name);
        const auto operations = listed(a, {}, decode_shape(1, 0));
        CHECK(flop_of(operations) - flop_of(operations, OpClass::recurrent) ==
              Approx(2 * gemm_elements(a, true)).epsilon(1e-12));
    }
    // Exactly the published count where nothing is left out and nothing is recurrent.
    for (const char* name :
         {"llama-3.1-8b", "mixtral-8x7b", "deepseek-v3", "qwen3-235b-a22b", "gpt-oss-120b"}) {
        CAPTURE(name);
        const Architecture a = model_named(name);
        CHECK(flop_of(listed(a, {}, decode_shape(1, 0))) ==
              Approx(2 * count(a).active_matmul_only).epsilon(1e-12));
    }
}

TEST_CASE("a huge batch reads what is stored of the GEMM weights of every release, in its formats") {
    // Not what is read: scales of ragged blocks (576 of 128), projections that stay in bf16 inside an
    // indexer, and the mixing matrices of parallel residual streams: 0.05 % at most.
    for (const std::string& name : DataStore().names("workloads/models")) {
        CAPTURE(name);
        const Architecture a = model_named(name);
        double stored = 0;
        for (const Tensor& t : tensors(a)) {
            if (t.kind == TensorKind::matmul || t.kind == TensorKind::tied_table)
                stored += stored_bytes(t, a.precision).value();
        }
        CHECK(weights_read(listed(a, {}, decode_shape(1e7, 1), a.precision)) == Approx(stored).epsilon(5e-4));
    }
}

TEST_CASE("shares of tensor-parallel ranks sum to the whole") {
    for (const char* name : {"llama-3.1-8b", "llama-3.1-70b", "qwen3-32b"}) {
        CAPTURE(name);
        const Architecture a = model_named(name);
        const StepShape shape = decode_shape(16, 1000);
        CHECK(8 * weights_read(listed(a, {.tp = 8}, shape)) ==
              Approx(weights_read(listed(a, {}, shape))).epsilon(1e-12));
        CHECK(8 * flop_of(listed(a, {.tp = 8}, shape)) ==
              Approx(flop_of(listed(a, {}, shape))).epsilon(1e-12));
    }
    // Router and latent projections are replicated: 7 further copies of each.
    const Architecture deepseek = model_named("deepseek-v3");
    const StepShape shape = decode_shape(1e6, 1);
    const double copied = 2 * (58.0 * 256 * 7168 + 61.0 * (1536 + 512 + 64) * 7168);
    CHECK(8 * weights_read(listed(deepseek, {.tp = 8}, shape)) ==
          Approx(weights_read(listed(deepseek, {}, shape)) + 7 * copied).epsilon(1e-12));
    const Architecture mixtral = model_named("mixtral-8x7b");
    CHECK(8 * weights_read(listed(mixtral, {.tp = 8, .ep = 8}, shape)) ==
          Approx(weights_read(listed(mixtral, {}, shape)) + 7 * 2.0 * 32 * 8 * 4096).epsilon(1e-12));
}

TEST_CASE("expert weights of a Mixtral decode step follow the law of distinct experts exactly") {
    const Architecture a = model_named("mixtral-8x7b");
    const double of_one_expert = 32.0 * 3 * 4096 * 14336 * 2 / 2;   // all layers, bf16, on one of two ranks
    const double distinct[] = {2.0, 7.1990966796875, 7.999999919274481, 8.0};
    const double batch[] = {1, 8, 64, 256};
    for (int i = 0; i < 4; ++i) {
        const auto operations = listed(a, {.tp = 2}, decode_shape(batch[i], 2176));
        const Operation& experts = named(operations, "routed experts");
        CHECK(work(experts).weights.value() * experts.count ==
              Approx(of_one_expert * distinct[i]).epsilon(1e-12));
    }
}

TEST_CASE("a mixed step is one step on the union of its tokens") {
    const Architecture a = model_named("qwen3-30b-a3b");
    StepShape mixed = prefill_shape(100, 100);
    mixed.decode_sequences = 28;
    mixed.decode_context = 500;
    const auto operations = listed(a, {}, mixed);
    CHECK(std::get<Gemm>(named(operations, "qkv").shape).m == 128);
    CHECK(std::get<ExpertFfn>(named(operations, "routed experts").shape).tokens == 128);
    CHECK(weights_read(operations) == weights_read(listed(a, {}, decode_shape(128, 500))));
    CHECK(std::get<DecodeAttention>(named(operations, "decode attention").shape).batch == 28);
    CHECK(std::get<PrefillAttention>(named(operations, "prefill attention").shape).tokens == 100);
}

TEST_CASE("attention data parallelism divides sequences but not the tokens of the experts") {
    const Architecture a = model_named("deepseek-v3");
    const auto operations = listed(a, {.ep = 8, .attention_dp = 8}, decode_shape(256, 1000));
    CHECK(std::get<Gemm>(named(operations, "q up").shape).m == 32);
    CHECK(std::get<MlaDecode>(named(operations, "decode attention").shape).batch == 32);
    CHECK(std::get<MlaDecode>(named(operations, "decode attention").shape).heads == 128);
    CHECK(std::get<ExpertFfn>(named(operations, "routed experts").shape).tokens == 256);
    CHECK(std::get<Gemm>(named(operations, "head").shape).m == 32);
    // No all-reduce; each of 58 layers with experts gathers and scatters 256 tokens of 7168 values, the three dense ones
    // run data parallel.
    CHECK(count_named(operations, "all-reduce") == 0);
    CHECK(named(operations, "token gather").count == 58);
    const Operation& gather = named(operations, "token scatter");
    CHECK(std::get<AllGather>(gather.shape).message.value() == 256.0 * 7168 * 2);
    CHECK(std::get<AllGather>(gather.shape).ranks == 8);
}

TEST_CASE("tensor parallelism reduces once after mixer and once after feed-forward of each layer") {
    const Architecture a = model_named("llama-3.1-70b");
    const auto operations = listed(a, {.tp = 4}, decode_shape(10, 1000));
    const Operation& reduce = named(operations, "all-reduce");
    CHECK(reduce.count == 160);
    CHECK(std::get<AllReduce>(reduce.shape).message.value() == 10.0 * 8192 * 2);
    CHECK(std::get<AllReduce>(reduce.shape).ranks == 4);
    CHECK(count_named(listed(a, {}, decode_shape(10, 1000)), "all-reduce") == 0);
}

TEST_CASE("an all-to-all backend takes the place of the reduction after the experts") {
    const Architecture a = model_named("deepseek-v3");
    const Layout layout{.tp = 2, .ep = 8, .attention_dp = 4, .exchange = ExpertExchange::low_latency};
    const auto operations = listed(a, layout, decode_shape(256, 1000));
    const auto exchange = std::get<ExpertAllToAll>(named(operations, "all-to-all").shape);
    CHECK(exchange.tokens_per_rank == 32);
    CHECK(exchange.ranks == 8);
    CHECK(exchange.low_latency);
    CHECK(exchange.reached == Approx(5.294652).epsilon(1e-6));
    CHECK(named(operations, "all-to-all").count == 58);
    CHECK(count_named(operations, "token gather") == 0);
    CHECK(named(operations, "all-reduce").count ==
          61 + 3);   // after attention, and in the dense layers' tp groups
}

TEST_CASE("behind an all-to-all a rank handles the rows of its own experts, with a collective it sorts all") {
    const Architecture a = model_named("deepseek-v3");
    Layout layout{.ep = 32, .attention_dp = 32, .exchange = ExpertExchange::nvlink};
    const auto local =
        std::get<ExpertFfn>(named(listed(a, layout, decode_shape(4096, 1000)), "routed experts").shape);
    CHECK(local.rows == Approx(local.tokens * 8));
    CHECK(local.tokens < 1.5 * 4096 / 32);   // 128 in the mean, more on the busiest rank
    CHECK(std::get<ExpertAllToAll>(named(listed(a, layout, decode_shape(4096, 1000)), "all-to-all").shape)
              .nvlink);
    layout.exchange = ExpertExchange::collective;
    const auto gathered = listed(a, layout, decode_shape(4096, 1000));
    CHECK(std::get<ExpertFfn>(named(gathered, "routed experts").shape).tokens == 4096);
    CHECK(named(gathered, "token gather").count == 58);   // the three dense layers run data parallel
}

TEST_CASE("redundant experts fill ranks that do not divide the experts") {
    // 256 + 32 copies over 144 ranks: two each (DeepSeek's published decode setting).
    const Architecture a = model_named("deepseek-v3");
    const Layout layout{
        .ep = 144, .attention_dp = 144, .exchange = ExpertExchange::low_latency, .redundant_experts = 32};
    CHECK_FALSE(layout_problem(a, layout).has_value());
    const auto experts =
        std::get<ExpertFfn>(named(listed(a, layout, decode_shape(144 * 128, 4000)), "routed experts").shape);
    CHECK(experts.distinct == Approx(2).epsilon(0.01));
    CHECK(layout_problem(a, {.ep = 144, .attention_dp = 144}).has_value());
    CHECK(layout_problem(a, {.redundant_experts = 32}).has_value());   // without expert parallelism
}

TEST_CASE("pipeline stages hand their hidden states on") {
    const Architecture a = model_named("llama-3.1-70b");
    const auto operations = listed(a, {.tp = 2, .pp = 4}, decode_shape(10, 1000));
    CHECK(named(operations, "stage send").count == 3);
    CHECK(std::get<PipelineSend>(named(operations, "stage send").shape).message.value() == 10.0 * 8192 * 2);
    CHECK(weights_read(operations) == weights_read(listed(a, {.tp = 2}, decode_shape(10, 1000))));
}

TEST_CASE("verifying drafted tokens reads the cache once for all of them") {
    const Architecture a = model_named("llama-3.1-70b");
    StepShape shape = decode_shape(8, 1000);
    const auto plain = listed(a, {}, shape);
    shape.queries = 4;   // three drafts
    const auto verified = listed(a, {}, shape);
    CHECK(std::get<Gemm>(named(verified, "qkv").shape).m == 32);
    CHECK(std::get<Gemm>(named(verified, "head").shape).m == 32);
    const Work core = work(named(verified, "decode attention"));
    CHECK(core.cache == work(named(plain, "decode attention")).cache);
    CHECK(core.flop.value() == 4 * work(named(plain, "decode attention")).flop.value());
    CHECK(weights_read(verified) ==
          weights_read(plain));   // no module of its own: the drafter is not counted
}

TEST_CASE("a multi-token-prediction module runs once per drafted token") {
    const Architecture a = model_named("deepseek-v3");
    double module = static_cast<double>(a.vocabulary) * a.hidden;   // the head, shared with the model
    for (const Tensor& t : mtp_tensors(a)) {
        if (t.kind == TensorKind::matmul) module += t.elements() * t.copies;
    }
    StepShape shape = decode_shape(1e6, 1);
    const double plain = weights_read(listed(a, {}, shape));
    for (const double drafts : {1.0, 3.0}) {
        shape.queries = 1 + drafts;
        CHECK(weights_read(listed(a, {}, shape)) == Approx(plain + 2 * drafts * module).epsilon(1e-12));
    }
}

TEST_CASE("every model of the library lists finite, non-negative work in decode, prefill and mixed steps") {
    StepShape mixed = prefill_shape(2000, 1500, 300, 2);
    mixed.decode_sequences = 48;
    mixed.decode_context = 9000;
    for (const std::string& name : DataStore().names("workloads/models")) {
        CAPTURE(name);
        const Architecture a = model_named(name);
        for (const Layout& layout : {Layout{}, Layout{.attention_dp = 2}}) {
            for (const StepShape& shape :
                 {decode_shape(1, 1), decode_shape(300, 100000), prefill_shape(8192, 4096), mixed}) {
                for (const Operation& op : listed(a, layout, shape, a.precision, 1.13)) {
                    CAPTURE(op.name);
                    const Work w = work(op);
                    CHECK(op.count > 0);
                    for (const double x : {w.flop.value(), w.weights.value(), w.activations.value(),
                                           w.cache.value(), w.message.value()}) {
                        const bool good = std::isfinite(x) && x >= 0;
                        if (!good) FAIL_CHECK("work of " << x);
                    }
                    CHECK(w.flop.value() + w.memory().value() + w.message.value() > 0);
                }
            }
        }
    }
}
