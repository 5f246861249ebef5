// SPDX-License-Identifier: Apache-2.0
// Whatever a file asks that only fails when names are resolved is reported where it stands, file, line and column, and
// what an option asks by the name of the option.
#include <doctest/doctest.h>

#include "program.h"

namespace {

std::string in_quotes(const std::string& path) { return "'" + path + "'"; }

/// A file that asks for a deployment, with one line put in place of (or beside) the usual ones.
std::string lines_with(const std::string& key, const std::string& line) {
    std::string s;
    for (const std::string usual : {"model = 'mixtral-8x7b'", "gpu = 'h100_sxm'", "tp = 2"})
        s.append(usual.starts_with(key + " ") ? line : usual).append("\n");
    return s.find(line) == std::string::npos ? s + line + "\n" : s;
}

struct Mistake {
    const char* key;
    const char* value;
    int line;            // of the file
    const char* found;   // in the message
};

const Mistake mistakes[] = {
    {"model", "'mixtral-9'", 1, "no model is named 'mixtral-9'"},
    {"model", "'nosuch.toml'", 1, "nosuch.toml: no such file"},
    {"gpu", "'h1000'", 2, "no accelerator is named 'h1000'"},
    {"gpu", "'/tmp'", 2, "/tmp: is a folder"},
    {"cluster", "'nowhere'", 4, "no cluster is named 'nowhere'"},
    {"cluster", "'hgx_b200'", 2, "is made of b200_sxm"},
    {"engine", "'vlm'", 4, "no engine is named 'vlm'"},
    {"traffic", "'chatt'", 4, "no traffic is named 'chatt'"},
    {"price", "'spott'", 4, "'spott' is no price basis"},
    {"family", "'yun2024'", 4, "a model is given too"},
    {"experts", "8", 4, "is a choice of a family"},
    {"set", "{ foo = 3 }", 4, "no such field"},
    {"set", "{ experts = 'x' }", 4, "expected a whole number"},
};

void check_place(const Run& run, const std::string& place, const std::string& found) {
    CAPTURE(run.err);
    CHECK(run.status == 2);
    CHECK(run.err.find(place) != std::string::npos);
    CHECK(run.err.find(found) != std::string::npos);
}

std::string at(const std::string& file, int line) {
    return std::string(file).append(":").append(std::to_string(line)).append(":");
}

}   // namespace

TEST_CASE("what a scenario, a tornado or a grid asks in vain is reported with file and line") {
    const ScratchFolder scratch;
    const std::string out = " -o '" + (scratch.path / "o.csv").string() + "' --restart";
    for (const Mistake& m : mistakes) {
        CAPTURE(m.key);
        CAPTURE(m.value);
        const std::string line = std::string(m.key).append(" = ").append(m.value);
        const std::string lines = lines_with(m.key, line);
        const std::string scenario = in_quotes(scratch.write("s.toml", lines));
        check_place(run_program("estimate --quiet --scenario " + scenario), at("s.toml", m.line), m.found);
        check_place(run_program("sweep --tornado " + scenario), at("s.toml", m.line), m.found);
        const std::string grid = in_quotes(
            scratch.write("g.toml", "[scenario]\n" + lines + "[[axis]]\nkey = 'osl'\nvalues = [100, 200]\n"));
        check_place(run_program("sweep " + grid + out), at("g.toml", m.line + 1), m.found);
    }
}

TEST_CASE("what an axis asks in vain is reported with file and line") {
    const ScratchFolder scratch;
    const std::string out = " -o '" + (scratch.path / "o.csv").string() + "' --restart";
    for (const Mistake& m : mistakes) {
        const std::string key(m.key);
        if (key == "set" || key == "experts" || key == "family" || std::string(m.value) == "'hgx_b200'")
            continue;
        CAPTURE(m.key);
        const std::string usual = lines_with(key, "");
        const std::string grid =
            in_quotes(scratch.write("g.toml", "[scenario]\n" + usual + "[[axis]]\nkey = '" + key +
                                                  "'\nvalues = [" + m.value + "]\n"));
        const Run run = run_program("sweep " + grid + out);
        check_place(run, "g.toml:", m.found);
        check_place(run, "key '" + key + "'", m.found);
        CHECK(run.err.find("g.toml: ") == std::string::npos);
    }
}

TEST_CASE("what an option asks in vain is reported by its name") {
    check_place(run_program("estimate --gpu h100 --model mixtral-9"), "--model: ", "no model is named");
    check_place(run_program("estimate --model mixtral-8x7b --gpu h1000"),
                "--gpu: ", "no accelerator is named");
    check_place(run_program("estimate --model mixtral-8x7b --gpu h100 --set foo=3"),
                "--set: ", "no such field");
    const ScratchFolder scratch;
    const std::string scenario = in_quotes(scratch.write("s.toml", "model = 'mixtral-9'\ngpu = 'h100'\n"));
    check_place(run_program("estimate --scenario " + scenario + " --model mixtral-8"),
                "--model: ", "mixtral-8");
}

TEST_CASE("options that would have no effect on a sweep are refused") {
    const ScratchFolder scratch;
    const std::string grid = in_quotes(scratch.write(
        "g.toml", "[scenario]\nmodel='mixtral-8x7b'\ngpu='h100'\n[[axis]]\nkey='tp'\nvalues=[2]\n"));
    const std::string out = " -o '" + (scratch.path / "o.csv").string() + "'";
    check_place(run_program("sweep " + grid + out + " --target ttft_s"),
                "--target: ", "belongs to --tornado");
    check_place(run_program("sweep " + grid + out + " --format json"),
                "--format: ", "says nothing beside -o");
    check_place(run_program("merge a.csv" + out + " --format json"), "--format: ", "says nothing beside -o");
}
