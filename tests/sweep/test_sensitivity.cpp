// SPDX-License-Identifier: Apache-2.0
#include "moecost/sweep/sensitivity.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "../base/input_error.h"

using namespace moecost;

namespace {

Scenario scenario() {
    Description d;
    d.model = "mixtral-8x7b";
    d.gpu = "h100_sxm";
    d.tp = 4;
    d.isl = 2048;
    d.osl = 512;
    d.load = ClosedLoop{32};
    return *describe(DataStore{}, d);
}

const InputEffect* find(const Tornado& t, std::string_view key) {
    const auto at =
        std::find_if(t.inputs.begin(), t.inputs.end(), [&](const auto& e) { return e.key == key; });
    return at == t.inputs.end() ? nullptr : &*at;
}

}   // namespace

TEST_CASE("inputs are ranked by effect and move the answer the right way") {
    const Tornado t = tornado(DataStore{}, scenario(), "usd_per_mtok_output");
    REQUIRE(t.inputs.size() > 8);
    for (std::size_t i = 1; i < t.inputs.size(); ++i)
        CHECK(t.inputs[i - 1].effect(t.answer) >= t.inputs[i].effect(t.answer));
    CHECK(find(t, "price")->elasticity == doctest::Approx(1));
    CHECK(find(t, "price")->low_answer == doctest::Approx(t.answer * find(t, "price")->low_factor));
    CHECK(find(t, "requests")->elasticity < 0);   // fuller batches are cheaper
    CHECK(find(t, "moe")->elasticity < 0);        // better kernels are cheaper
    CHECK(find(t, "floor_factor")->elasticity > 0);
    CHECK(find(t, "power") == nullptr);   // dollars do not see it
    CHECK(t.residual.known());
}

TEST_CASE("the time to first token sees the queue, energy sees the power") {
    const Tornado ttft = tornado(DataStore{}, scenario(), "ttft");
    CHECK(ttft.target == "ttft_s");
    CHECK(find(ttft, "queueing")->elasticity > 0);
    CHECK(find(ttft, "isl")->elasticity > 0.5);
    CHECK(find(ttft, "price") == nullptr);
    const Tornado energy = tornado(DataStore{}, scenario(), "joules_per_output_token");
    CHECK(find(energy, "power")->elasticity == doctest::Approx(1));
}

TEST_CASE("a pure roofline has no kernel tables to be unsure of") {
    Description d;
    d.model = "mixtral-8x7b";
    d.gpu = "h100_sxm";
    d.engine = "ideal";
    d.tp = 4;
    const Tornado t = tornado(DataStore{}, *describe(DataStore{}, d), "tpot");
    CHECK(find(t, "gemm") == nullptr);
    CHECK(t.residual.high > 2 * t.answer);   // nothing but a datasheet
}

TEST_CASE("a target that is no result and a scenario that cannot run are refused") {
    CHECK(message_of([] { (void)tornado(DataStore{}, scenario(), "tp"); }) ==
          "--target: 'tp' is no figure of a result");
    CHECK(hint_of([] { (void)tornado(DataStore{}, scenario(), "tpots"); }) == "did you mean 'tpot_s'?");
    Description d;
    d.model = "deepseek-v3";
    d.gpu = "h100_sxm";
    const Scenario big = *describe(DataStore{}, d);
    CHECK(message_of([&] { (void)tornado(DataStore{}, big, "tpot"); }).find("the weights do not fit") !=
          std::string::npos);
}
