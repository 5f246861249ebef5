// SPDX-License-Identifier: Apache-2.0
#include "moecost/traffic/trace.h"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>

#include "moecost/base/gzip.h"

using namespace moecost;
using doctest::Approx;

namespace {

std::vector<TraceRow> rows_of(std::string_view text, std::size_t piece = 1000000) {
    std::vector<TraceRow> rows;
    TraceReader reader("trace", [&](const TraceRow& r) { rows.push_back(r); });
    for (std::size_t i = 0; i < text.size(); i += piece) reader.feed(text.substr(i, piece));
    reader.finish();
    return rows;
}

std::string error_of(std::string_view text) {
    try {
        rows_of(text);
    } catch (const InputError& e) {
        return e.what();
    }
    return "none";
}

}   // namespace

TEST_CASE("an Azure trace is read in pieces of any size") {
    const std::string_view text =
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 23:59:59.5000000,4808,10\r\n"
        "2023-11-17 00:00:01.2500000,3180,8";
    for (const std::size_t piece : {1UL, 7UL, 1000UL}) {
        const auto rows = rows_of(text, piece);
        REQUIRE(rows.size() == 2);
        CHECK(rows[0].arrival_s == 0);
        CHECK(rows[1].arrival_s == Approx(1.75));
        CHECK(rows[1].input == 3180);
        CHECK(rows[1].output == 8);
    }
}

TEST_CASE("Mooncake lines hold milliseconds and block hashes") {
    const auto rows = rows_of(
        "{\"timestamp\": 0, \"input_length\": 600, \"output_length\": 5, \"hash_ids\": [0, 1]}\n"
        "{\"timestamp\": 3000, \"input_length\": 1100, \"output_length\": 7, \"hash_ids\": [0, 1, 9]}\n");
    REQUIRE(rows.size() == 2);
    CHECK(rows[1].arrival_s == 3);
    CHECK(rows[1].blocks == std::vector<std::uint64_t>{0, 1, 9});
    TraceStatistics statistics;
    CHECK(statistics.add(rows[0]) == 0);
    CHECK(statistics.add(rows[1]) == 1024);   // two blocks of 512
    CHECK(statistics.summary().prefix_hit_rate == Approx(1024.0 / 1700));
}

TEST_CASE("AIPerf exports, length tables, and plain columns") {
    const auto aiperf = rows_of(
        "{\"metadata\": {\"request_start_ns\": 1785585600000000000}, \"metrics\": "
        "{\"input_sequence_length\": "
        "{\"value\": 1024, \"unit\": \"tokens\"}, \"output_sequence_length\": {\"value\": 160, \"unit\": "
        "\"tokens\"}}}\n");
    CHECK(aiperf[0].input == 1024);
    CHECK(aiperf[0].output == 160);
    const auto table = rows_of("tokens,probability\n4,0.25\n8,0.75\n");
    CHECK_FALSE(table[0].has_output);
    CHECK(table[1].weight == 0.75);
    const auto untimed = rows_of("num_prefill_tokens,num_decode_tokens,pd_ratio\n3772,54,69.85\n");
    CHECK_FALSE(untimed[0].timed);
    CHECK(untimed[0].output == 54);
    CHECK(rows_of("timestamp_ms,isl,osl\n1000,5,6\n2500,5,6\n")[1].arrival_s == 1.5);
}

TEST_CASE("what is wrong with a trace is said with its line") {
    CHECK(error_of("TIMESTAMP,ContextTokens\n2023-11-16 18:17:03,4808\n") ==
          "trace:1: key 'output_tokens': column is missing");
    CHECK(error_of("timestamp,isl,osl\n2,5,6\n1,5,6\n").find("trace:3: ") == 0);
    CHECK(error_of("timestamp,isl,osl\n2,5,6\n1,5,6\n").find("sort the trace") != std::string::npos);
    CHECK(error_of("isl,osl\n5,0\n").find("trace:2: key 'osl': '0' is not in 1..1e9") == 0);
    CHECK(error_of("isl,osl\n5,x\n").find("'x' is not a number") != std::string::npos);
    CHECK(error_of("isl,osl\n").find("no requests") != std::string::npos);
    CHECK(error_of("{\"input_length\": 5}\n") == "trace:1: key 'output_length': is missing");
    CHECK(error_of("{\"input_length\": 5, \"output_length\": 0}\n").find("at least one token") !=
          std::string::npos);
    CHECK(error_of("{\"input_length\": \n").find("trace:1: ") == 0);
    CHECK(error_of("{\"input_length\": 5, \"output_length\": 2, \"hash_ids\": 7}\n").find("hash_ids") !=
          std::string::npos);
}

TEST_CASE("dates: leap years and the turn of a year") {
    CHECK(seconds_of_date("1970-01-01 00:00:00") == 0);
    CHECK(seconds_of_date("2024-03-01 00:00:00") - seconds_of_date("2024-02-28 00:00:00") == 2 * 86400);
    CHECK(seconds_of_date("2023-03-01T00:00:00.5Z") - seconds_of_date("2023-02-28T00:00:00Z") == 86400.5);
    CHECK(seconds_of_date("12.5") == -1);
}

TEST_CASE("dispersion counts complete windows, empty ones too") {
    DispersionIndex d(1);
    for (const double t : {0.0, 0.1, 0.2, 3.5, 4.5}) d.arrival(t);
    // Windows 3, 0, 0, 1 (the last is not complete): mean 1, sample variance (4 + 1 + 1 + 0)/3 = 2.
    CHECK(d.value() == Approx(2));
}

TEST_CASE("prefix cache: heads outlive tails, the least recent go first") {
    PrefixCache cache(3);
    const std::uint64_t a[] = {1, 2, 3}, b[] = {1, 2, 4}, c[] = {1, 2, 3};
    CHECK(cache.hit(a) == 0);
    CHECK(cache.hit(b) == 2);   // 3 goes
    CHECK(cache.hit(c) == 2);
    CHECK(cache.size() == 3);
}

TEST_CASE("a long trace is summed up in bounded memory") {
    TraceStatistics statistics;
    TraceRow row;
    for (int i = 0; i < 300000; ++i) {
        row.arrival_s = 10.0 * i;
        row.input = 1 + i % 100;
        row.output = 1 + (i * 7) % 50;
        statistics.add(row);
    }
    const TraceSummary s = statistics.summary();
    CHECK(s.requests == 300000);
    CHECK(s.rate == Approx(0.1).epsilon(1e-4));
    CHECK(s.gap_cv2 == Approx(0).epsilon(1e-6));
    CHECK(s.rate_over_time.size() <= 4096);
    CHECK(s.lengths.joint.size() == 16384);
    CHECK(s.input_mean == Approx(50.5));
}

TEST_CASE("public traces have their published statistics") {
    const std::string folder = std::string(MOECOST_SHARED).append("/workloads/traces/");
    if (!std::filesystem::exists(folder)) {
        MESSAGE("skipped: no traces at " << folder);
        return;
    }
    struct Known {
        const char* file;
        double requests, rate, cv, iod1, iod60, in, out, correlation, hits;
    };
    // workloads/README.md of the reference data, section 3 and 4.
    const Known known[] = {
        {"azure2023_code.csv.gz", 8819, 2.567, 13.15, 13.19, 166.9, 2047.8, 27.88, 0.001, 0},
        {"azure2023_conv.csv.gz", 19366, 5.530, 1.094, 1.386, 16.41, 1154.7, 211.1, -0.112, 0},
        {"mooncake_conversation.jsonl.gz", 12031, 3.401, 3.03, 7.90, 2.946, 12035.1, 342.6, 0.072, 0.3736},
        {"mooncake_synthetic.jsonl.gz", 3993, 3.907, 1.011, 1.090, 1.266, 15325.5, 149.1, -0.374, 0.6512},
    };
    for (const Known& k : known) {
        CAPTURE(k.file);
        TraceStatistics statistics;
        TraceReader reader(k.file, [&](const TraceRow& r) { statistics.add(r); });
        read_text_blocks(folder + k.file, [&](std::string_view block) { reader.feed(block); });
        reader.finish();
        const TraceSummary s = statistics.summary();
        CHECK(s.requests == k.requests);
        CHECK(s.rate == Approx(k.rate).epsilon(5e-4));
        CHECK(std::sqrt(s.gap_cv2) == Approx(k.cv).epsilon(2e-3));
        CHECK(s.dispersion[0] == Approx(k.iod1).epsilon(2e-3));
        CHECK(s.dispersion[2] == Approx(k.iod60).epsilon(2e-3));
        CHECK(s.input_mean == Approx(k.in).epsilon(1e-4));
        CHECK(s.output_mean == Approx(k.out).epsilon(1e-3));
        CHECK(s.correlation == Approx(k.correlation).epsilon(0.02).scale(1));
        CHECK(s.prefix_hit_rate == Approx(k.hits).epsilon(2e-4));
    }
}
