// SPDX-License-Identifier: Apache-2.0
// Answers with percentiles: closed form and simulation of one scenario agree, and each says which it is.
#include "moecost/estimate/answer.h"

#include <doctest/doctest.h>

#include "moecost/traffic/length_presets.h"

using namespace moecost;
using doctest::Approx;

namespace {

Scenario scenario_at(double rate, double osl = 256) {
    Description d;
    d.model = "llama-3.1-70b";
    d.gpu = "h100_sxm";
    d.tp = 4;
    d.weights = "fp8";
    d.isl = 1024;
    d.osl = osl;
    d.load = OpenLoop{rate};
    return *describe(DataStore{}, d);
}

AnswerOptions by(AnswerOptions::By how, std::uint64_t seed = 1) {
    AnswerOptions o;
    o.by = how;
    o.seed = seed;
    o.requests = 5000;
    return o;
}
using By = AnswerOptions::By;

}   // namespace

TEST_CASE("closed form and simulation of a quiet server agree in throughput, means and percentiles") {
    const Scenario s = scenario_at(3);
    const auto form = answer(s, by(By::closed_form));
    const auto events = answer(s, by(By::simulation));
    REQUIRE(form);
    REQUIRE(events);
    CHECK_FALSE(form->simulation);
    REQUIRE(events->simulation);
    const auto near = [](Seconds a, Seconds b, double share) {
        CHECK(a.value() == Approx(b.value()).epsilon(share));
    };
    CHECK(form->serving.requests_per_s.value() ==
          Approx(events->serving.requests_per_s.value()).epsilon(0.04));
    near(form->serving.tpot, events->serving.tpot, 0.03);
    near(form->serving.ttft, events->serving.ttft, 0.05);
    near(form->latency->ttft.p99(), events->latency->ttft.p99(), 0.15);
    near(form->latency->tpot.p99(), events->latency->tpot.p99(), 0.1);
    CHECK(form->serving.decoding == Approx(events->serving.decoding).epsilon(0.05));
    CHECK(form->serving.prefill_share == Approx(events->serving.prefill_share).epsilon(0.15));
    CHECK(form->cost.usd_per_mtok_output == Approx(events->cost.usd_per_mtok_output).epsilon(0.1));
}

TEST_CASE("the same seed gives the same answer, another seed nearly the same") {
    const Scenario s = scenario_at(5);
    const auto first = answer(s, by(By::simulation, 7));
    const auto again = answer(s, by(By::simulation, 7));
    const auto other = answer(s, by(By::simulation, 8));
    CHECK(first->serving.ttft == again->serving.ttft);
    CHECK(first->latency->tpot == again->latency->tpot);
    CHECK_FALSE(first->serving.ttft == other->serving.ttft);
    CHECK(first->serving.ttft.value() == Approx(other->serving.ttft.value()).epsilon(0.1));
}

TEST_CASE("where the closed form does not hold the simulation answers, and both say why") {
    const Scenario quiet = scenario_at(3);
    CHECK_FALSE(answer(quiet, by(By::automatic))->simulation);
    CHECK(answer(quiet, by(By::automatic))->serving.doubt.empty());
    const Scenario few_tokens = scenario_at(3, 4);
    const auto form = answer(few_tokens, by(By::closed_form));
    const auto chosen = answer(few_tokens, by(By::automatic));
    CHECK_FALSE(form->simulation);
    CHECK_FALSE(form->serving.doubt.empty());
    CHECK(chosen->simulation);
    CHECK(chosen->serving.doubt == form->serving.doubt);
}

TEST_CASE(
    "loops that outgrow the memory and bursts that do not fit are simulated, loops beyond the slots need not "
    "be") {
    Scenario s = scenario_at(3);
    const double fits = answer(s, by(By::closed_form))->memory.max_concurrency;
    s.traffic.load = ClosedLoop{fits / 2};
    CHECK_FALSE(answer(s, by(By::automatic))->simulation);
    s.traffic.load = ClosedLoop{1.5 * fits};
    CHECK(answer(s, by(By::automatic))->simulation);
    s.traffic.load = Burst{1.5 * fits};
    CHECK(answer(s, by(By::automatic))->simulation);
    s.pool().settings.max_sequences = 32;
    s.traffic.load = ClosedLoop{96};
    const auto form = answer(s, by(By::automatic));
    CHECK_FALSE(form->simulation);
    const auto events = answer(s, by(By::simulation));
    CHECK(form->latency->ttft.p50().value() == Approx(events->latency->ttft.p50().value()).epsilon(0.05));
    CHECK(form->latency->ttft.p99().value() == Approx(events->latency->ttft.p99().value()).epsilon(0.08));
    CHECK(events->output_tokens_per_s.known() == form->output_tokens_per_s.known());
}

TEST_CASE("load above the capacity is infeasible with the capacity, simulated or not") {
    const Scenario s = scenario_at(1e4);
    for (const By how : {By::closed_form, By::automatic, By::simulation}) {
        const auto e = answer(s, by(how));
        REQUIRE_FALSE(e);
        CHECK(e.error().quantity == "arrival rate");
        CHECK(e.error().available > 1);
        CHECK(e.error().available < 1e3);
    }
}

TEST_CASE("goodput counts the requests within both objectives") {
    Scenario s = scenario_at(3);
    const auto free = answer(s, by(By::simulation));
    s.slo = {free->latency->ttft.quantile(0.9).value(), 0, 0, 0};
    const auto events = answer(s, by(By::simulation));
    CHECK(events->goodput_share == Approx(0.9).epsilon(0.01));
    CHECK(answer(s, by(By::closed_form))->goodput_share == Approx(0.9).epsilon(0.05));
}

TEST_CASE("the highest rate meets the objectives, a little more does not") {
    Scenario s = scenario_at(1);
    s.slo = {0.5, 0.04, 0.95, 0};
    const auto rate = highest_rate(s, by(By::closed_form));
    REQUIRE(rate);
    const auto at = [&](double factor) {
        s.traffic.load = OpenLoop{factor * rate->value()};
        return answer(s, by(By::closed_form));
    };
    CHECK(at(0.99)->meets_slo);
    const auto more = at(1.02);
    CHECK_FALSE((more && more->meets_slo));
    Scenario two = s;
    two.pool().replicas = 2;
    CHECK(highest_rate(two, by(By::closed_form))->value() == Approx(2 * rate->value()).epsilon(1e-3));
}

TEST_CASE("an objective tighter than one lone request names the floor") {
    Scenario s = scenario_at(1);
    s.slo = {1e-3, 0, 0.95, 0};
    const auto rate = highest_rate(s, by(By::automatic));
    REQUIRE_FALSE(rate);
    CHECK(rate.error().quantity == "time of a lone request");
    CHECK(rate.error().needed > 1e-3);
    CHECK(rate.error().available == Approx(1e-3));
}

TEST_CASE("a replay counts every request of its trace once, over all instances its share") {
    Scenario s = scenario_at(1);
    std::vector<TracedRequest> requests;
    for (int i = 0; i < 400; ++i) requests.push_back({0.25 * i, 500.0 + i, 20.0 + i % 7, 0});
    s.traffic.load = Replay{requests};
    const auto one = answer(s, {});
    REQUIRE(one);
    CHECK(one->simulation->requests == 400);
    s.pool().replicas = 4;
    CHECK(answer(s, {})->simulation->requests == 100);
}

TEST_CASE("named traffics answer with the lengths they were measured with") {
    Description d;
    d.model = "llama-3.1-70b";
    d.gpu = "h100_sxm";
    d.tp = 4;
    d.weights = "fp8";
    d.traffic = "azure-2023-conversation";
    d.load = OpenLoop{2};
    const Scenario s = *describe(DataStore{}, d);
    const auto spread = answer(s, by(By::closed_form));
    Scenario even = s;
    even.traffic.shape.reset();
    const auto narrow = answer(even, by(By::closed_form));
    CHECK(spread->serving.requests_per_s == narrow->serving.requests_per_s);
    CHECK(spread->latency->ttft.p99() > narrow->latency->ttft.p99());
    CHECK(mean(lengths_of(s.traffic).input) == Approx(s.traffic.input).epsilon(1e-6));
}

TEST_CASE(
    "the more unevenly experts are chosen, the longer ranks wait for the busiest, in one pool and in two") {
    Description d;
    d.model = "deepseek-v3";
    d.gpu = "h200_sxm";
    d.attention_dp = d.ep = 8;
    d.load = ClosedLoop{1024, 0};
    const auto rate = [](Description asked, double skew) {
        asked.expert_skew = skew;
        const Expected<Scenario> s = describe(DataStore{}, asked);
        REQUIRE(s);
        CHECK(s->pool().profile.serving.expert_skew == skew);
        const Expected<Estimate> e = evaluate(*s);
        REQUIRE(e);
        return e->serving.output_tokens_per_s.value();
    };
    Description apart = d;
    apart.tp = 1;
    apart.prefill.replicas = apart.decode.replicas = 2;
    for (const Description& asked : {d, apart}) {
        CHECK(rate(asked, 0) > rate(asked, 8));
        CHECK(rate(asked, 8) > rate(asked, 1));
    }
}
