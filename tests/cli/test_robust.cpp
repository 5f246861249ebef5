// SPDX-License-Identifier: Apache-2.0
// Inputs that cannot hurt and environments that are short of something: one line, a status of the contract, and
// nothing lost or overwritten. Each case was once a crash, a hang or a silence.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "moecost/base/gzip.h"
#include "moecost/base/value.h"
#include "program.h"

using namespace moecost;

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool sanitized = true;   // which wants terabytes of address space and its own time
#else
constexpr bool sanitized = false;
#endif

const std::string mixtral("estimate --model mixtral-8x7b --gpu h100_sxm --tp 2 --isl 256 --osl 64 ");

void check_one_line(const Run& run, int status, std::string_view part) {
    CAPTURE(run.err);
    CHECK(run.status == status);
    CHECK(run.err.starts_with("moecost: "));
    CHECK(run.err.find(part) != std::string::npos);
    const auto lines = std::count(run.err.begin(), run.err.end(), '\n');
    CHECK((lines == 1 || (lines == 2 && run.err.find("\nhint: ") != std::string::npos)));
    for (const char c : run.err) CHECK((c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f)));
}

std::string in_quotes(const std::string& path) { return "'" + path + "'"; }

std::string config() { return read_file(std::string(MOECOST_TEST_DATA).append("/cli/data/config.json")); }

}   // namespace

TEST_CASE("pipes work for JSON, TOML and CSV wherever a file does") {
    const ScratchFolder scratch;
    const std::string json = in_quotes(scratch.write("c.json", config()));
    const std::string pipe = in_quotes((scratch.path / "pipe").string());
    // Behind the lines that name the file.
    const auto model = [](const std::string& text) { return text.substr(text.find("hidden = ")); };
    const std::string direct = run_program("import hf " + json).out;
    CHECK_FALSE(direct.empty());
    // A named pipe is opened once: a second reader would wait for ever.
    const Run fifo =
        run_program("import hf " + pipe, "mkfifo " + pipe + "; cat " + json + " >" + pipe + " & timeout 300");
    CHECK(fifo.status == 0);
    CHECK(model(fifo.out) == model(direct));
    const Run standard = run_program("import hf /dev/stdin <" + json);
    CHECK(model(standard.out) == model(direct));
    CHECK(run_program("params /dev/stdin <" + json).status == 0);
    CHECK(run_program("estimate --model /dev/stdin --gpu h100_sxm --tp 2 <" + json).status != 2);
    CHECK(run_program("estimate --gpu h100_sxm --scenario /dev/stdin <data/scenario.toml").status == 0);
}

TEST_CASE("what never ends, or unpacks to too much, ends at the limit with one line") {
    check_one_line(run_program("import hf /dev/zero"), 2, "larger than 64 MiB");
    check_one_line(run_program("validate /dev/zero"), 2, "larger than 64 MiB");
    check_one_line(run_program("params /dev/zero"), 2, "larger than 64 MiB");
    const ScratchFolder scratch;
    const std::string member = gzip_member(std::string(std::size_t{1} << 20, '1').append("\n"));
    std::string bomb = gzip_member("a,b\n");
    for (int i = 0; i < 80; ++i) bomb.append(member);
    check_one_line(run_program("validate " + in_quotes(scratch.write("bomb.csv.gz", bomb))), 2,
                   "larger than 64 MiB");
    check_one_line(
        run_program("validate " + in_quotes(scratch.write("wide.csv", std::string(10'000'000, ',')))), 2,
        "a row is longer than 1 MiB");
    std::string many("[");
    for (int i = 0; i < 2'500'000; ++i) many.append("1,");
    check_one_line(run_program("import hf " + in_quotes(scratch.write("many.json", many.append("1]")))), 2,
                   "more than 2,000,000 values");
    std::string table("a = ");
    check_one_line(
        run_program("estimate --scenario " + in_quotes(scratch.write("many.toml", table.append(many)))), 2,
        "more than 1,000,000 values");
}

TEST_CASE("short memory ends with one line, never with a signal") {
    if (sanitized) return;
    const ScratchFolder scratch;
    const std::string text = scratch.write(
        "long.json", std::string("{\"model_type\":\"").append(std::string(50'000'000, 'A')).append("\"}"));
    for (const int limit : {60'000, 100'000, 150'000, 200'000, 250'000}) {
        CAPTURE(limit);
        const Run run =
            run_program("import hf " + in_quotes(text), "ulimit -v " + std::to_string(limit) + ";");
        CHECK((run.status == 1 || run.status == 2));
        CHECK(run.err.starts_with("moecost: "));
    }
}

TEST_CASE("threads that cannot be had are a note, not an end") {
    if (sanitized) return;
    const ScratchFolder scratch;
    const std::string grid = in_quotes(std::string(MOECOST_TEST_DATA).append("/fuzz/corpus/grid/small.toml"));
    const std::string out = (scratch.path / "out.csv").string();
    const Run run = run_program("sweep " + grid + " --threads 64 -o " + in_quotes(out), "ulimit -v 300000;");
    CAPTURE(run.err);
    CHECK(run.status == 0);
    CHECK(run.err.find("threads ran: the machine gives no more") != std::string::npos);
}

TEST_CASE("a file beyond the limit of its size fails like a full disk and leaves nothing") {
    const ScratchFolder scratch;
    const std::string out = (scratch.path / "out.json").string();
    const Run run = run_program(mixtral + "--format json -o " + in_quotes(out), "ulimit -f 1;");
    check_one_line(run, 1, "File too large");
    CHECK(std::filesystem::is_empty(scratch.path));
    CHECK_FALSE(std::filesystem::exists(out));
}

TEST_CASE("closed streams matter only where they are wanted") {
    const ScratchFolder scratch;
    const std::string grid = in_quotes(std::string(MOECOST_TEST_DATA).append("/fuzz/corpus/grid/small.toml"));
    const std::string out = (scratch.path / "out.csv").string();
    CHECK(run_program("sweep " + grid + " -o " + in_quotes(out) + " 2>&-").status == 0);
    CHECK(run_program("sweep " + grid + " -o " + in_quotes((scratch.path / "two.csv").string()) +
                      " 0<&- 1>&- 2>&-")
              .status == 0);
    CHECK(read_file(out) == read_file((scratch.path / "two.csv").string()));
    CHECK(run_program("list gpus 2>&-").status == 0);
    check_one_line(run_program("list gpus >&-"), 1, "standard output: cannot write");
}

TEST_CASE("an empty value is no wish for the default, whatever the option") {
    for (const char* option :
         {"--price", "--family", "--weights", "--kv", "--cluster", "--traffic", "--all-to-all",
          "--expert-weights", "--output", "--data-dir", "--engine", "--gpu", "--isl"}) {
        CAPTURE(option);
        for (const char* form : {" ''", "="}) {
            const Run run = run_program(mixtral + option + form);
            CAPTURE(run.err);
            CHECK(run.status == 2);
            CHECK(run.err.find(option) != std::string::npos);
        }
    }
    CHECK(run_program("design --budget 1e23 --equal-to 1 --gpu ''").status == 2);
    CHECK(run_program("params ''").status == 2);
}

TEST_CASE("an answer never overwrites what it is computed from") {
    const ScratchFolder scratch;
    const std::string scenario =
        scratch.write("s.toml", read_file(std::string(MOECOST_TEST_DATA).append("/cli/data/scenario.toml")));
    const std::string before = read_file(scenario);
    std::filesystem::create_symlink(scenario, scratch.path / "link");
    for (const std::string& output :
         {scenario, (scratch.path / "link").string(), (scratch.path / "." / "s.toml").string()}) {
        check_one_line(run_program("estimate --scenario " + in_quotes(scenario) + " -o " + in_quotes(output)),
                       2, "would overwrite");
        CHECK(read_file(scenario) == before);
    }
    check_one_line(run_program("validate --rows " + in_quotes((scratch.path / "r.csv").string()) + " -o " +
                               in_quotes((scratch.path / "r.csv").string())),
                   2, "would overwrite");
    check_one_line(run_program(mixtral + "-o -"), 2, "'-' names no file");
}

TEST_CASE("control characters and bytes that are no UTF-8 are escaped in messages, long texts cut") {
    check_one_line(run_program("estimate --model \"$(printf 'a\\033[31m\\377\\nb')\" --gpu h100_sxm"), 2,
                   "'a\\x1b[31m\\xff\\nb'");
    check_one_line(run_program("params \"$(printf 'none\\001.json')\""), 2, "none\\x01.json: no such file");
    const Run run = run_program("params \"$(head -c 100000 /dev/zero | tr '\\0' x)\"");
    CHECK(run.status == 2);
    CHECK(run.err.size() < 3000);
    check_one_line(run_program("import hf data/config.json --name \"$(printf '\\377\\376')\""), 2, "--name");
}

TEST_CASE("corners of a data folder that cannot be read are one line, and none leads out of it") {
    const ScratchFolder scratch;
    const std::string folder = in_quotes(scratch.path.string());
    scratch.write("hwmodels/prices/x.toml", "");
    std::filesystem::create_symlink("loop.toml", scratch.path / "hwmodels/prices/loop.toml");
    check_one_line(run_program("list prices --data-dir " + folder), 1, "loop.toml");
    std::filesystem::remove(scratch.path / "hwmodels/prices/loop.toml");
    std::filesystem::remove(scratch.path / "hwmodels/prices/x.toml");
    const ScratchFolder outside;
    outside.write("secret.toml", "name = 'secret'\n");
    std::filesystem::create_directories(scratch.path / "workloads/traffic");
    std::filesystem::create_symlink(outside.path / "secret.toml",
                                    scratch.path / "workloads/traffic/chat.toml");
    check_one_line(run_program(mixtral + "--traffic chat --data-dir " + folder), 2,
                   "leads out of the folder");
    std::filesystem::remove(scratch.path / "workloads/traffic/chat.toml");
    scratch.write("workloads/traffic/a\nb.toml", "name = 'x'\n");
    check_one_line(run_program("list traffic --data-dir " + folder), 2, "a name is one line of UTF-8");
}

TEST_CASE("a user's own file works wherever a name does, and says what it borrows") {
    const ScratchFolder scratch;
    const std::string source(MOECOST_SOURCE);
    const auto copy = [&](const std::string& from, const std::string& to) {
        return in_quotes(scratch.write(to, read_file(source + "/" + from)));
    };
    const std::string gpu = copy("hwmodels/accelerators/h100_sxm.toml", "mygpu.toml");
    const std::string cluster = in_quotes(
        scratch.write("mycluster.toml", "accelerator = 'mygpu.toml'\ngpus_per_node = 8\ndomain = 8\n"));
    for (const char* engine : {"vllm", "sglang", "trtllm"}) {
        CAPTURE(engine);
        for (const std::string& machine : {"--gpu " + gpu, "--cluster " + cluster}) {
            const Run run = run_program("estimate --model mixtral-8x7b --tp 4 --price 2.5 --engine " +
                                        std::string(engine) + " " + machine);
            CAPTURE(run.err);
            CHECK(run.status == 0);
            CHECK((run.out + run.err).find("h100_sxm") != std::string::npos);
        }
    }
    const std::string estimate("estimate --model mixtral-8x7b --gpu h100_sxm --tp 4 ");
    const std::string named = run_program(estimate + "--format csv --traffic chat").out;
    CHECK(run_program(estimate + "--format csv --traffic " + copy("workloads/traffic/chat.toml", "mine.toml"))
              .status == 0);
    CHECK(
        run_program(estimate + "--price " + copy("hwmodels/prices/h100_sxm.toml", "myprices.toml")).status ==
        0);
    CHECK(run_program(estimate + "--engine " +
                      copy("hwmodels/engines/profiles/h100_sxm-vllm.toml", "myengine.toml"))
              .status == 0);
    CHECK(run_program("estimate --gpu h100_sxm --tp 4 --model " +
                      copy("workloads/models/mixtral-8x7b.toml", "mymodel.toml"))
              .status == 0);
    CHECK(run_program("estimate --gpu h100_sxm --tp 4 --size 7B --family " +
                      copy("workloads/families/qwen-like.toml", "myfamily.toml"))
              .status == 0);
    CHECK(run_program("design --budget 1e22 --equal-to 1 --law " +
                      copy("workloads/laws/abnar2025.toml", "mylaw.toml"))
              .status != 2);
    const Run none = run_program("estimate --model mixtral-8x7b --tp 4 --engine nothing --gpu " + gpu);
    CHECK(none.status == 2);
    CHECK(none.err.find("did you mean 'vllm'") == std::string::npos);
}

TEST_CASE("measured rows are held to the ranges of the inputs they become") {
    const ScratchFolder scratch;
    const auto table = [&](const std::string& columns, const std::string& values) {
        return in_quotes(scratch.write(
            "m.csv", "id,scenario,gpu,engine,model,isl,osl,num_gpus,concurrency," + columns +
                         "\na,closed_loop,h100_sxm,vllm,mixtral-8x7b,100,100,4,8," + values + "\n"));
    };
    for (const char* pp : {"0", "0.5", "-1", "1e9", "1.5"})
        check_one_line(
            run_program("validate " + table("tp,pp,out_tok_s_gpu", std::string("4,") + pp + ",100")), 2,
            "m.csv:2: key 'pp': is not a whole number in 1..65536");
    check_one_line(run_program("validate " + table("tp,pp,out_tok_s_gpu", "4,1,-3")), 2,
                   "key 'out_tok_s_gpu'");
}

TEST_CASE("every status but 0 says a line, quiet or not") {
    const std::string too_large("estimate --model deepseek-v3 --gpu h100_sxm --tp 1 ");
    for (const std::string form :
         {"", "--quiet", "--format json", "--format csv", "--format json --quiet", "--format csv --quiet"}) {
        CAPTURE(form);
        const Run run = run_program(too_large + form);
        CHECK(run.status == 3);
        CHECK(run.err.starts_with("moecost: "));
    }
    const ScratchFolder scratch;
    const std::string grid =
        in_quotes(scratch.write("g.toml",
                                "[scenario]\nmodel='deepseek-v3'\ngpu='h100_sxm'\n[[axis]]\n"
                                "key='tp'\nvalues=[1,2]\n"));
    const std::string out = in_quotes((scratch.path / "o.csv").string());
    for (const std::string form : {"--quiet", "--quiet --resume", "--resume"}) {
        const Run run = run_program("sweep " + grid + " -o " + out + " " + form);
        CAPTURE(run.err);
        CHECK(run.status == 3);
        CHECK(run.err.find("moecost: none of 2 points can be served") != std::string::npos);
    }
}
