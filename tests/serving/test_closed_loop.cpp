// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>

#include "served.h"

using namespace moecost;
using doctest::Approx;

namespace {

constexpr DType bf16 = DType::bf16;
constexpr DType fp8 = DType::fp8;
constexpr DType block = DType::fp8_block;

struct Load {
    double requests;
    Traffic traffic;
    double chunk;
    double capacity = std::numeric_limits<double>::infinity();
    double admission_steps = 0;
};
struct Figures {
    double tpot_ms, ttft_ms, output_tokens_per_s;
};

/// The prototype's fixed point (80 rounds). 0.8 %: its steps differ by up to 0.5 %, its fixed point is sought
/// to the end, and it takes the lone prefill beside the decoding requests, not beside all that run.
void check_loop(const Instance& instance, const Load& load, const Figures& expected) {
    Served s(instance, true);
    s.traffic = load.traffic;
    s.engine.chunk_tokens = load.chunk;
    s.engine.admission_steps = load.admission_steps;
    s.capacity = load.capacity;
    ServingConstants constants = s.scalars();   // the prototype's own of the first token
    constants.first_token = Seconds{22.7e-3};
    constants.first_token_steps = 0;
    s.engine.prompt_interval = 0;
    constants.queue = load.traffic.equal_lengths ? 0.0975 : 0.199;
    constants.queue_in_step = 0.824;
    const ServingInput in = s.input();
    const Serving r =
        closed_loop({in.timer, constants, in.engine, in.layout, in.traffic, in.capacity}, load.requests);
    const std::string label = std::string(instance.model).append(" on ").append(instance.gpu);
    CAPTURE(label);
    CHECK(r.tpot.value() * 1e3 == Approx(expected.tpot_ms).epsilon(0.008));
    CHECK(r.ttft.value() * 1e3 == Approx(expected.ttft_ms).epsilon(0.008));
    CHECK(r.requests_per_s.value() * load.traffic.output ==
          Approx(expected.output_tokens_per_s).epsilon(0.008));
}

}   // namespace

TEST_CASE("closed loops with mixed batches agree with the calibrated prototype") {
    check_loop(llama_h100, {32, lengths(922, 922), 8192}, {15.9339, 299.23, 1970.30});
    check_loop(llama_h100, {1, lengths(922, 922), 8192}, {11.3919, 103.58, 87.02});
    check_loop(llama_h100, {64, lengths(8192, 128), 8192},
               {284.8990, 4261.22, 202.55});   // prompts in every step
    check_loop({"gpt-oss-120b", "b200", "trtllm", bf16, DType::mxfp4, fp8, {.tp = 4}},
               {128, lengths(922, 7373), 20000}, {8.0200, 111.56, 15932.23});
    // Of attention data parallelism the prototype knows no lockstep: it spreads each prompt over all ranks.
}

TEST_CASE("closed loops with separate prompt batches agree with the calibrated prototype") {
    check_loop({"deepseek-r1", "h200", "sglang", block, block, bf16, {.tp = 8}},
               {64, lengths(7373, 922), 16384}, {54.0285, 2370.28, 1131.93});
    check_loop({"llama-3.1-70b", "h100", "sglang", fp8, fp8, bf16, {.tp = 4}}, {64, lengths(8192, 128), 8192},
               {245.4027, 3574.20, 235.81});
    check_loop({"qwen3.5-397b-a17b", "b300", "sglang", block, block, fp8, {.tp = 4}},
               {64, lengths(922, 922), 16384, std::numeric_limits<double>::infinity(), 15},
               {21.5014, 595.31, 2892.82});
}

TEST_CASE("closed loops of equal lengths agree with the calibrated prototype") {
    check_loop({"qwen3-32b", "h100", "vllm", bf16, bf16, bf16, {.tp = 2}},
               {16, lengths(4096, 512, true), 8192}, {23.7347, 750.10, 636.10});
    check_loop({"qwen3-32b", "h100", "sglang", bf16, bf16, bf16, {.tp = 2}},
               {64, lengths(2048, 256, true), 8192}, {36.3864, 3681.01, 1264.24});
}

TEST_CASE("a closed loop limited by memory agrees with the calibrated prototype") {
    check_loop({"minimax-m2.5", "b300", "vllm", bf16, DType::nvfp4, fp8, {.tp = 4, .ep = 4}},
               {256, lengths(922, 922), 2048, 100}, {11.7609, 17248.84, 8405.51});
}

TEST_CASE("one request alone waits for nobody") {
    Served s(llama_ideal);
    s.traffic = lengths(1024, 1024);
    const Serving r = closed_loop(s.input(), 1);
    CHECK(r.running == 1);
    CHECK(r.ttft_queue == Seconds{0});
    // Ideal profile, no queue: one prompt beside its own decode step, half a step of waiting, decode steps of
    // one.
    CHECK(r.tpot.value() == Approx(s.step(1, 0).value()).epsilon(1e-3));
    CHECK(r.ttft.value() == Approx((s.step(1, 1024) + s.step(1, 0) / 2).value()).epsilon(1e-9));
    CHECK(in_flight(r) == Approx(1).epsilon(1e-12));
}

TEST_CASE("no step decodes less than one sequence, however short the decode part of a request is") {
    // 100,000 prompt tokens for 100 of output: the request decodes a small part of its time, alone in its
    // batch.
    Served s(llama_ideal);
    s.traffic = lengths(100000, 100);
    const Serving r = closed_loop(s.input(), 1);
    CHECK(r.decoding < 0.2);
    CHECK(r.decode_step.decode_sequences == 1);
    CHECK(r.decode_time.total == s.step(1, 0));
}

TEST_CASE("a run begins with all its requests at once: they wait for half of each other's prompts") {
    Served s(llama_h100);
    s.traffic = lengths(1024, 1024);
    const Serving endless = closed_loop(s.input(), 16);
    const Serving run = closed_loop(s.input(), 16, 160);
    // A tenth of the requests start together, each behind 7.5 of the 15 others.
    const double prompt = endless.prefill_share / endless.requests_per_s.value();
    CHECK((run.ttft - endless.ttft).value() == Approx(0.1 * 7.5 * prompt).epsilon(0.02));
    CHECK(closed_loop(s.input(), 16, 16).ttft == endless.ttft);   // no round after the first
}

TEST_CASE("a request of one output token has no decode") {
    for (const Instance& instance : {llama_h100, llama_ideal}) {
        Served s(instance);
        s.traffic = lengths(1024, 1);
        const Serving r = closed_loop(s.input(), 8);
        CHECK(r.tpot == Seconds{0});
        CHECK(r.e2e == r.ttft);
        CHECK(r.requests_per_s.value() == Approx(8 / r.ttft.value()).epsilon(1e-12));
    }
}

TEST_CASE("requests beyond the capacity wait by Little's law and deliver nothing more") {
    Served s(llama_h100);
    s.traffic = lengths(1024, 1024);
    s.capacity = 100;
    const Serving full = closed_loop(s.input(), 100);
    const Serving crowded = closed_loop(s.input(), 300);
    CHECK(crowded.running == 100);
    CHECK(crowded.tpot == full.tpot);
    CHECK(full.ttft_queue == Seconds{0});
    CHECK((crowded.ttft - crowded.ttft_queue).value() == Approx(full.ttft.value()).epsilon(1e-12));
    CHECK(in_flight(crowded) == Approx(300).epsilon(1e-12));
    // Two cycles of a slot per request: 200 waiting over 100 slots.
    CHECK(crowded.ttft_queue.value() == Approx(2 * full.e2e.value()).epsilon(1e-6));
    CHECK(crowded.requests_per_s.value() == Approx(full.requests_per_s.value()).epsilon(1e-6));
}

TEST_CASE("Little's law and the definition of TPOT hold at every load") {
    Served s({"deepseek-r1", "h200", "sglang", block, block, bf16, {.tp = 8}});
    s.capacity = 200;
    for (const double requests : {1.0, 3.0, 17.0, 200.0, 1000.0}) {
        for (const double output : {2.0, 64.0, 4096.0}) {
            CAPTURE(requests);
            CAPTURE(output);
            s.traffic = lengths(2000, output);
            const Serving r = closed_loop(s.input(), requests);
            CHECK(in_flight(r) == Approx(requests).epsilon(1e-12));
            CHECK(tpot_identity(r, output) == Approx(1).epsilon(1e-12));
            // Decoding requests hold X (O - 1) TPOT of the slots.
            CHECK(r.decoding ==
                  Approx(r.requests_per_s.value() * (output - 1) * r.tpot.value()).epsilon(0.02));
        }
    }
}

TEST_CASE("cached prompt tokens are not computed but attended") {
    Served s(llama_h100);
    s.traffic = lengths(8000, 500);
    const Serving cold = closed_loop(s.input(), 32);
    s.traffic.prefix_hit_rate = 0.75;
    const Serving warm = closed_loop(s.input(), 32);
    CHECK(warm.prompt_step.prompt == 2000);
    CHECK(warm.prompt_step.prior == 6000);
    CHECK(warm.decode_step.decode_context == cold.decode_step.decode_context);
    CHECK(warm.ttft < cold.ttft);
    CHECK(warm.requests_per_s > cold.requests_per_s);
}

TEST_CASE("waiting for an admission poll adds its steps to the first token") {
    Served s({"qwen3.5-397b-a17b", "b300", "sglang", block, block, fp8, {.tp = 4}});
    s.traffic = lengths(1024, 1024);
    const Serving prompt = closed_loop(s.input(), 8);
    s.engine.admission_steps = 15;
    const Serving polled = closed_loop(s.input(), 8);
    CHECK((polled.ttft - prompt.ttft).value() == Approx(15 * polled.decode_time.total.value()).epsilon(0.01));
}

TEST_CASE("accepted drafts shorten the time per token") {
    Served s(llama_ideal);
    s.traffic = lengths(1024, 1024);
    const Serving plain = closed_loop(s.input(), 4);
    s.engine.draft_tokens = 2;
    s.engine.acceptance = 0.5;   // 1 + 0.5 + 0.25 tokens per step
    const Serving drafted = closed_loop(s.input(), 4);
    CHECK(s.engine.tokens_per_step() == 1.75);
    CHECK(drafted.decode_step.queries == 3);
    // Twelve tokens still read the weights once: a step is 1 % longer and delivers 1.75 tokens.
    CHECK(drafted.tpot < plain.tpot / 1.7);
    CHECK(drafted.tpot >= drafted.decode_time.total / 1.75);
    CHECK(in_flight(drafted) == Approx(4).epsilon(1e-12));
    s.engine.acceptance = 0;
    CHECK(closed_loop(s.input(), 4).tpot >= plain.tpot);
}

TEST_CASE("pipeline stages do not shorten the first token of a lone request") {
    // Each stage holds a part of the layers: a prompt crosses all of them, whatever their number. Only chunks behind the
    // first find stages free: 16,384 tokens are two chunks, the second a stage behind the first.
    double one = 0;
    for (const int stages : {1, 2, 4}) {
        Instance i = llama_ideal;
        i.layout.pp = stages;
        Served s(i);
        s.traffic = lengths(4000, 200);
        const double ttft = closed_loop(s.input(), 1).ttft.value();
        if (stages == 1) one = ttft;
        CHECK(ttft > 0.97 * one);
        CHECK(ttft < 1.3 * one);   // sends between stages
    }
    Instance four = llama_ideal;
    four.layout.pp = 4;
    Served long_prompt(four);
    long_prompt.traffic = lengths(16384, 200);
    Served short_prompt(four);
    short_prompt.traffic = lengths(8192, 200);
    const double two = static_batch(long_prompt.input(), 1).ttft.value();
    const double chunk = static_batch(short_prompt.input(), 1).ttft.value();
    CHECK(two > 1.2 * chunk);
    CHECK(two < 1.5 * chunk);
}

TEST_CASE("ranks of attention data parallelism step together: a prompt on one rank slows all") {
    // 8 ranks, few requests: a prompt step carries about one prompt, on one rank. It lasts as if that rank's share of
    // the layers had all of it; were it spread over the ranks, it would take less.
    Served s({"deepseek-r1", "h200", "vllm", block, block, bf16, {.ep = 8, .attention_dp = 8}});
    s.traffic = lengths(4000, 400);
    const Serving r = closed_loop(s.input(), 16);
    CHECK(r.prompt_step.prompt_ranks >= 1);
    CHECK(r.prompt_step.prompt_ranks < 2);
    // Held back for 32 steps, prompts come in company: fewer prompt steps, more of the ranks busy, a later first token.
    s.engine.prompt_interval = 32;
    const Serving held = closed_loop(s.input(), 16);
    CHECK(held.prefill_steps_share < 0.7 * r.prefill_steps_share);
    CHECK(held.prompt_step.prompt_ranks > 1.3);
    CHECK(held.ttft > r.ttft);
    CHECK(held.tpot < r.tpot);
}
