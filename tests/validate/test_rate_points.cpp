// SPDX-License-Identifier: Apache-2.0
// Tables of runs at a rate: what is predicted, what is left out and why, and the offline runs of the same servers.
#include <doctest/doctest.h>

#include <filesystem>

#include "moecost/base/read_file.h"
#include "moecost/validate/rate_points.h"

using namespace moecost;
using doctest::Approx;

namespace {

/// Two published servers of MLPerf Inference v5.1: Llama-2-70B on 8 H200, and a row of two pools.
const std::string table =
    "id,gpu,num_gpus,engine,engine_version,framework,model,weight_dtype,kv_dtype,scenario,target_rate_rps,"
    "completed_"
    "rps,tok_s_gpu,min_query_count,isl_mean,osl_mean,tp,pp,ep,attention_dp_enabled,instances,max_batch,max_"
    "num_"
    "tokens,ttft_p50_ms,ttft_p99_ms,tpot_p50_ms,tpot_p99_ms,suspect,source_date\n"
    "s,h200-sxm,8,trtllm,,\"TensorRT 10.11, CUDA "
    "12.9\",llama2-70b,fp8,fp8,Server,114.24,113.3,4146,100,222.3,"
    "292.74,1,1,,,8,2048,1536,362.5,943.5,174.3,184.3,0,2025-09-09\n"
    "o,h200-sxm,8,trtllm,,\"TensorRT 10.11, CUDA "
    "12.9\",llama2-70b,fp8,fp8,Offline,,119,4350,24576,222.3,292.7,1,"
    "1,,,8,2048,1536,,,,,0,2025-09-09\n"
    "d,gb200,72,trtllm,,\"TensorRT 10.11, CUDA 12.9\",llama-3.1-405b,fp4,fp8,Interactive,15.2,15.1,137.8,100,"
    "9428.6,653.6,4,1,,,18,2048,1024,1258,3413,66.6,72.2,0,2025-09-09\n";

}   // namespace

TEST_CASE("a published server at its knee is predicted by percentiles") {
    const RateValidation v = validate_rates(DataStore(), CsvTable(table, "rates.csv"));
    CHECK(v.rows == 3);
    CHECK(v.skipped.at("prefill and decode apart: the table states one layout") == 1);
    REQUIRE(v.predictions.size() == 1);
    const RatePrediction& p = v.predictions[0];
    CHECK(p.rate == Approx(114.24 / 8));
    CHECK(p.load == Approx(0.95).epsilon(0.05));    // its offline run reaches 119 requests/s
    CHECK(p.ratio(5) == Approx(1).epsilon(0.15));   // TPOT p50
    CHECK(p.ratio(7) == Approx(1).epsilon(0.15));   // p99
    CHECK(p.ratio(3) == Approx(1).epsilon(0.35));   // TTFT p99
    REQUIRE(v.queues.size() == 1);                  // 4,350 tokens/s and GPU
    CHECK(v.queues[0].throughput_ratio == Approx(1).epsilon(0.15));
}

TEST_CASE("a queue holds at least the requests that end by the latency which 99 % keep") {
    const std::string late =
        "id,gpu,num_gpus,engine,framework,model,weight_dtype,kv_dtype,scenario,completed_rps,tok_s_gpu,"
        "min_query_count,isl_mean,osl_mean,tp,instances,max_batch,max_num_tokens,e2e_p99_ms,suspect\n"
        "o,h200-sxm,8,trtllm,\"TensorRT 10.11, CUDA "
        "12.9\",llama2-70b,fp8,fp8,Offline,119,4350,1,222.3,292.7,1,8,"
        "2048,1536,2640000,0\n";
    const std::vector<PreparedPoint> runs = offline_runs(DataStore(), CsvTable(late, "rates.csv"));
    REQUIRE(runs.size() == 1);
    CHECK(std::get<Offline>(runs[0].scenario.traffic.load).requests == Approx(2640 * 119 / 8.0));
}

TEST_CASE("the offline run of a server is a queue of the requests that the rules ask for") {
    const std::vector<PreparedPoint> runs = offline_runs(DataStore(), CsvTable(table, "rates.csv"));
    REQUIRE(runs.size() == 1);
    CHECK(runs[0].names.version == "TensorRT 10.11");
    // 660 s at 119 requests/s are 78,540, more than 24,576; an eighth of them for an instance.
    CHECK(std::get<Offline>(runs[0].scenario.traffic.load).requests == Approx(660 * 119 / 8.0));
    CHECK(runs[0].scenario.pool().profile.serving.compiled);
}
