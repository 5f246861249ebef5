// SPDX-License-Identifier: Apache-2.0
// Loads without a steady mixture, from the seconds of their steps.
#include <doctest/doctest.h>

#include "moecost/serving/serving.h"
#include "served.h"

using namespace moecost;
using doctest::Approx;

TEST_CASE("a static batch prefills everything, then decodes in step") {
    // 64 prompts of 2048 tokens at 8192 a step: 16 full steps; ideal profile: no factor on prompts, no fixed
    // costs.
    Served s(llama_ideal);
    s.traffic = lengths(2048, 512);
    const Serving r = static_batch(s.input(), 64);
    const double prefill = 16 * s.step(0, 8192).value();
    const double decode = 511 * s.step(64, 0).value();
    CHECK(r.ttft.value() == Approx(prefill).epsilon(1e-12));
    CHECK(r.e2e.value() == Approx(prefill + decode).epsilon(1e-12));
    CHECK(r.tpot == s.step(64, 0));
    CHECK(r.requests_per_s.value() == Approx(64 / (prefill + decode)).epsilon(1e-12));
    CHECK(r.prefill_share == Approx(prefill / (prefill + decode)).epsilon(1e-12));
    CHECK(r.decoding == 64);
}

TEST_CASE("the last step of a batch carries the rest of the prompts") {
    Served s(llama_ideal);
    s.traffic = lengths(3000, 512);   // 5 prompts: 15,000 tokens = 8192 + 6808
    CHECK(static_batch(s.input(), 5).ttft.value() ==
          Approx((s.step(0, 8192) + s.step(0, 6808)).value()).epsilon(1e-12));
}

TEST_CASE("prompts of a calibrated profile run slower by its factor and wait for the front end") {
    Served s(llama_h100);
    s.traffic = lengths(2048, 512);
    // The default chunk of vLLM is taken from the profile.
    s.engine.chunk_tokens = 8192;
    CHECK(static_batch(s.input(), 64).ttft.value() ==
          Approx(s.scalars().prefill_factor * 16 * s.step(0, 8192).value() + s.scalars().first_token.value())
              .epsilon(1e-12));
}

TEST_CASE("a burst hands out first tokens one chunk after another") {
    Served s(llama_ideal);
    s.traffic = lengths(2048, 512);
    const Serving batch = static_batch(s.input(), 64);
    const Serving r = burst(s.input(), 64);
    // Four prompts a step, sixteen steps: the mean of 1/16, 2/16, ... 1.
    CHECK(r.ttft.value() == Approx(batch.ttft.value() * (1 + 1.0 / 16) / 2).epsilon(1e-12));
    CHECK(r.e2e == batch.e2e);
    CHECK(tpot_identity(r, 512) == Approx(1).epsilon(1e-12));
    CHECK(r.tpot > batch.tpot);
    CHECK(burst(s.input(), 1).ttft == static_batch(s.input(), 1).ttft);
}

TEST_CASE("a burst beyond the slots waits in waves") {
    Served s(llama_ideal);
    s.traffic = lengths(2048, 512);
    s.capacity = 64;
    const Serving r = burst(s.input(), 256);
    const Serving one_wave = offline(s.input(), 64);
    // Four waves: on average one and a half of them go by before a request starts.
    CHECK(r.ttft_queue.value() == Approx(1.5 * (one_wave.e2e - one_wave.ttft).value()).epsilon(1e-12));
    CHECK((r.e2e - r.ttft_queue).value() == Approx(one_wave.e2e.value()).epsilon(1e-12));
    CHECK(tpot_identity(r, 512) == Approx(1).epsilon(1e-12));
}

TEST_CASE("an endless queue keeps every slot busy") {
    Served s(llama_h100);
    s.traffic = lengths(1024, 256);
    s.capacity = 128;
    const Serving endless = offline(s.input(), 0);
    const Serving full = closed_loop(s.input(), 128);
    CHECK(endless.requests_per_s == full.requests_per_s);
    CHECK(endless.tpot == full.tpot);
    // A finite queue drains its last wave at half occupancy: 10 waves take 10.5, unless requests stay in
    // step.
    CHECK(offline(s.input(), 1280).requests_per_s.value() ==
          Approx(full.requests_per_s.value() * 10 / 10.5).epsilon(1e-12));
    CHECK(offline(s.input(), 1e9).requests_per_s.value() ==
          Approx(full.requests_per_s.value()).epsilon(1e-6));
    s.traffic.equal_lengths = true;
    CHECK(offline(s.input(), 1280).requests_per_s.value() ==
          Approx(closed_loop(s.input(), 128).requests_per_s.value()).epsilon(1e-12));
}

TEST_CASE("prompts alone fill every chunk") {
    Served s(llama_ideal);
    s.traffic = lengths(2048, 512);
    const Serving r = prefill_only(s.input());
    CHECK(r.requests_per_s.value() == Approx(4 / s.step(0, 8192).value()).epsilon(1e-12));
    CHECK(r.ttft == s.step(0, 8192));
    CHECK(r.prefill_share == 1);
    s.engine.chunk_tokens = 1024;   // two chunks per prompt
    CHECK(prefill_only(s.input()).ttft.value() > 1.9 * s.step(0, 1024).value());
}

TEST_CASE("decode alone delivers one token per sequence and step") {
    Served s(llama_ideal);
    s.traffic = lengths(2048, 512);
    const Serving r = decode_only(s.input(), 64);
    CHECK(r.tpot == s.step(64, 0));
    CHECK(r.requests_per_s.value() * 512 == Approx(64 / s.step(64, 0).value()).epsilon(1e-12));
    s.capacity = 16;
    CHECK(decode_only(s.input(), 64).decoding == 16);
}

TEST_CASE("a vanishing rate meets an empty server") {
    Served s(llama_h100);
    s.capacity = 200;
    for (const double input : {1000.0, 50000.0}) {
        CAPTURE(input);
        s.traffic = lengths(input, 500);
        const Serving alone = closed_loop(s.input(), 1);
        const auto r = at_rate(s.input(), PerSecond{1e-7});
        REQUIRE(r);
        // The lengths spread: attention of the longer prompts costs more than that of the shorter ones saves.
        CHECK(r->ttft.value() == Approx(alone.ttft.value()).epsilon(0.01));
        CHECK(r->tpot.value() == Approx(alone.tpot.value()).epsilon(1e-3));
        CHECK(r->requests_per_s.value() == 1e-7);
        CHECK(r->running == Approx(1e-7 * alone.e2e.value()).epsilon(1e-3));
        CHECK(r->prefill_share == Approx(alone.prefill_share).epsilon(0.02));
    }
}

TEST_CASE("a rate is delivered up to the capacity, with latency that grows with it") {
    Served s(llama_h100);
    s.capacity = 200;
    s.traffic = lengths(1000, 500);
    const double most = at_rate(s.input(), PerSecond{1e9}).error().available;
    Seconds last;
    for (const double share : {0.01, 0.1, 0.3, 0.6, 0.9, 0.99}) {
        CAPTURE(share);
        const auto r = at_rate(s.input(), PerSecond{share * most});
        REQUIRE(r);
        CHECK(r->requests_per_s.value() == share * most);
        CHECK(tpot_identity(*r, 500) == Approx(1).epsilon(1e-12));
        CHECK(r->running <= 200);
        CHECK(r->e2e > last);
        last = r->e2e;
    }
}

TEST_CASE("near its capacity an instance makes requests wait for a slot") {
    Served s(llama_h100);
    s.capacity = 32;
    s.traffic = lengths(1000, 500);
    const double most = at_rate(s.input(), PerSecond{1e9}).error().available;
    const auto quiet = at_rate(s.input(), PerSecond{0.5 * most});
    const auto busy = at_rate(s.input(), PerSecond{0.97 * most});
    REQUIRE(quiet);
    REQUIRE(busy);
    CHECK(quiet->ttft_queue.value() < 1e-3);
    CHECK(busy->ttft_queue > busy->ttft - busy->ttft_queue);   // most of TTFT is that wait
    // The same instance with all slots busy in a closed loop of a few requests more says the same order.
    CHECK(busy->ttft < 10 * closed_loop(s.input(), 40).ttft);
}

TEST_CASE("a rate above what all slots deliver is refused with both numbers") {
    Served s(llama_h100);
    s.capacity = 200;
    s.traffic = lengths(1000, 500);
    const auto r = at_rate(s.input(), PerSecond{1000});
    REQUIRE(!r);
    CHECK(r.error().reason == "the offered load exceeds the capacity");
    CHECK(r.error().needed == 1000);
    CHECK(r.error().unit == "requests/s");
    // What a closed loop of all slots delivers, up to what starting together costs it.
    CHECK(r.error().available == Approx(closed_loop(s.input(), 200).requests_per_s.value()).epsilon(0.05));
    CHECK(at_rate(s.input(), PerSecond{r.error().available * 0.999}));
    CHECK(!at_rate(s.input(), PerSecond{r.error().available * 1.001}));
}
