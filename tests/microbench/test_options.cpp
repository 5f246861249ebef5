// SPDX-License-Identifier: Apache-2.0
// The command line and the progress line.
#include <doctest/doctest.h>

#include "host/glob.h"
#include "host/options.h"
#include "host/progress.h"
#include "moecost/base/error.h"

using namespace microbench;

namespace {

std::string message(const std::vector<std::string>& arguments) {
    try {
        (void)parse_options(arguments);
    } catch (const moecost::InputError& error) {
        return std::string(error.what()).append("; ").append(error.hint());
    }
    return {};
}

}   // namespace

TEST_CASE("options are read in both spellings") {
    const Options o =
        parse_options({"--quick", "--filter", "gemm*", "--out=dir", "--time-limit=30", "--noise", "0"});
    CHECK(o.quick);
    CHECK(o.filter == "gemm*");
    CHECK(o.out == "dir");
    CHECK(o.time_limit == 30);
    CHECK(o.noise == 0);
    CHECK(parse_options({}).out == "microbench-out");
}

TEST_CASE("a run ends after ten minutes, two with --quick, never with --full, or as told") {
    CHECK(run_seconds(parse_options({})) == 600);
    CHECK(run_seconds(parse_options({"--quick"})) == 120);
    CHECK(run_seconds(parse_options({"--full"})) == 0);
    CHECK(run_seconds(parse_options({"--full", "--time-limit", "7"})) == 7);
    CHECK(longest_case(parse_options({"--quick"})) < longest_case(parse_options({})));
    CHECK(longest_case(parse_options({})) < longest_case(parse_options({"--full"})));
    CHECK(longest_case(parse_options({"--quick", "--case-seconds", "3"})) == 3);
    CHECK(message({"--quick", "--full"}) == "--quick: excludes --full; ");
}

TEST_CASE("a bad option says what is wrong and what is allowed") {
    CHECK(message({"--fliter", "x"}) == "--fliter: no such option; did you mean '--filter'?");
    CHECK(message({"--filter"}) == "--filter: needs a value: GLOB; ");
    CHECK(message({"--out="}) == "--out: needs a value: DIR; ");
    CHECK(message({"--quick=1"}) == "--quick: takes no value; ");
    CHECK(message({"--time-limit", "soon"}) == "--time-limit: 'soon' is no number from 0.001 to 1e+07; ");
    CHECK(message({"--time-limit", "-1"}) == "--time-limit: '-1' is no number from 0.001 to 1e+07; ");
    CHECK(message({"--time-limit", "nan"}) == "--time-limit: 'nan' is no number from 0.001 to 1e+07; ");
    CHECK(message({"gemm"}).starts_with("gemm: no such option; one of: --list"));
}

TEST_CASE("help names every option once and fits 100 columns") {
    const std::string text = help_text("moecost-microbench");
    for (const char* option :
         {"--list", "--filter GLOB", "--quick", "--full", "--out DIR", "--time-limit SECONDS", "--replay DIR",
          "--synthetic PROFILE", "--device FILE", "--help"}) {
        CHECK(text.find(std::string("  ").append(option)) != std::string::npos);
    }
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = text.find('\n', start);
        CHECK(end - start <= 100);
        start = end + 1;
    }
}

TEST_CASE("patterns match as in a shell, slashes included") {
    CHECK(glob_match("*", ""));
    CHECK(glob_match("a*c", "a/b/c"));
    CHECK(glob_match("*fp8*m=64", "gemm/cublaslt/fp8/n=1/m=64"));
    CHECK_FALSE(glob_match("*fp8*m=64", "gemm/cublaslt/fp8/n=1/m=640"));
    CHECK(glob_match("?b**d", "abcd"));
    CHECK_FALSE(glob_match("a?", "a"));
    CHECK(glob_match("a*b*a*b", "abababab"));
}

TEST_CASE("the progress line tells share, count and time left") {
    CHECK(progress_line({0, 10, 0, 0}, "gemm", 100) ==
          "[....................]   0 %  0/10  time left unknown  gemm");
    CHECK(progress_line({5, 10, 20, 0}, "gemm", 100) ==
          "[##########..........]  50 %  5/10  0.25/s  20 s left  gemm");
    CHECK(progress_line({1, 101, 6, 0}, "gemm", 100).find("about 10 min left") != std::string::npos);
    CHECK(progress_line({5, 10, 20, 25}, "gemm", 100).find("  5 s left") != std::string::npos);
    CHECK(progress_line({5, 10, 20, 0}, std::string(200, 'x'), 60).size() == 60);
    CHECK(seconds_left({10, 10, 20, 0}) == 0);
    // 10 of 1,000 cases, but 45 of 60 seconds
    CHECK(
        progress_line({10, 1000, 45, 60}, "gemm", 100).starts_with("[###############.....]  75 %  10/1000"));
}
