// SPDX-License-Identifier: Apache-2.0
#include "moecost/traffic/traffic.h"

#include <doctest/doctest.h>

#include "moecost/base/data.h"
#include "moecost/traffic/length_presets.h"

using namespace moecost;
using doctest::Approx;

TEST_CASE("presets keep their means and the quantiles of their sources") {
    // Published statistics of the traces: medians and 90 % points.
    struct Known {
        const char* name;
        double in50, in90, out50, out90;
    };
    const Known known[] = {
        {"azure-2023-code", 1469, 5187.6, 13, 55},        {"azure-2023-conversation", 1020, 2734.5, 129, 424},
        {"mooncake-conversation", 6909, 27367, 350, 597}, {"long-document", 2730, 3702, 167, 372},
        {"servegen-deepseek-r1", 208, 2092, 792, 3432},
    };
    for (const Known& k : known) {
        CAPTURE(k.name);
        const Traffic t = load_traffic(DataStore(), k.name);
        const Lengths l = load_lengths(DataStore(), k.name);
        CHECK(mean(l.input) == Approx(t.input));
        CHECK(mean(l.output) == Approx(t.output));
        CHECK(quantile(l.input, 0.5) == Approx(k.in50).epsilon(0.08));
        CHECK(quantile(l.input, 0.9) == Approx(k.in90).epsilon(0.08));
        CHECK(quantile(l.output, 0.5) == Approx(k.out50).epsilon(0.08));
        CHECK(quantile(l.output, 0.9) == Approx(k.out90).epsilon(0.08));
    }
}

TEST_CASE("every preset has lengths with its means") {
    const DataStore data;
    for (const std::string& name : data.names("workloads/traffic")) {
        CAPTURE(name);
        const Traffic t = load_traffic(data, name);
        const Lengths l = load_lengths(data, name);
        CHECK(mean(l.input) == Approx(t.input));
        CHECK(mean(l.output) == Approx(t.output));
    }
}

TEST_CASE("kinds of use have a preset: chat, code, reasoning, retrieval, agents of long contexts") {
    for (const char* name : {"chat", "azure-code", "reasoning", "rag", "agentic"})
        CHECK(load_traffic(DataStore(), name).input > 1);
    const Traffic agentic = load_traffic(DataStore(), "agentic");
    CHECK(agentic.input == Approx(1e5).epsilon(0.05));
    CHECK(agentic.prefix_hit_rate == 0.95);
}

TEST_CASE("means alone stand for the lengths and the load they always stood for") {
    Traffic t;
    t.input = 900;
    t.equal_lengths = true;
    CHECK(lengths_of(t).input == Length{FixedLength{900}});
    t.equal_lengths = false;
    CHECK(quantile(lengths_of(t).input, 0) == Approx(800));
    CHECK(quantile(lengths_of(t).input, 1) == Approx(1000));
    CHECK(name_of(Load{OpenLoop{3, 1}}) == "open_loop");
}

TEST_CASE("whoever looks at a server meets long answers more often than they are asked for") {
    Traffic t;
    t.input = 1000;
    t.output = 500;
    CHECK(t.mean_context() == 1250);
    // Answers of 100 and of 900 tokens alike: E[O^2] = 410,000, so that an answer met has 820 tokens.
    t.spread_as(
        std::make_shared<const Lengths>(Lengths{FixedLength{1000}, empirical_length({100, 900}), {}}));
    CHECK(t.seen_input() == Approx(1000));
    CHECK(t.seen_output() == Approx(820));
    CHECK(t.mean_context() == Approx(1410));
    t.output = 1000;   // the same shape twice as long
    CHECK(t.mean_context() == Approx(1820));
    t.equal_lengths = true;
    CHECK(t.mean_context() == 1500);
}

TEST_CASE("where long prompts bring long answers, a sequence in decode has a long prompt") {
    Traffic t;
    t.input = 2000;
    t.output = 200;
    // (1000, 100) and (3000, 300): E[I O]/E[O] = (100,000 + 900,000)/2/200 = 2,500; E[O^2]/E[O] = 250.
    t.spread_as(std::make_shared<const Lengths>(
        Lengths{empirical_length({1000, 3000}), empirical_length({100, 300}), {{1000, 100}, {3000, 300}}}));
    CHECK(t.seen_input() == Approx(2500));
    CHECK(t.mean_context() == Approx(2625));
}
