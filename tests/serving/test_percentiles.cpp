// SPDX-License-Identifier: Apache-2.0
// Percentiles, largest rates and simulations of deployments.
#include <doctest/doctest.h>

#include "moecost/serving/percentiles.h"
#include "served.h"

using namespace moecost;
using doctest::Approx;

namespace {

struct Deployed {
    explicit Deployed(Served& s) : served(s), in(s.input()) {
        memory.max_concurrency = s.capacity;
        memory.cache = Bytes{s.capacity};
        memory.sequence = Bytes{1};
    }
    [[nodiscard]] EngineInstance instance() { return {in.timer, in.scalars, in.engine, in.layout, memory}; }
    [[nodiscard]] Expected<ServingLatency> latency(const Load& load, const Serving& means) {
        return serving_latency(instance(), served.traffic, lengths_of(served.traffic), load, means);
    }
    Served& served;
    ServingInput in;
    MemoryPlan memory;
};

}   // namespace

TEST_CASE("percentiles of a closed loop lie around the means that serve answers") {
    Served s(llama_h100);
    s.capacity = 256;
    s.traffic = lengths(1024, 256);
    Deployed d(s);
    const Serving means = closed_loop(s.input(), 64);
    const auto l = d.latency(ClosedLoop{64}, means);
    REQUIRE(l);
    CHECK(l->ttft.mean.value() == Approx(means.ttft.value()).epsilon(1e-9));
    CHECK(l->tpot.mean.value() == Approx(means.tpot.value()).epsilon(1e-9));
    CHECK(l->e2e.mean.value() == Approx(means.e2e.value()).epsilon(1e-9));
    CHECK(l->ttft.p50() < l->ttft.p90());
    CHECK(l->ttft.p90() < l->ttft.p99());
    CHECK(l->tpot.p50() < l->tpot.p99());
    CHECK(l->valid);
    CHECK(l->saturation == Saturation::stable);
}

TEST_CASE("a run that starts together has its burst in the tail") {
    Served s(llama_h100);
    s.capacity = 256;
    s.traffic = lengths(1024, 256);
    Deployed d(s);
    const Serving means = closed_loop(s.input(), 64);
    const auto endless = d.latency(ClosedLoop{64}, means);
    const auto run = d.latency(ClosedLoop{64, 640}, means);
    REQUIRE(endless);
    REQUIRE(run);
    CHECK(run->ttft.p99() > 2 * endless->ttft.p99());
}

TEST_CASE("arrivals at a rate: closed form beside the simulation of the same deployment") {
    Served s(llama_h100);
    s.capacity = 256;
    s.engine.max_sequences = 256;
    s.traffic = lengths(1024, 256);
    Deployed d(s);
    const auto form = d.latency(OpenLoop{3, 1}, {});
    const auto events = simulated(d.instance(), s.traffic, lengths_of(s.traffic), OpenLoop{3, 1}, {});
    REQUIRE(form);
    REQUIRE(events);
    CHECK(form->ttft.mean.value() == Approx(events->ttft.mean.value()).epsilon(0.03));
    CHECK(form->ttft.p99().value() == Approx(events->ttft.p99().value()).epsilon(0.08));
    CHECK(form->tpot.mean.value() == Approx(events->tpot.mean.value()).epsilon(0.015));
    CHECK(form->tpot.p99().value() == Approx(events->tpot.p99().value()).epsilon(0.05));
    CHECK(form->e2e.p90().value() == Approx(events->e2e.p90().value()).epsilon(0.05));
    CHECK(form->load < 0.85);
    CHECK(form->valid);
}

TEST_CASE("the largest rate meets its objectives, a little more does not") {
    Served s(llama_h100);
    s.capacity = 256;
    s.traffic = lengths(1024, 256);
    Deployed d(s);
    const std::vector<LatencyObjective> goals = {{LatencyObjective::Of::ttft, 0.95, Seconds{0.5}},
                                                 {LatencyObjective::Of::tpot, 0.9, Seconds{0.025}}};
    const auto rate = highest_rate(d.instance(), s.traffic, lengths_of(s.traffic), 1, goals);
    REQUIRE(rate);
    const auto holds = [&](double r) {
        const auto l = d.latency(OpenLoop{r, 1}, {});
        return l && meets(*l, goals[0]) && meets(*l, goals[1]);
    };
    CHECK(holds(rate->value()));
    CHECK_FALSE(holds(rate->value() * 1.01));
    const auto at = d.latency(OpenLoop{rate->value(), 1}, {});
    CHECK(goodput_share(*at, goals) > 0.95 * 0.9 - 0.01);
}

TEST_CASE("an objective below the time of a lone request names that time") {
    Served s(llama_h100);
    s.capacity = 256;
    s.traffic = lengths(1024, 256);
    Deployed d(s);
    const auto rate = highest_rate(d.instance(), s.traffic, lengths_of(s.traffic), 1,
                                   {{LatencyObjective::Of::ttft, 0, Seconds{1e-3}}});
    REQUIRE(!rate);
    CHECK(rate.error().reason == "an objective is tighter than one lone request");
    CHECK(rate.error().available == 1e-3);
    CHECK(rate.error().needed > 0.03);
}

TEST_CASE("a load above the capacity is refused with the capacity") {
    Served s(llama_h100);
    s.capacity = 64;
    s.traffic = lengths(1024, 256);
    Deployed d(s);
    const auto l = d.latency(OpenLoop{1000, 1}, {});
    REQUIRE(!l);
    CHECK(l.error().needed == 1000);
    CHECK(d.latency(OpenLoop{0.9 * l.error().available, 1}, {})->saturation == Saturation::near);
}

TEST_CASE("validity: waits for slots and outputs of a few tokens are marked") {
    Served s(llama_h100);
    s.capacity = 16;
    s.traffic = lengths(1024, 256);
    Deployed d(s);
    const double most = d.latency(OpenLoop{1000, 1}, {}).error().available;
    const auto busy = d.latency(OpenLoop{0.93 * most, 1}, {});
    REQUIRE(busy);
    CHECK(busy->waits > 0.02);
    CHECK_FALSE(busy->valid);
    CHECK(busy->slot_wait.value() > 0);
    s.traffic = lengths(4096, 6);
    CHECK_FALSE(d.latency(OpenLoop{0.5, 1}, {})->valid);
}

TEST_CASE("a burst beyond the slots spreads over the time to serve it") {
    Served s(llama_h100);
    s.capacity = 64;
    s.traffic = lengths(1024, 256);
    Deployed d(s);
    const Serving means = burst(s.input(), 256);
    const auto l = d.latency(Burst{256}, means);
    REQUIRE(l);
    CHECK(l->waits == Approx(0.75));
    CHECK(l->ttft.mean.value() == Approx(means.ttft.value()).epsilon(1e-9));
    CHECK(l->ttft.p99() > 1.5 * l->ttft.p50());
}
