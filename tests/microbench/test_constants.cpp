// SPDX-License-Identifier: Apache-2.0
// Constants of a synthetic device, one by one: those that its rows decide come back, and the others are called undecided.
#include <doctest/doctest.h>

#include <cmath>

#include "moecost/base/value.h"
#include "moecost/hardware/accelerator.h"
#include "moecost/hardware/profile/profile.h"
#include "scratch.h"
#include "synthetic_run.h"

using namespace microbench;

namespace {

struct Constant {
    std::string where;
    double truth = 0;
    moecost::FittedParameter fit;
};

/// Key of an op's tables in a profile; empty for collectives, whose rows are the fastest of several engines.
std::string_view profile_key(moecost::KernelOp op) {
    using enum moecost::KernelOp;
    switch (op) {
        case gemm:
            return "gemm";
        case moe:
            return "moe";
        case decode_attention:
            return "decode_attention";
        case prefill_attention:
            return "prefill_attention";
        case mla_decode:
            return "mla_decode";
        case mla_prefill:
            return "mla_prefill";
        default:
            return {};
    }
}

/// The first table of the format of a series: the one that the synthetic device takes.
moecost::Reader true_table(const moecost::Reader& profile, const moecost::KernelSeries& s) {
    const std::string_view key = profile_key(s.op);
    const std::string& named = s.cache.empty() ? s.dtype : s.cache;
    const std::string format = named == "bfloat16" ? "bf16" : named;
    for (const moecost::Reader& table : profile.tables(key)) {
        if (table.text(table.has("weights") ? "weights" : "cache") == format) return table;
    }
    FAIL("no table ", std::string(key), " ", format);
    return profile;
}

std::vector<Constant> constants(const std::string& engine) {
    const ScratchFolder folder;
    run_program({"--synthetic", engine, "--noise", "0.005", "--out", folder / "run"});
    const moecost::Document document = moecost::DataStore().open(moecost::profile_folder, engine, "profile");
    const moecost::Reader profile(document);
    std::vector<Constant> all;
    for (const moecost::KernelFit& fit : fit_of(folder / "run").fits) {
        if (!fit.fitted() || profile_key(fit.series.op).empty()) continue;
        const moecost::Reader table = true_table(profile, fit.series);
        for (const moecost::FittedParameter& p : fit.parameters) {
            std::string where(moecost::name_of(fit.series.op));
            where.append(" ").append(fit.series.dtype).append(" ").append(fit.series.kernel);
            where.append(" ").append(p.name);
            all.push_back({std::move(where), table.number(p.name, moecost::non_negative), p});
        }
    }
    return all;
}

/// Two cases look at this fit.
const std::vector<Constant>& h100_constants() {
    static const std::vector<Constant> fitted = constants("h100_sxm-vllm");
    return fitted;
}

}   // namespace

TEST_CASE("constants that the rows decide to one percent come back within two") {
    for (const std::string engine : {"h100_sxm-vllm", "b200_sxm-trtllm"}) {
        CAPTURE(engine);
        int decided = 0;
        for (const Constant& c : engine == "h100_sxm-vllm" ? h100_constants() : constants(engine)) {
            if (!c.fit.identified || c.fit.at_bound || c.fit.standard_error > 0.01 * c.truth) continue;
            CAPTURE(c.where);
            CHECK(c.fit.value == doctest::Approx(c.truth).epsilon(0.02));
            ++decided;
        }
        MESSAGE(engine, ": ", decided, " constants");
        CHECK(decided >= 50);
    }
}

TEST_CASE("the standard errors of fitted constants are of the size of their errors") {
    double squares = 0;
    int count = 0;
    for (const Constant& c : h100_constants()) {
        if (!c.fit.identified || c.fit.at_bound) continue;
        const double z = (c.fit.value - c.truth) / c.fit.standard_error;
        CAPTURE(c.where);
        CHECK(std::abs(z) < 5);
        squares += z * z;
        ++count;
    }
    MESSAGE("root mean square of error over standard error: ", std::sqrt(squares / count));
    CHECK(squares / count > 0.25);
    CHECK(squares / count < 4);
}
