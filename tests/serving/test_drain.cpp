// SPDX-License-Identifier: Apache-2.0
// The end of a run: what is left of answers that nobody follows.
#include "moecost/serving/drain.h"

#include <doctest/doctest.h>

#include <memory>

#include "moecost/traffic/lengths.h"
#include "served.h"

using namespace moecost;
using doctest::Approx;

namespace {

Seconds step_at(Served& s, double sequences, double context) {
    StepShape shape;
    shape.decode_sequences = sequences;
    shape.decode_context = context;
    return s.input().timer.time(shape).total;
}

void spread(Served& s, const Length& output) {
    s.traffic.spread_as(std::make_shared<const Lengths>(Lengths{FixedLength{s.traffic.input}, output, {}}));
}

}   // namespace

TEST_CASE("requests that began together end together where their answers are equal") {
    Served s(llama_ideal);
    s.traffic = lengths(1000, 400);
    s.traffic.equal_lengths = false;
    spread(s, FixedLength{400});
    CHECK(drain(s.input(), 64, Residents::beginning).value() ==
          Approx(400 * step_at(s, 64, 1200).value()).epsilon(1e-12));
}

TEST_CASE("those of a full server are anywhere in their answers") {
    // In the middle of the drain half of them are left; they are 200 tokens from there to their end at most, so 300 of
    // 400 behind them on average.
    Served s(llama_ideal);
    s.traffic = lengths(1000, 400);
    s.traffic.equal_lengths = false;
    spread(s, FixedLength{400});
    CHECK(drain(s.input(), 64, Residents::met).value() ==
          Approx(400 * step_at(s, 32, 1300).value()).epsilon(1e-12));
}

TEST_CASE("a few long answers keep a server busy after the others have left") {
    Served s(llama_ideal);
    s.traffic = lengths(1000, 400);
    s.traffic.equal_lengths = false;
    spread(s, FixedLength{400});
    const double even = drain(s.input(), 64, Residents::met).value();
    spread(s, LognormalLength{400, 1.2});
    CHECK(drain(s.input(), 64, Residents::met).value() > 3 * even);
}

TEST_CASE(
    "a queue of spread answers delivers less than its slots do while they are full, the less the shorter it "
    "is") {
    Served s(llama_ideal);
    s.traffic = lengths(1000, 400);
    s.traffic.equal_lengths = false;
    s.capacity = 64;
    spread(s, LognormalLength{400, 1.2});
    const double endless = offline(s.input(), 0).requests_per_s.value();
    double last = 0;
    for (const double requests : {64, 96, 128, 256, 1280, 12800}) {
        CAPTURE(requests);
        const double delivered = offline(s.input(), requests).requests_per_s.value();
        CHECK(delivered > last);
        CHECK(delivered < endless);
        last = delivered;
    }
    CHECK(last == Approx(endless).epsilon(0.03));
}
