// SPDX-License-Identifier: Apache-2.0
// The whole path without a GPU: tables of known constants, the fit of them, an estimate with what was fitted.
#include "moecost/calibrate/calibrate.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "host/device_file.h"
#include "host/registry.h"
#include "host/run.h"
#include "moecost/base/csv.h"
#include "moecost/base/file.h"
#include "moecost/hardware/profile/profile_toml.h"
#include "moecost/moecost.h"
#include "scratch.h"
#include "synthetic_run.h"

using namespace microbench;

namespace {

std::string profile_text(const moecost::Calibration& c) {
    return toml_of(c.target.gpu, c.target.sources, c.assembly.profile, "2026-11-25");
}

/// The table, and what sets some of its cases apart from the others.
std::string group_of(const Case& c) {
    std::string group = c.table;
    for (const auto& [column, text] : c.labels) {
        if (column == "kv_dtype" && text == "fp8") group.append(", fp8");
    }
    for (const auto& [column, value] : c.shape) {
        if ((column == "window" || column == "prefix") && value > 0) group.append(", ").append(column);
    }
    return group;
}

/// |fitted / true - 1| of the laws, sorted, by group, over every case that has one.
std::map<std::string, std::vector<double>> errors_by_group(const Truth& t, const moecost::Profile& fitted) {
    std::map<std::string, std::vector<double>> errors;
    for (const SelectedCase& s : select_cases(listed_benches(), assumed_device(), {})) {
        try {
            const double truth = law_us(s.c, t.accelerator, t.profile);
            const double own = law_us(s.c, t.accelerator, fitted);
            errors[group_of(s.c)].push_back(std::abs(own / truth - 1));
        } catch (const SkipCase&) {   // no law: nothing was measured either
        }
    }
    for (auto& [table, e] : errors) std::sort(e.begin(), e.end());
    return errors;
}

}   // namespace

TEST_CASE("suite, calibrate, estimate: known constants come back and give the same throughput") {
    const Truth truth = h100_truth();
    const ScratchFolder folder;
    run_program({"--synthetic", truth_name, "--noise", "0.005", "--out", folder / "run"});
    const moecost::Calibration c = fit_of(folder / "run");

    for (const auto& [table, errors] : errors_by_group(truth, c.assembly.profile)) {
        const double median = errors[errors.size() / 2];
        const double p90 = errors[errors.size() * 9 / 10];
        MESSAGE(table, ": median ", median, ", p90 ", p90, ", largest ", errors.back());
        CHECK(median < 0.02);
        CHECK(p90 < 0.02);
        CHECK(errors.back() < 0.05);
    }

    // Of two kernels for experts the profile takes the one that was measured over all cuts of a layer.
    const auto& experts = c.assembly.profile.kernels->moe;
    CHECK(std::ranges::count(experts, std::string("wgmma_grouped"), &moecost::MoeTable::kernel) == 2);
    CHECK(std::ranges::count(experts, std::string("mma_grouped"), &moecost::MoeTable::kernel) == 0);
    for (const std::string& line : c.assembly.borrowed) {
        CAPTURE(line);
        CHECK(line.find("attention") == std::string::npos);
        CHECK(line.find("MLA") == std::string::npos);
    }

    const std::string profile = folder / "my-gpu.toml";
    moecost::write_file(profile, profile_text(c));
    const auto throughput = [](const std::string& gpu) {
        moecost::Description d;
        d.gpu = gpu;
        d.model = "mixtral-8x7b";
        d.tp = 2;
        d.usd_per_gpu_hour = 2;
        const auto estimate = moecost::evaluate(*moecost::describe(moecost::DataStore(), d));
        REQUIRE(static_cast<bool>(estimate));
        return estimate->serving.output_tokens_per_s.value();
    };
    const double own = throughput(profile);
    const double shipped = throughput("h100_sxm");
    MESSAGE("throughput ", own, " of ", shipped);
    CHECK(own == doctest::Approx(shipped).epsilon(0.02));

    run_program({"--replay", folder / "run", "--out", folder / "again"});
    const moecost::Calibration again = fit_of(folder / "again");
    const double replayed = [&] {
        moecost::write_file(profile, profile_text(again));
        return throughput(profile);
    }();
    CHECK(replayed == doctest::Approx(own).epsilon(0.002));
    for (const auto& [table, errors] : errors_by_group(truth, again.assembly.profile))
        CHECK(errors[errors.size() / 2] < 0.02);
}
