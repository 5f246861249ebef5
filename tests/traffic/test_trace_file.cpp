// SPDX-License-Identifier: Apache-2.0
// Traces as files: the same plain and packed, read twice, bad ones refused with file and line.
#include "moecost/traffic/trace_file.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>

#include "moecost/base/file.h"
#include "moecost/traffic/length_presets.h"

using namespace moecost;
using doctest::Approx;

namespace {

/// A file of this test program, removed with the value.
struct Written {
    std::string path;
    Written(std::string_view name, std::string_view text)
        : path((std::filesystem::temp_directory_path() / std::to_string(getpid()).append(name)).string()) {
        write_file(path, text);
    }
    Written(const Written&) = delete;
    Written& operator=(const Written&) = delete;
    ~Written() { std::filesystem::remove(path); }
};

std::string many_rows(int n) {
    std::string text("arrival_s,input_tokens,output_tokens\n");
    for (int i = 0; i < n; ++i) {
        text.append(std::to_string(i)).append(".5,").append(std::to_string(100 + i % 900)).append(",");
        text.append(std::to_string(1 + i % 50)).append("\n");
    }
    return text;
}

std::vector<TracedRequest> requests_of(const std::string& path, const TraceFile::Options& options = {}) {
    TraceFile file(path, options);
    std::vector<TracedRequest> requests;
    for (TracedRequest r; file.next(r);) requests.push_back(r);
    return requests;
}

template <class F>
std::string error_of(F f) {
    try {
        f();
    } catch (const InputError& e) {
        return e.what();
    }
    return "none";
}

}   // namespace

TEST_CASE("a trace says the same plain and packed, as a summary and request by request") {
    const std::string text = many_rows(5000);
    const Written plain("trace.csv", text);
    const Written packed("trace.csv.gz",
                         gzip_member(text.substr(0, 30000)) + gzip_member(text.substr(30000)));
    CHECK(summarise_trace(plain.path).requests == 5000);
    CHECK(summarise_trace(packed.path).rate == summarise_trace(plain.path).rate);
    const auto requests = requests_of(plain.path);
    CHECK(requests.size() == 5000);
    CHECK(requests == requests_of(packed.path));
    CHECK(requests[3] == TracedRequest{3, 103, 4, 0});
    CHECK(requests_of(plain.path, {.speed = 2})[3].arrival_s == 1.5);
    CHECK(requests_of(plain.path, {.one_of = 4}).size() == 1250);
}

TEST_CASE("the traffic of a trace has its means, its spread, its rate and its burstiness") {
    const Written file("shape.csv", many_rows(9000));
    const TraceSummary summary = summarise_trace(file.path);
    const Traffic t = traffic_of(summary, file.path);
    CHECK(t.input == Approx(549.5));
    CHECK(t.output == Approx(25.5));
    const auto* open = std::get_if<OpenLoop>(&t.load);
    REQUIRE(open != nullptr);
    CHECK(open->rate == Approx(1).epsilon(1e-3));
    CHECK(open->burstiness == Approx(0).epsilon(1e-6));   // one a second, like a clock
    const Lengths l = lengths_of(t);
    CHECK(mean(l.input) == Approx(549.5));
    CHECK(quantile(l.input, 0.9) == Approx(910).epsilon(0.01));
}

TEST_CASE("condensed lengths keep the mean and the quantiles") {
    std::vector<double> tokens;
    for (int i = 1; i <= 5000; ++i) tokens.push_back(i * i);
    const EmpiricalLength all = empirical_length(tokens);
    const EmpiricalLength few = condensed(all, 100);
    CHECK(few.tokens.size() == 100);
    CHECK(mean(Length{few}) == Approx(mean(Length{all})).epsilon(1e-9));
    CHECK(moment(Length{few}, 2) == Approx(moment(Length{all}, 2)).epsilon(0.01));
}

TEST_CASE("bad traces are refused with their file and line") {
    const Written columns("columns.csv", "time,input_tokens\n1,2\n");
    const std::string missing = error_of([&] { (void)summarise_trace(columns.path); });
    CHECK(missing.find("columns.csv:1: ") != std::string::npos);
    CHECK(missing.find("output_tokens") != std::string::npos);
    const Written order("order.csv", "time,input_tokens,output_tokens\n1,2,3\n0.5,2,3\n");
    CHECK(error_of([&] { (void)summarise_trace(order.path); }).find("order.csv:3: ") != std::string::npos);
    const Written zero("zero.csv", "time,input_tokens,output_tokens\n1,2,3\n2,0,3\n");
    const std::string message = error_of([&] { (void)summarise_trace(zero.path); });
    CHECK(message.find("zero.csv:3: ") != std::string::npos);
    CHECK(message.find("at least one token") != std::string::npos);
    const Written untimed("untimed.csv", "input_tokens,output_tokens\n5,2\n");
    CHECK(error_of([&] { requests_of(untimed.path); }).find("no times") != std::string::npos);
    const Written empty("empty.jsonl", "");
    CHECK(error_of([&] { (void)summarise_trace(empty.path); }).find("no requests") != std::string::npos);
}

TEST_CASE("prompt blocks seen before are cached, as many as the cache holds") {
    const std::string text =
        "{\"timestamp\": 0, \"input_length\": 1024, \"output_length\": 5, \"hash_ids\": [1, 2]}\n"
        "{\"timestamp\": 1000, \"input_length\": 1536, \"output_length\": 5, \"hash_ids\": [1, 2, 3]}\n"
        "{\"timestamp\": 2000, \"input_length\": 1024, \"output_length\": 5, \"hash_ids\": [1, 9]}\n";
    const Written file("blocks.jsonl", text);
    const auto unlimited = requests_of(file.path);
    CHECK(unlimited[0].cached == 0);
    CHECK(unlimited[1].cached == 1024);
    CHECK(unlimited[2].cached == 512);
    CHECK(requests_of(file.path, {.cache_blocks = 1})[1].cached == 512);
}
