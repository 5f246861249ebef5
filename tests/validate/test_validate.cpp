// SPDX-License-Identifier: Apache-2.0
// Predictions against measurements: what is skipped and why, error figures by hand, and the accuracy that was
// reached.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "moecost/base/read_file.h"
#include "moecost/validate/validate.h"

using namespace moecost;
using doctest::Approx;

namespace {

bool every(const MeasuredPoint&) { return true; }

std::string test_file(const char* name) { return std::string(MOECOST_TEST_DATA).append("/").append(name); }

std::vector<MeasuredPoint> table_at(const std::string& path) {
    return read_points(CsvTable(read_file(path), path));
}

std::vector<MeasuredPoint> published() {
    for (const EmbeddedFile& file : embedded_files()) {
        if (file.path == "hwmodels/measured/published_points.csv") {
            return read_points(CsvTable(file.text, std::string(file.path)));
        }
    }
    return {};
}

bool one_of(const std::string& name, std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// Rows of one instance that the scalars were fitted on, of known load, layout and latency.
bool fitted(const MeasuredPoint& p) {
    return p.scenario == "closed_loop" && !p.suspect && one_of(p.engine, {"vllm", "sglang", "trtllm"}) &&
           one_of(p.gpu, {"h100-sxm", "h200-sxm", "b200-sxm", "b300-sxm", "gb200", "gb300"}) && p.ttft_ms &&
           p.tpot_ms && p.gpus.value_or(0) <= 8 && p.attention_dp;
}

}   // namespace

TEST_CASE("error figures of six ratios, worked by hand") {
    // |r - 1| = 0.05, 0.10, 0.15, 0.30, 0.50, 0.02
    const ErrorSummary s = summarise({1.05, 0.9, 1.15, 0.7, 1.5, 0.98});
    CHECK(s.rows == 6);
    CHECK(s.median_ape == Approx(0.125).epsilon(1e-12));
    CHECK(s.mean_ape == Approx(1.12 / 6).epsilon(1e-12));
    CHECK(s.median_ratio == Approx(1.015).epsilon(1e-12));
    CHECK(s.within_10_percent == Approx(0.5).epsilon(1e-12));
    CHECK(s.within_20_percent == Approx(4.0 / 6).epsilon(1e-12));
    CHECK(summarise({2.0, 1.0, 1.3}).median_ratio == 1.3);
    CHECK(summarise({2.0, 1.0, 1.3}).median_ape == Approx(0.3).epsilon(1e-12));
    CHECK(summarise({1.0}).mean_ape == 0);
    CHECK(summarise({}).rows == 0);
}

TEST_CASE("a row that cannot be predicted is counted with its reason") {
    const Validation v = validate(DataStore(), table_at(test_file("measured/fixtures/points.csv")), every);
    CHECK(v.rows == 11);
    CHECK(v.suspect == 2);
    CHECK(v.skipped.at("marked suspect in the table") == 2);
    CHECK(v.skipped.at("load not recorded") == 2);   // no concurrency; no rate
    CHECK(v.skipped.at("lengths not recorded") == 1);
    CHECK(v.skipped.at("parallel layout not recorded") == 1);
    CHECK(v.skipped.at("unknown scenario chaos") == 1);
    CHECK(v.skipped.at("infeasible: the weights do not fit") == 1);
    const auto unknown_gpu = std::find_if(v.skipped.begin(), v.skipped.end(), [](const auto& s) {
        return s.first.find("no accelerator is named 'h101-sxm'") != std::string::npos;
    });
    CHECK(unknown_gpu != v.skipped.end());
    REQUIRE(v.predictions.size() == 2);
    std::size_t counted = v.predictions.size();
    for (const auto& [reason, rows] : v.skipped) counted += rows;
    CHECK(counted == v.rows);
}

TEST_CASE("a prediction stands beside its measurement") {
    const Validation v = validate(DataStore(), table_at(test_file("measured/fixtures/points.csv")), every);
    const Prediction& p = v.predictions.at(0);
    CHECK(p.point.id == "a1");
    CHECK(p.model == "llama-3.1-70b");
    CHECK(p.gpu == "h100_sxm");
    CHECK(p.throughput_ratio == Approx(p.output_per_gpu / 480).epsilon(1e-12));
    CHECK(p.tpot_ratio == Approx(p.tpot_s / 0.016).epsilon(1e-12));
    CHECK(p.ttft_ratio == Approx(p.ttft_s / 0.290).epsilon(1e-12));
    // The calibrated prototype says 15.93 ms at the mean lengths of 922 tokens. The measured throughput is inside the range
    // that the answer states.
    CHECK(p.tpot_s == Approx(0.01593).epsilon(0.01));
    CHECK(std::abs(std::log(p.throughput_ratio)) < 1.2815515655446004 * p.spread.throughput);
    // Prompts alone: input tokens against the total, no output latency.
    const Prediction& prompts = v.predictions.at(1);
    CHECK(prompts.point.id == "a10");
    CHECK(prompts.throughput_ratio == Approx(prompts.output_per_gpu / 30000).epsilon(1e-12));
    CHECK(prompts.tpot_ratio == 0);
    CHECK(v.overall.throughput.rows == 2);
    CHECK(v.overall.tpot.rows == 1);
}

TEST_CASE("rows of two pools without a layout are left out, drafting rows are predicted with their drafts") {
    const Validation v = validate(DataStore(), table_at(test_file("measured/fixtures/advanced.csv")), every);
    CHECK(v.skipped.at("parallel layout not recorded") == 2);
    REQUIRE(v.predictions.size() == 2);
    CHECK(v.predictions[0].point.id == "b2");
    CHECK(v.predictions[1].point.id == "b3");
}

TEST_CASE("errors on the published points are no worse than the committed baseline") {
    const Document document = parse_toml(read_file(test_file("validate/baseline.toml")), "baseline.toml");
    const Reader baseline(document);
    const Validation v = validate(DataStore(), published(),
                                  [](const MeasuredPoint& p) { return p.scenario == "closed_loop"; });
    const auto allowed = [&](const char* key) { return baseline.number(key, fraction) + 0.005; };
    CHECK(v.predictions.size() >= static_cast<std::size_t>(baseline.integer("rows", 1, 100000)));
    MESSAGE("throughput " << v.overall.throughput.median_ape << ", TPOT " << v.overall.tpot.median_ape
                          << ", TTFT " << v.overall.ttft.median_ape);
    CHECK(v.overall.throughput.median_ape <= allowed("throughput"));
    CHECK(v.overall.tpot.median_ape <= allowed("tpot"));
    CHECK(v.overall.ttft.median_ape <= allowed("ttft"));
}

TEST_CASE("errors on all measured closed loops of one instance reach their targets") {
    const std::string path = std::string(MOECOST_SHARED).append("/measured/serving_points.csv");
    if (!std::filesystem::exists(path)) {
        MESSAGE("skipped: no measurements at " << path);
        return;
    }
    const Validation v = validate(DataStore(), table_at(path), fitted);
    const ErrorGroup& all = v.overall;
    CHECK(v.rows == 1797);
    CHECK(static_cast<double>(v.predictions.size()) >= 0.98 * static_cast<double>(v.rows));
    CHECK(all.throughput.median_ape <= 0.05);
    CHECK(all.throughput.mean_ape <= 0.08);
    CHECK(all.throughput.median_ratio == Approx(1).epsilon(0.03));
    CHECK(all.throughput.within_10_percent >= 0.75);
    CHECK(all.tpot.median_ape <= 0.055);
    CHECK(all.ttft.median_ape <= 0.19);
}

TEST_CASE("errors are grouped by what a reader asks for, each row once per dimension") {
    const Validation v = validate(DataStore(), published(), every);
    for (const char* dimension : {"scenario", "model", "gpu", "engine", "concurrency"}) {
        CAPTURE(std::string(dimension));
        std::size_t rows = 0;
        for (const ErrorGroup& g : v.groups) rows += g.dimension == dimension ? g.throughput.rows : 0;
        CHECK(rows == v.overall.throughput.rows);
    }
}

TEST_CASE(
    "rows of prefill and decode apart run on two pools; what repeats another table or lacks a layout is "
    "counted") {
    const std::string text =
        "id,mode,gpu,num_gpus,engine,model,weight_dtype,moe_dtype,kv_dtype,isl,osl,length_spread,concurrency,"
        "prefill_workers,prefill_tp,prefill_attention_dp,prefill_ep,decode_workers,decode_tp,decode_"
        "attention_dp,"
        "decode_ep,mtp,mtp_draft_tokens,out_tok_s_gpu,tpot_ms,suspect,also_in\n"
        "c1,disagg,h200-sxm,80,trtllm,deepseek-r1,fp8-block128,fp8-block128,,1024,1024,uniform 0.8-1.0 of "
        "nominal,36,"
        "1,8,1,8,9,8,1,8,0,,31.0,13.4,0,\n"
        "c2,disagg,h200-sxm,80,trtllm,deepseek-r1,fp8-block128,fp8-block128,,1024,1024,uniform 0.8-1.0 of "
        "nominal,36,"
        "1,8,1,8,9,8,1,8,0,,31.0,13.4,0,x7\n"
        "c3,disagg,gb200,8,sglang,deepseek-r1,fp8-block128,fp8-block128,,1024,1024,uniform 0.8-1.0 of "
        "nominal,8,"
        "1,4,4,,1,4,4,,0,,31.0,13.4,0,\n"
        "c4,disagg,gb200,40,sglang,deepseek-r1,fp8-block128,fp8-block128,,1024,1024,uniform 0.8-1.0 of "
        "nominal,512,"
        "2,8,8,8,1,24,24,24,0,,900,20,0,\n";
    const Validation v = validate(DataStore(), read_points(CsvTable(text, "two.csv")), every);
    CHECK(v.rows == 4);
    CHECK(v.skipped.at("also in another table") == 1);
    CHECK(v.skipped.at("expert parallelism not recorded") == 1);
    REQUIRE(v.predictions.size() == 2);
    // A published run: 31.0 tokens/s of each of 80 GPUs at 13.4 ms per token.
    CHECK(v.predictions[0].throughput_ratio == Approx(1).epsilon(0.2));
    CHECK(v.predictions[0].tpot_ratio == Approx(1).epsilon(0.2));
    CHECK(v.predictions[1].point.id == "c4");   // 24 ranks of 256 experts: with redundant copies
}
