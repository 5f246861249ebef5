// SPDX-License-Identifier: Apache-2.0
// Every word that launch can write stands in the argument list of its engine or load generator, as read in their sources
// (tests/launch/arguments names file and commit). Launch writes no word that is not in the rules.
#include <doctest/doctest.h>

#include <map>
#include <set>
#include <sstream>

#include "moecost/base/gzip.h"
#include "moecost/estimate/estimate.h"
#include "moecost/launch/benchmark.h"
#include "moecost/launch/checkpoint.h"
#include "moecost/launch/router.h"
#include "moecost/launch/server.h"
#include "moecost/launch/sources.h"

using namespace moecost;

namespace {

const DataStore data;

/// Words by section; those before any section under "".
std::map<std::string, std::set<std::string>> published(const std::string& name) {
    std::string path(MOECOST_TEST_DATA);
    std::istringstream lines(read_text(path.append("/launch/arguments/").append(name).append(".txt")));
    std::map<std::string, std::set<std::string>> lists;
    std::string section;
    for (std::string line; std::getline(lines, line);) {
        if (line.empty() || line[0] == '#') continue;
        if (line[0] == '[')
            section = line.substr(1, line.size() - 2);
        else
            lists[section].insert(line);
    }
    return lists;
}

/// A row that has a key of the settings file is written there and not on the command line.
std::vector<std::string> words_of(const EngineFlag& row) {
    std::vector<std::string> words;
    for (const std::string& word : {row.yaml.empty() ? row.flag : row.yaml, row.off}) {
        if (!word.empty()) words.push_back(word);
    }
    return words;
}

}   // namespace

TEST_CASE("every flag of the engine rules is in the engine's own argument list") {
    std::size_t checked = 0;
    for (const EngineRules& rules : launchable_engines(data)) {
        const auto list = published(rules.id)[""];
        for (const EngineFlag& row : rules.flags) {
            for (const std::string& word : words_of(row)) {
                CHECK_MESSAGE(list.count(word) == 1, rules.id << " " << word);
                ++checked;
            }
        }
        for (const std::string& word : rules.program.config)
            CHECK_MESSAGE(list.count(word) == 1, rules.id << " " << word);
    }
    CHECK(checked > 90);
}

TEST_CASE("launch lines hold no word that their engine does not take") {
    int lines = 0;
    for (const char* engine : {"vllm", "sglang", "trtllm"}) {
        const auto list = published(engine)[""];
        for (const int dp : {1, 8, 16}) {
            for (const double drafts : {0.0, 3.0}) {
                Description d;
                d.model = "deepseek-v3";
                d.gpu = "h200_sxm";
                d.engine = engine;
                d.tp = dp == 1 ? 8 : 1;
                d.attention_dp = dp;
                d.ep = dp == 1 ? 1 : dp;
                d.draft_tokens = drafts;
                const Expected<Scenario> s = describe(data, d);
                if (!s) continue;
                LaunchChoices c;
                c.checkpoint = "deepseek-ai/DeepSeek-V3";
                const Expected<Server> server = server_of(*s, s->pool(), c);
                if (!server) continue;
                ++lines;
                for (const std::string& word : server->words) {
                    if (word.starts_with("--"))
                        CHECK_MESSAGE(list.count(word.substr(0, word.find('='))) == 1, engine << " " << word);
                }
            }
        }
    }
    CHECK(lines >= 8);
}

TEST_CASE("every flag of a benchmark command is in the tool's own argument list") {
    auto lists = published("benchmarks");
    for (const BenchmarkTool& tool : load_benchmark_tools(data)) {
        REQUIRE_MESSAGE(lists.count(tool.name) == 1, tool.name);
        for (const BenchmarkWords& part : tool.words) {
            for (const std::string& word : part.words) {
                if (word.starts_with("--"))
                    CHECK_MESSAGE(lists[tool.name].count(word) == 1, tool.name << " " << word);
            }
        }
    }
}

TEST_CASE("every word and key of a router is in its own documentation, each worker once") {
    auto lists = published("routers");
    for (const char* engine : {"vllm", "sglang", "trtllm"}) {
        CAPTURE(engine);
        Description d;
        d.model = "deepseek-v3";
        d.gpu = "h200_sxm";
        d.engine = engine;
        d.tp = 1;
        d.attention_dp = 8;
        d.ep = 8;
        d.prefill.gpus = 16;
        d.decode.gpus = 24;
        const Expected<Scenario> s = describe(data, d);
        REQUIRE(s);
        const RouterRules rules = load_router_rules(data, engine);
        REQUIRE(rules.known());
        const Router router = router_of(rules, *s, std::vector<LaunchChoices>(2), "router.yaml");
        const std::string script = script_of(router, "router.yaml");
        for (const std::string& word : router.words)
            if (word.starts_with("-") && word != "-m") CHECK_MESSAGE(lists[engine].count(word) == 1, word);
        std::istringstream lines(router.has_settings() ? script.substr(0, script.find("END\n")) : "");
        std::string line;
        std::getline(lines, line);   // cat > ...
        while (std::getline(lines, line)) {
            const std::size_t key = line.find_first_not_of(" -");
            const std::size_t colon = line.find(':');
            if (line.find("- ") == std::string::npos)
                CHECK_MESSAGE(lists[engine].count(line.substr(key, colon - key)) == 1, line);
        }
        for (const char* worker : {"PREFILL_1:", "PREFILL_2:", "DECODE_1:", "DECODE_2:", "DECODE_3:"}) {
            const std::size_t at = script.find(worker);
            CHECK_MESSAGE(at != std::string::npos, worker);
            CHECK_MESSAGE(script.find(worker, at + 1) == std::string::npos, worker);
        }
        CHECK(script.find("PREFILL_3") == std::string::npos);
        CHECK(script.find("DECODE_4") == std::string::npos);
    }
}
