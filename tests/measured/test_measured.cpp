// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "../base/input_error.h"
#include "moecost/base/read_file.h"
#include "moecost/measured/columns.h"
#include "moecost/measured/measured.h"

using namespace moecost;

namespace {

std::vector<MeasuredPoint> fixture(const char* name) {
    const std::string path = std::string(MOECOST_TEST_DATA).append("/measured/fixtures/").append(name);
    return read_points(CsvTable(read_file(path), name));
}

std::vector<MeasuredPoint> parsed(const std::string& text) {
    return read_points(CsvTable(text, "points.csv"));
}

/// Rules with the field `source` filled in.
Recipes recipes(const std::string& text) { return Recipes(parse_toml(text, "recipes.toml")); }

MeasuredPoint point_of(const char* engine) {
    MeasuredPoint p;
    p.engine = engine;
    p.scenario = "closed_loop";
    p.isl = 1000;
    p.concurrency = 32;
    p.gpus = 8;
    return p;
}

}   // namespace

TEST_CASE("a row of a table becomes a point, and what is empty stays unknown") {
    const auto points = fixture("points.csv");
    REQUIRE(points.size() == 11);
    const MeasuredPoint& p = points[0];
    CHECK(p.id == "a1");
    CHECK(p.scenario == "closed_loop");
    CHECK(p.gpu == "h100-sxm");
    CHECK(p.model == "llama-3.1-70b");
    CHECK(p.weights == "fp8");
    CHECK(p.experts.empty());
    CHECK(p.cache == "bf16");
    CHECK(p.spread_lengths);
    CHECK(!p.suspect);
    CHECK(p.tp == 4);
    CHECK(!p.ep.has_value());
    CHECK(p.output_per_gpu == 480);
    CHECK(p.ttft_ms == 290);
    CHECK(!p.e2e_ms.has_value());   // the table has no such column
    CHECK(!points[1].spread_lengths);
    CHECK(points[1].suspect);   // 1
    CHECK(points[2].suspect);   // true
    CHECK(!points[2].ttft_ms.has_value());
    CHECK(!points[3].concurrency.has_value());
    CHECK(!points[10].concurrency.has_value());   // inf
}

TEST_CASE("tables of disaggregated and drafting runs are recognised") {
    const auto points = fixture("advanced.csv");
    REQUIRE(points.size() == 4);
    CHECK(points[0].disaggregated);
    CHECK(!points[0].speculative);
    CHECK(!points[1].disaggregated);
    CHECK(points[1].speculative);
    CHECK(!points[1].draft_tokens.has_value());
    CHECK(points[1].tp == 8);
    CHECK(points[2].draft_tokens == 2);
    CHECK(points[2].attention_dp == 8);   // 8 GPUs of the decode pool are 8 ranks of one
    CHECK(points[2].tp == 1);
    CHECK(points[3].disaggregated);
    CHECK(points[3].speculative);
}

TEST_CASE("a table without a needed column is refused") {
    CHECK(message_of([] { (void)parsed("id,gpu,engine,model,osl,scenario\na,b,c,d,1,closed_loop\n"); }) ==
          "points.csv:1: key 'isl': column is missing");
    CHECK(hint_of([] { (void)parsed("id,gpu,engine,model,isll,osl,scenario\na,b,c,d,1,1,closed_loop\n"); }) ==
          "did you mean 'isll'?");
    CHECK(message_of([] { (void)parsed("id,gpu,engine,model,isl,osl\na,b,c,d,1,1\n"); }) ==
          "points.csv:1: key 'scenario': column is missing");
}

TEST_CASE("a bad number is refused with its line and column") {
    const std::string header = "id,gpu,engine,model,isl,osl,scenario,ttft_ms\n";
    CHECK(message_of([&] {
              (void)parsed(header + "a,b,c,d,1,1,closed_loop,3\na,b,c,d,1,1,closed_loop,fast\n");
          }) == "points.csv:3: key 'ttft_ms': 'fast' is not a number");
    CHECK(message_of([&] { (void)parsed(header + "a,b,c,d,-5,1,closed_loop,3\n"); }) ==
          "points.csv:2: key 'isl': is not in 1..1e9");
    CHECK(message_of([&] { (void)parsed(header + "a,b,c,d,1,1,closed_loop,nan\n"); }) ==
          "points.csv:2: key 'ttft_ms': 'nan' is not a number");
    CHECK(message_of([&] { (void)parsed(header + "a,b,c\n"); }) ==
          "points.csv:2: 3 fields where the header has 8");
}

TEST_CASE("later recipe rules win, field by field") {
    const Recipes r = recipes(R"(
[[rule]]
engine = "vllm"
chunk_tokens = 8192
admission_steps = 3
source = "a"
[[rule]]
engine = "vllm"
models = ["m1", "m2"]
gpus = ["h100_sxm"]
chunk_tokens = 2048
source = "b"
)");
    const auto chunk = [&](const char* engine, const char* model, const char* gpu) {
        return r.settings(point_of(engine), model, gpu).chunk_tokens;
    };
    CHECK(chunk("vllm", "m3", "h100_sxm") == 8192);
    CHECK(chunk("vllm", "m2", "h100_sxm") == 2048);
    CHECK(chunk("vllm", "m2", "h200_sxm") == 8192);
    CHECK(!chunk("sglang", "m2", "h100_sxm").has_value());
    CHECK(r.settings(point_of("vllm"), "m2", "h100_sxm").admission_steps ==
          3);   // the later rule says nothing
}

TEST_CASE("a rule states memory and scheduler of a run") {
    const Recipes r = recipes(R"(
[[rule]]
engine = "trtllm"
memory_fraction = 0.95
output_reserve = 0.5
source = "a"
)");
    CHECK(r.settings(point_of("trtllm"), "m", "g").memory_fraction == 0.95);
    CHECK(r.settings(point_of("trtllm"), "m", "g").output_reserve == 0.5);
    CHECK(!r.settings(point_of("vllm"), "m", "g").memory_fraction.has_value());
}

TEST_CASE("a chunk follows the formula of its rule where that is larger") {
    const Recipes r = recipes(R"(
[[rule]]
engine = "trtllm"
chunk_tokens = 8192
chunk_per_isl = 2
chunk_per_request = 10
chunk_extra = 64
source = "a"
)");
    MeasuredPoint p = point_of("trtllm");
    CHECK(r.settings(p, "m", "g").chunk_tokens == 8192);   // 2000 + 320 + 64
    p.isl = 5000;
    CHECK(r.settings(p, "m", "g").chunk_tokens == 10384);   // 10,000 + 320 + 64
}

TEST_CASE("rules see scenario, spread, concurrency and size of a point") {
    const Recipes r = recipes(R"(
[[rule]]
engine = "sglang"
scenarios = ["decode_only"]
gpus_above = 8
all_to_all = "low-latency"
source = "a"
[[rule]]
engine = "sglang"
spread_lengths = true
concurrency_below = 16
admission_steps = 5
source = "b"
[[rule]]
engine = "sglang"
draft_tokens = 3
source = "c"
)");
    MeasuredPoint p = point_of("sglang");
    CHECK(r.settings(p, "m", "g").exchange.empty());
    CHECK(r.settings(p, "m", "g").draft_tokens == 3);
    p.scenario = "decode_only";
    CHECK(r.settings(p, "m", "g").exchange.empty());   // 8 GPUs are not above 8
    p.gpus = 72;
    CHECK(r.settings(p, "m", "g").exchange == "low-latency");
    CHECK(!r.settings(p, "m", "g").admission_steps.has_value());
    p.spread_lengths = true;
    CHECK(!r.settings(p, "m", "g").admission_steps.has_value());   // 32 requests
    p.concurrency = 15;
    CHECK(r.settings(p, "m", "g").admission_steps == 5);
}

TEST_CASE("a bad recipe is refused with its place") {
    CHECK(message_of([] { (void)recipes("[[rule]]\nengine = \"vllm\"\nchunk = 3\nsource = \"a\"\n"); }) ==
          "recipes.toml:3:9: key 'rule[0].chunk': unknown key");
    CHECK(message_of([] { (void)recipes("[[rule]]\nengine = \"vllm\"\n"); }).find("source': missing") !=
          std::string::npos);
}

TEST_CASE("every column that a row is read by stands in the table that list columns prints, once") {
    CHECK(std::string(measured_column("isl").unit) == "tokens");
    CHECK_THROWS_AS((void)measured_column("no_such_column"), std::logic_error);
    for (const MeasuredColumn& c : measured_columns()) CHECK(&measured_column(c.name) == &c);
}

TEST_CASE("a value outside the range of its column is refused with the range") {
    const std::string header = "id,gpu,engine,model,isl,osl,scenario,tp\n";
    CHECK(message_of([&] {
              parsed(std::string(header).append("a,h200,vllm,m,1000,100,burst,0.5\n"));
          }).find("1..65536") != std::string::npos);
    CHECK(message_of([&] {
              parsed(std::string(header).append("a,h200,vllm,m,-1,100,burst,1\n"));
          }).find("1..1e9") != std::string::npos);
}

TEST_CASE(
    "a table of whole runs states medians: they stand in for times per token, and its throughput holds the "
    "end of a run") {
    const std::string head =
        "id,mode,gpu,engine,model,isl,osl,concurrency,out_tok_s_gpu,ttft_median_ms,tpot_mean_ms,tpot_median_"
        "ms\n";
    const auto points = parsed(head +
                               "a,agg,h200-sxm,sglang,deepseek-r1,1024,1024,4,30,100,,9\n"
                               "b,disagg,h200-sxm,sglang,deepseek-r1,1024,1024,4,30,100,8.5,9\n"
                               "c,agg,h200-sxm,sglang,deepseek-r1,1024,1024,4,30,100,8.5,\n");
    REQUIRE(points.size() == 3);
    CHECK(points[0].tpot_ms == 9);
    CHECK(points[1].tpot_ms == 8.5);
    // 0.976 and 0.960 of the requests asked for are in flight on average; a table without medians counts steady requests.
    CHECK(points[0].in_flight_share == 0.976);
    CHECK(points[1].in_flight_share == 0.96);
    CHECK(points[2].in_flight_share == 1);
    CHECK(!points[0].ttft_ms);
}

TEST_CASE("a rule holds between its dates") {
    const Recipes r = recipes(R"(
schema = 1
[[rule]]
engine = "trtllm"
since = "2025-12-01"
until = "2026-01-14"
release = "1.1"
source = "s"
)");
    MeasuredPoint p = point_of("trtllm");
    for (const char* date : {"2025-11-30", "2026-01-15"}) {
        p.date = date;
        CHECK(r.settings(p, "m", "g").release.empty());
    }
    for (const char* date : {"2025-12-01", "2026-01-14"}) {
        p.date = date;
        CHECK(r.settings(p, "m", "g").release == "1.1");
    }
}
