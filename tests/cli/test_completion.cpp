// SPDX-License-Identifier: Apache-2.0
// What a shell offers: by the hidden command, and by the scripts in the shells themselves.
#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "moecost/estimate/figures.h"
#include "moecost/estimate/inputs.h"
#include "program.h"

using namespace moecost;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
    std::istringstream in(text);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

/// Candidates for the end of this line.
std::vector<std::string> offered(const std::string& words) {
    const Run run = run_program("complete -- " + words);
    CHECK(run.status == 0);
    CHECK(run.err.empty());
    return lines_of(run.out);
}

bool has(const std::vector<std::string>& list, const std::string& word) {
    return std::find(list.begin(), list.end(), word) != list.end();
}

bool installed(const char* shell) {
    return std::system((std::string("command -v ") + shell + " >/dev/null 2>&1").c_str()) == 0;
}

/// The words that bash itself finds at the end of a line, through the script and the variables it sets for it.
std::vector<std::string> bash_offers(const std::vector<std::string>& words) {
    const ScratchFolder scratch;
    scratch.write("heat.png", "");
    std::string program(MOECOST_PROGRAM);
    std::string script("PATH=\"" + program.substr(0, program.rfind('/')) + ":$PATH\"\n");
    script += "cd '" + scratch.path.string() + "'\nsource <(moecost completion bash)\nCOMP_WORDS=(moecost";
    for (const std::string& word : words) script += " '" + word + "'";
    script += ")\nCOMP_CWORD=" + std::to_string(words.size()) + "\n";
    script += "complete -p moecost >/dev/null || exit 9\n_moecost\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n";
    const std::string file = scratch.write("drive.sh", script);
    const std::string out = (scratch.path / "out").string();
    REQUIRE(std::system(("bash '" + file + "' >'" + out + "'").c_str()) == 0);
    return lines_of(moecost::read_file(out));
}

}   // namespace

TEST_CASE("commands and options are offered as they begin") {
    CHECK(offered("est") == std::vector<std::string>{"estimate"});
    CHECK(has(offered("''"), "sweep"));
    CHECK_FALSE(has(offered("''"), "complete"));
    CHECK(offered("estimate --attention") == std::vector<std::string>{"--attention-dp"});
    CHECK(offered("estimate --tensor") == std::vector<std::string>{"--tensor-parallel-size"});
    CHECK(offered("no-such-command --x").empty());
}

TEST_CASE("values come from the tables: names of data files, engines, formats, words, bases") {
    CHECK(offered("estimate --gpu h100_s") == std::vector<std::string>{"h100_sxm", ":files"});
    CHECK(has(offered("estimate --model qwen3-2"), "qwen3-235b-a22b"));
    CHECK(has(offered("estimate --model deepseek-r"), "deepseek-r1"));   // an alias, where no name begins so
    CHECK(has(offered("estimate --engine ''"), "sglang"));
    CHECK(has(offered("estimate --weights nv"), "nvfp4"));
    CHECK(has(offered("estimate --backend ''"), "vllm"));   // of an alias of an option
    CHECK(offered("estimate --all-to-all l") == std::vector<std::string>{"low-latency"});
    CHECK(offered("params --format j") == std::vector<std::string>{"json"});
    CHECK(has(offered("estimate --gpu h100 --price own"), "owning_neocloud"));
    CHECK(has(offered("design --law ludz"), "ludziejewski2025"));
    CHECK(has(offered("sweep --target usd_per_mtok_o"), "usd_per_mtok_output"));
    CHECK(has(offered("estimate --model mixtral-8x7b --set exp"), "experts="));
    CHECK(offered("estimate --isl ''").empty());   // any number: nothing to offer
}

TEST_CASE("values joined by commas are completed at the last comma, and behind an equals sign") {
    CHECK(offered("estimate --gpu h200_sxm,h100_s") == std::vector<std::string>{"h200_sxm,h100_sxm"});
    CHECK(offered("estimate --gpu=h100_s") == std::vector<std::string>{"--gpu=h100_sxm", ":files"});
    CHECK(offered("estimate --gpu = h100_s") == std::vector<std::string>{"h100_sxm", ":files"});
}

TEST_CASE("what stands without an option is offered too, files where they are read") {
    CHECK(has(offered("list ''"), "figures"));
    CHECK(has(offered("list prices h1"), "h100_sxm"));
    CHECK(offered("list gpus ''") != offered("list ''"));
    CHECK(has(offered("params mixtral-8x7b deepseek-v"), "deepseek-v3"));
    CHECK(has(offered("sweep ''"), ":files"));
    CHECK(offered("import ''") == std::vector<std::string>{"hf", "cmd", "bench", ":files"});
    CHECK(has(offered("import hf ''"), ":files"));
    CHECK(has(offered("validate --data-dir ''"), ":folders"));
    CHECK(has(offered("completion ''"), "fish"));
}

TEST_CASE("every word and format of the table of inputs is offered for its option") {
    for (const Input& input : inputs()) {
        if (input.kind != InputKind::word) continue;
        const auto found = offered("estimate --" + std::string(input.key) + " ''");
        for (const std::string& word : found) {
            CAPTURE(word);
            CHECK(input.choices.find(word) != std::string_view::npos);
        }
        CHECK(static_cast<std::ptrdiff_t>(found.size()) ==
              1 + std::count(input.choices.begin(), input.choices.end(), '|'));
    }
}

TEST_CASE("bash completes values, lists and files through the script") {
    if (!installed("bash")) {
        MESSAGE("skipped: bash is not installed");
        return;
    }
    CHECK(bash_offers({"estimate", "--engine", "sg"}) == std::vector<std::string>{"sglang"});
    CHECK(bash_offers({"estimate", "--gpu", "h100_s"}) == std::vector<std::string>{"h100_sxm"});
    CHECK(bash_offers({"estimate", "--gpu", "h"}).back() == "heat.png");   // a path to an accelerator file
    CHECK(bash_offers({"list", "pr"}) == std::vector<std::string>{"prices"});
    CHECK(bash_offers({"estimate", "--gpu", "=", "h100_s"}) == std::vector<std::string>{"h100_sxm"});
    CHECK(bash_offers({"sweep", "he"}) == std::vector<std::string>{"heat.png"});
}

TEST_CASE("the scripts of zsh and fish are accepted by their shells") {
    for (const char* shell : {"bash", "zsh", "fish"}) {
        const ScratchFolder scratch;
        const Run run = run_program(std::string("completion ") + shell);
        REQUIRE(run.status == 0);
        CHECK(run.out.find("complete --") != std::string::npos);
        if (!installed(shell)) {
            MESSAGE("skipped: ", shell, " is not installed");
            continue;
        }
        const std::string file = scratch.write("script", run.out);
        CHECK(std::system((std::string(shell) + " -n '" + file + "'").c_str()) == 0);
    }
    CHECK(run_program("completion tcsh").status == 2);
}
