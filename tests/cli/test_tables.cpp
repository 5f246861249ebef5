// SPDX-License-Identifier: Apache-2.0
// The tables of inputs and figures as the program shows them: lists, manual page, axes, hints and widths.
#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "moecost/estimate/figures.h"
#include "moecost/sweep/grid.h"
#include "program.h"

using namespace moecost;

namespace {

/// A value that the input takes.
std::string value_of(const Input& input) {
    if (input.key == "model") return "mixtral-8x7b";
    if (input.key == "family") return "joint-moe";
    if (input.key == "gpu") return "h100_sxm";
    if (input.key == "cluster") return "hgx_h100";
    if (input.key == "engine") return "vllm";
    if (input.key == "traffic") return "chat";
    if (input.kind == InputKind::format) return "bf16";
    if (input.kind == InputKind::word) return std::string(input.choices.substr(0, input.choices.find('|')));
    if (input.kind == InputKind::toggle) return "true";
    if (input.kind == InputKind::parameters) return "7e9";
    if (input.kind == InputKind::edit) return "experts=8";
    return input.range.high < 1 ? "0.5" : "1";
}

/// The grid of one axis of this input.
std::string grid_of(const Input& input) {
    std::string s("[scenario]\n");
    const bool member = input.key == "family" || input.stage == InputStage::member;
    if (member && input.key != "family") s += "family = \"joint-moe\"\n";
    if (member && input.key != "size") s += "size = \"7e9\"\n";
    if (!member && input.key != "model") s += "model = \"mixtral-8x7b\"\n";
    if (input.key != "gpu" && input.key != "cluster") s += "gpu = \"h100_sxm\"\n";
    return s + "[[axis]]\nkey = \"" + std::string(input.key) + "\"\nvalues = [\"" + value_of(input) + "\"]\n";
}

std::size_t longest_line(const std::string& text) {
    std::istringstream in(text);
    std::size_t longest = 0;
    for (std::string line; std::getline(in, line);) longest = std::max(longest, line.size());
    return longest;
}

}   // namespace

TEST_CASE("every input is an axis of a grid, or is refused with the reason that the list of inputs gives") {
    const std::string listed = run_program("list inputs --format csv").out;
    for (const Input& input : inputs()) {
        CAPTURE(input.key);
        const std::string_view why = no_axis_reason(input);
        CHECK(listed.find("\n" + std::string(input.key) + ",") != std::string::npos);
        try {
            const Grid grid = read_grid(DataStore(), parse_toml(grid_of(input), "grid.toml"));
            CHECK(why.empty());
            CHECK(grid.points == 1);
        } catch (const InputError& e) {
            CAPTURE(e.what());
            CHECK_FALSE(why.empty());
            CHECK(e.hint() == why);
            CHECK(listed.find(why) != std::string::npos);
        }
    }
}

TEST_CASE("the lists and the manual page name every input and every figure") {
    const std::string figure_list = run_program("list figures").out;
    for (const Figure& figure : figures())
        CHECK(figure_list.find("\n" + std::string(figure.key)) != std::string::npos);
    const std::string man = run_program("man estimate").out;
    for (const Input& input : inputs()) {
        CAPTURE(input.key);
        std::string key("\\-\\-");
        for (const char c : input.key) key += c == '-' ? std::string("\\-") : std::string(1, c);
        CHECK(man.find(key) != std::string::npos);
    }
    CHECK(man.find("Allowed: 1..65536. Also: \\-\\-tensor\\-parallel\\-size.") != std::string::npos);
    CHECK(man.find("(default: vllm)") != std::string::npos);
}

TEST_CASE("text uses the width that is there, from 80 columns up, and cuts nothing in a pipe") {
    const char* four("estimate --model mixtral-8x7b --gpu a100,h100,h200,b200 --tp 2 --quiet");
    const Run wide = run_program(four, "COLUMNS=160");
    const std::size_t heads = wide.out.find("2 x a100_sxm_80");
    REQUIRE(heads != std::string::npos);
    CHECK(wide.out.substr(heads, wide.out.find('\n', heads) - heads).find("2 x b200_sxm") !=
          std::string::npos);
    for (const char* arguments : {"--help", "list --help", "fit --help", "man --help", four}) {
        CAPTURE(arguments);
        CHECK(longest_line(run_program(arguments, "COLUMNS=80").out) <= 80);
        CHECK(longest_line(run_program(arguments, "COLUMNS=40").out) <= 80);
    }
    CHECK(longest_line(run_program("estimate --help", "COLUMNS=160").out) > 100);
    for (const char* list : {"list traffic", "list prices", "list clusters", "list inputs", "list figures"}) {
        CAPTURE(list);
        CHECK(run_program(list, "COLUMNS=80").out == run_program(list, "COLUMNS=400").out);
    }
}

TEST_CASE("a name that no list has brings the near ones and the command that shows all") {
    const ScratchFolder scratch;
    const auto hint = [&](const std::string& column, const std::string& key) {
        const std::string grid = scratch.write(
            "grid.toml", "columns = [\"" + column +
                             "\"]\n[scenario]\nmodel = \"mixtral-8x7b\"\ngpu = \"h100\"\n[[axis]]\nkey = \"" +
                             key + "\"\nvalues = [1]\n");
        const Run run = run_program("sweep '" + grid + "'");
        CHECK(run.status == 2);
        return run.err;
    };
    const std::string watts = hint("watts", "tp");
    CHECK(watts.find("watts_per_gpu") != std::string::npos);
    CHECK(watts.find("moecost list figures") != std::string::npos);
    CHECK(hint("joules_per_token", "tp").find("joules_per_output_token") != std::string::npos);
    CHECK(hint("zzz", "tp").find("list figures") != std::string::npos);
    CHECK(hint("tp", "tensor").find("moecost list inputs") != std::string::npos);
    CHECK(run_program("params deepseek").err.find("deepseek-v3") != std::string::npos);
}

TEST_CASE("a small sweep prints its rows, its frontier on demand, and leaves no file behind a refusal") {
    const Run rows = run_program("sweep data/grid.toml --quiet");
    CHECK(rows.status == 0);
    CHECK(CsvTable(rows.out, "stdout").rows() == 8);
    const Run table = run_program("sweep data/grid.toml --frontier --quiet");
    CHECK(table.out.find("h200_sxm") != std::string::npos);
    CHECK(table.out.find(',') == std::string::npos);
    const ScratchFolder scratch;
    const std::string file = (scratch.path / "rows.csv").string();
    const Run both = run_program("sweep data/grid.toml --frontier --quiet -o '" + file + "'");
    CHECK(both.out == table.out);
    CHECK(read_file(file) == rows.out);
    const Run json = run_program("sweep data/grid.toml -o '" + (scratch.path / "rows.json").string() + "'");
    CHECK(json.status == 2);
    CHECK(json.err.find(".jsonl") != std::string::npos);
    CHECK(run_program("sweep data/grid.toml --resume").status == 2);
    const std::string bad = scratch.write("bad.toml",
                                          "[scenario]\nmodel = \"mixtral-8x7b\"\ngpu = \"h100\"\n"
                                          "[[axis]]\nkey = \"set.experts\"\nvalues = [\"many\"]\n");
    const std::string out = (scratch.path / "bad.csv").string();
    CHECK(run_program("sweep '" + bad + "' -o '" + out + "'").status != 0);
    CHECK_FALSE(std::filesystem::exists(out + ".journal"));
}
